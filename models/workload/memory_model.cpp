#include "workload/memory_model.hpp"

#include <algorithm>

#include "workload/expert_kernels.hpp"

namespace orrery::workload {
namespace {

DeviceParameters plus(const DeviceParameters& a, const DeviceParameters& b) {
  return {.dense = a.dense + b.dense, .expert = a.expert + b.expert};
}
DeviceParameters operator*(double count, const DeviceParameters& a) {
  return {.dense = count * a.dense, .expert = count * a.expert};
}

LayerKind mtp_kind(const ModelSpec& model) { return model.kind(static_cast<int>(model.layers)); }

// Logits, their fp32 copy and its gradient live together at the turn of the microbatch, and layers
// of multi-token prediction with them.
Bytes head_activations(const Recipe& recipe) {
  const double e = size_of(recipe.activation_type()).si();
  const double logits =
      device_tokens(recipe) * recipe.padded_vocabulary() / recipe.parallelism.tensor;
  Bytes bytes(logits * (recipe.software.fused_cross_entropy ? 2 * e : e + 8));
  const int ahead = recipe.model.mtp_layers;
  if (ahead > 0)
    bytes += static_cast<double>(ahead) * layer_activations(recipe, mtp_kind(recipe.model));
  return bytes;
}

constexpr std::size_t kDense = static_cast<std::size_t>(LayerKind::Dense);
constexpr std::size_t kExpert = static_cast<std::size_t>(LayerKind::Expert);

Bytes stage_activations(const Recipe& recipe, const LayerMemory& layers, const StageShape& stage) {
  const double dense = stage.chunk_layers - stage.chunk_expert_layers;
  const bool experts = stage.chunk_expert_layers > 0;
  Bytes chunk = layers.kept[kDense] * dense;
  if (experts) chunk += layers.kept[kExpert] * stage.chunk_expert_layers;
  Bytes sum = chunk * stage.in_flight_chunks;
  const Bytes turn = stage.head ? layers.head : Bytes(0);
  const Bytes recomputed = layers.whole[experts ? kExpert : kDense];
  sum += recipe.software.planned_memory ? max(turn, recomputed) : turn + recomputed;
  return sum * (1 + recipe.software.fragmentation);
}

// Copies of tokens on their way to experts and where they arrive, of one exchange.
Bytes exchange_buffers(const Recipe& recipe) {
  if (!recipe.model.moe || recipe.parallelism.expert == 1) return Bytes(0);
  const ExpertCopies copies{Shapes(recipe)};
  return (copies.sent + copies.received) * recipe.model.hidden * size_of(recipe.activation_type());
}

// A compiler that plans memory holds one matrix at a time.
double largest_matrix(const Recipe& recipe) {
  const ModelSpec& model = recipe.model;
  return model.hidden * std::max(model.feed_forward, model.attention_width()) /
         recipe.parallelism.tensor;
}

}  // namespace

DeviceParameters layer_parameters(const Recipe& recipe, LayerKind kind) {
  const Parallelism& layout = recipe.parallelism;
  const ModelSpec& model = recipe.model;
  const double routed = kind == LayerKind::Expert ? model.routed_parameters() : 0.0;
  const double whole = model.replicated_parameters(kind);
  const double split = model.layer_parameters(kind) - routed - whole;
  return {.dense = split / layout.tensor + whole,
          .expert = routed / (static_cast<double>(layout.expert) * layout.expert_tensor)};
}

DeviceParameters end_parameters(const Recipe& recipe, bool embedding, bool head) {
  const ModelSpec& model = recipe.model;
  const double tensor = recipe.parallelism.tensor;
  const double table = recipe.padded_vocabulary() * model.hidden / tensor;
  DeviceParameters sum;
  if (embedding) sum.dense += model.embedding_parameters(recipe.padded_vocabulary()) / tensor;
  if (!head) return sum;
  sum.dense += model.norm_parameters();
  if (!(embedding && model.tied_embeddings)) sum.dense += table;
  if (model.mtp_layers == 0) return sum;
  // Predicting further ahead embeds tokens too.
  if (!embedding && !model.tied_embeddings) sum.dense += table;
  const double joining = 2 * model.hidden * model.hidden / tensor + 3 * model.norm_parameters();
  return plus(
      sum, model.mtp_layers * plus({.dense = joining}, layer_parameters(recipe, mtp_kind(model))));
}

namespace {

// Of `layers` layers, `experts` with experts, and the ends that are on their stage.
DeviceParameters sum_of(const DeviceParameters (&of_layer)[2], double layers, double experts,
                        const DeviceParameters& ends) {
  DeviceParameters sum = (layers - experts) * of_layer[kDense];
  if (experts > 0) sum = plus(sum, experts * of_layer[kExpert]);
  return plus(sum, ends);
}

}  // namespace

DeviceParameters stage_parameters(const Recipe& recipe, const StageShape& stage) {
  const DeviceParameters of_layer[2] = {
      layer_parameters(recipe, LayerKind::Dense),
      stage.expert_layers > 0 ? layer_parameters(recipe, LayerKind::Expert) : DeviceParameters{}};
  return sum_of(of_layer, stage.layers, stage.expert_layers,
                end_parameters(recipe, stage.embedding, stage.head));
}

LayerMemory layer_memory(const Recipe& recipe) {
  LayerMemory result;
  Recipe whole = recipe;  // the layer that is being recomputed is whole
  whole.recompute = Recompute::None;
  for (const LayerKind kind : {LayerKind::Dense, LayerKind::Expert}) {
    if (kind == LayerKind::Expert && !recipe.model.moe) continue;
    const auto at = static_cast<std::size_t>(kind);
    result.kept[at] = layer_activations(recipe, kind);
    if (recipe.recomputes_layers()) result.whole[at] = layer_activations(whole, kind);
    result.parameters[at] = layer_parameters(recipe, kind);
    result.gathered[at] =
        recipe.software.planned_memory ? largest_matrix(recipe) : result.parameters[at].all();
  }
  for (const bool embedding : {false, true}) {
    for (const bool head : {false, true}) {
      result.ends[embedding ? 1 : 0][head ? 1 : 0] = end_parameters(recipe, embedding, head);
    }
  }
  result.head = head_activations(recipe);
  result.exchange = exchange_buffers(recipe);
  return result;
}

MemoryUse stage_memory(const Recipe& recipe, const LayerMemory& layers, const StageShape& stage) {
  const Software& software = recipe.software;
  const Sharding sharding = recipe.parallelism.sharding;
  const DeviceParameters& at_ends = layers.ends[stage.embedding ? 1 : 0][stage.head ? 1 : 0];
  const DeviceParameters parameters =
      sum_of(layers.parameters, stage.layers, stage.expert_layers, at_ends);
  const double weight_size = size_of(recipe.activation_type()).si();
  const double gradient_size = size_of(software.gradient).si();
  const bool shards_state = sharding != Sharding::None;
  const bool shards_gradients =
      sharding == Sharding::Zero2 || sharding == Sharding::Zero3 || sharding == Sharding::Hybrid;
  const bool shards_weights = shards_gradients && sharding != Sharding::Zero2;
  const bool hybrid = sharding == Sharding::Hybrid;
  const double share = parameters.dense / (hybrid ? stage.shard_ranks : stage.data_ranks) +
                       parameters.expert / (hybrid ? stage.shard_ranks : stage.expert_data_ranks);
  // Gathered layers live beside their shards.
  const double unit = layers.gathered[stage.expert_layers > 0 ? kExpert : kDense];
  const double ends = at_ends.all();
  const double gathered = software.prefetch * unit + ends;

  MemoryUse use;
  use.weights = Bytes(shards_weights ? gathered * size_of(software.gathered).si()
                                     : parameters.all() * weight_size);
  use.gradients =
      Bytes((shards_gradients ? share + 2 * unit + ends : parameters.all()) * gradient_size);
  use.optimizer = (shards_state ? share : parameters.all()) * software.optimizer_state;
  use.activations = stage_activations(recipe, layers, stage);
  use.buffers = software.runtime_memory + (stage.expert_layers > 0 ? layers.exchange : Bytes(0));
  return use;
}

}  // namespace orrery::workload
