#include "workload/memory_model.hpp"

#include <algorithm>

#include "workload/layer_kernels.hpp"

namespace orrery::workload {

Bytes layer_activations(const Recipe& recipe) {
  const ModelSpec& model = recipe.model;
  const double tensor = recipe.parallelism.tensor;
  const double tokens = device_tokens(recipe);
  const double split = recipe.parallelism.sequence ? tokens / tensor : tokens;
  const double e = size_of(recipe.activation_type()).si();
  const double r = size_of(recipe.software.residual).si();
  const double operand = recipe.precision == Dtype::Fp8 ? 1 : e;  // saved inputs of products
  const double query = model.attention_width() / tensor;
  const double key_value = std::max(model.kv_width() / tensor, model.head_dim);
  const double columns = model.feed_forward / tensor;
  const double layer_input = split * model.hidden * r;
  if (recipe.recomputes_layers() && recipe.recompute_fraction >= 1) return Bytes(layer_input);

  // Norm inputs, inputs of qkv and fc1, dropout masks.
  double kept = split * model.hidden * (2 * r + 2 * operand + (model.dropout ? 2 : 0));
  const bool operator_recompute = recipe.recompute == Recompute::Operator;
  if (operator_recompute) kept = split * model.hidden * 2 * r;
  kept += tokens * (operator_recompute ? 0 : (query + 2 * key_value) * e);  // q, k, v
  kept += tokens * query * e;  // input of the projection
  if (!operator_recompute) kept += tokens * columns * (model.gated_mlp ? 2 : 1) * e;
  kept += tokens * columns * operand;  // input of fc2
  if (recipe.software.attention == AttentionKind::Unfused) {
    const double scores = recipe.microbatch * (query / model.head_dim) * recipe.sequence_length *
                          recipe.sequence_length;
    if (recipe.recompute != Recompute::Selective) {
      kept += scores * (e + (model.dropout ? 1 + e : 0));
    }
  } else {
    kept += tokens * query / model.head_dim * 4;  // log-sum-exp
  }
  if (recipe.recomputes_layers()) {
    kept = recipe.recompute_fraction * layer_input + (1 - recipe.recompute_fraction) * kept;
  }
  return Bytes(kept);
}

namespace {

double largest_matrix(const Recipe& recipe) {
  const ModelSpec& model = recipe.model;
  return model.hidden * std::max(model.feed_forward, model.attention_width()) /
         recipe.parallelism.tensor;
}

}  // namespace

double stage_parameters(const Recipe& recipe, const StageShape& stage) {
  const double tensor = recipe.parallelism.tensor;
  const ModelSpec& model = recipe.model;
  double parameters = stage.layers * model.layer_parameters() / tensor;
  if (stage.embedding)
    parameters += model.embedding_parameters(recipe.padded_vocabulary()) / tensor;
  if (stage.head) parameters += model.norm_parameters();
  const bool own_table = stage.head && !(stage.embedding && model.tied_embeddings);
  if (own_table) parameters += recipe.padded_vocabulary() * model.hidden / tensor;
  return parameters;
}

MemoryUse stage_memory(const Recipe& recipe, const StageShape& stage) {
  const Software& software = recipe.software;
  const Sharding sharding = recipe.parallelism.sharding;
  const double parameters = stage_parameters(recipe, stage);
  const double data = stage.data_ranks;
  const double weight_size = size_of(recipe.activation_type()).si();
  const double gradient_size = size_of(software.gradient).si();
  const bool shards_state = sharding != Sharding::None;
  const bool shards_gradients =
      sharding == Sharding::Zero2 || sharding == Sharding::Zero3 || sharding == Sharding::Hybrid;
  const bool shards_weights = shards_gradients && sharding != Sharding::Zero2;
  const double ways = sharding == Sharding::Hybrid ? stage.shard_ranks : data;
  // Gathered layers live beside their shards.
  const double layer = recipe.model.layer_parameters() / recipe.parallelism.tensor;
  const double ends = parameters - stage.layers * layer;
  const double unit = software.planned_memory ? largest_matrix(recipe) : layer;
  const double gathered = software.prefetch * unit + ends;

  MemoryUse use;
  use.weights =
      Bytes(shards_weights ? gathered * size_of(software.gathered).si() : parameters * weight_size);
  use.gradients = Bytes(shards_gradients ? (parameters / ways + 2 * unit + ends) * gradient_size
                                         : parameters * gradient_size);
  use.optimizer = parameters / (shards_state ? ways : 1.0) * software.optimizer_state;
  const double layers = stage.chunk_layers * stage.in_flight_chunks;
  Bytes activations = layer_activations(recipe) * layers;
  const double tokens = device_tokens(recipe);
  const double e = size_of(recipe.activation_type()).si();
  Bytes turn{};  // of the microbatch: logits, their fp32 copy and its gradient live together
  if (stage.head) {
    const double logits = tokens * recipe.padded_vocabulary() / recipe.parallelism.tensor;
    turn = Bytes(logits * (software.fused_cross_entropy ? 2 * e : e + 8));
  }
  Bytes recomputed{};
  if (recipe.recomputes_layers()) {
    Recipe kept = recipe;  // the layer that is being recomputed is whole
    kept.recompute = Recompute::None;
    recomputed = layer_activations(kept);
  }
  activations += software.planned_memory ? max(turn, recomputed) : turn + recomputed;
  use.activations = activations * (1 + software.fragmentation);
  use.buffers = software.runtime_memory;
  return use;
}

}  // namespace orrery::workload
