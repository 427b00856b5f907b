#include "workload/memory_model.hpp"

#include <algorithm>

#include "workload/expert_kernels.hpp"

namespace orrery::workload {
namespace {

DeviceParameters operator+(const DeviceParameters& a, const DeviceParameters& b) {
  return {.dense = a.dense + b.dense, .expert = a.expert + b.expert};
}
DeviceParameters operator*(double count, const DeviceParameters& a) {
  return {.dense = count * a.dense, .expert = count * a.expert};
}

// Of `layers` layers, `experts` with experts.
DeviceParameters layers_parameters(const Recipe& recipe, double layers, double experts) {
  DeviceParameters sum = (layers - experts) * layer_parameters(recipe, LayerKind::Dense);
  if (experts > 0) sum = sum + experts * layer_parameters(recipe, LayerKind::Expert);
  return sum;
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

Bytes stage_activations(const Recipe& recipe, const StageShape& stage) {
  const double dense = stage.chunk_layers - stage.chunk_expert_layers;
  const bool experts = stage.chunk_expert_layers > 0;
  const auto of = [&](const Recipe& r, LayerKind kind) { return layer_activations(r, kind); };
  Bytes chunk = of(recipe, LayerKind::Dense) * dense;
  if (experts) chunk += of(recipe, LayerKind::Expert) * stage.chunk_expert_layers;
  Bytes sum = chunk * stage.in_flight_chunks;
  const Bytes turn = stage.head ? head_activations(recipe) : Bytes(0);
  Bytes recomputed{};
  if (recipe.recomputes_layers()) {
    Recipe kept = recipe;  // the layer that is being recomputed is whole
    kept.recompute = Recompute::None;
    recomputed = of(kept, experts ? LayerKind::Expert : LayerKind::Dense);
  }
  sum += recipe.software.planned_memory ? max(turn, recomputed) : turn + recomputed;
  return sum * (1 + recipe.software.fragmentation);
}

// Copies of tokens on their way to experts and where they arrive, of one exchange.
Bytes exchange_buffers(const Recipe& recipe, const StageShape& stage) {
  if (stage.expert_layers == 0 || recipe.parallelism.expert == 1) return Bytes(0);
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
  return sum + model.mtp_layers *
                   (DeviceParameters{.dense = joining} + layer_parameters(recipe, mtp_kind(model)));
}

DeviceParameters stage_parameters(const Recipe& recipe, const StageShape& stage) {
  return layers_parameters(recipe, stage.layers, stage.expert_layers) +
         end_parameters(recipe, stage.embedding, stage.head);
}

MemoryUse stage_memory(const Recipe& recipe, const StageShape& stage) {
  const Software& software = recipe.software;
  const Sharding sharding = recipe.parallelism.sharding;
  const DeviceParameters parameters = stage_parameters(recipe, stage);
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
  const LayerKind largest = stage.expert_layers > 0 ? LayerKind::Expert : LayerKind::Dense;
  const double unit =
      software.planned_memory ? largest_matrix(recipe) : layer_parameters(recipe, largest).all();
  const double ends = end_parameters(recipe, stage.embedding, stage.head).all();
  const double gathered = software.prefetch * unit + ends;

  MemoryUse use;
  use.weights = Bytes(shards_weights ? gathered * size_of(software.gathered).si()
                                     : parameters.all() * weight_size);
  use.gradients =
      Bytes((shards_gradients ? share + 2 * unit + ends : parameters.all()) * gradient_size);
  use.optimizer = (shards_state ? share : parameters.all()) * software.optimizer_state;
  use.activations = stage_activations(recipe, stage);
  use.buffers = software.runtime_memory + exchange_buffers(recipe, stage);
  return use;
}

}  // namespace orrery::workload
