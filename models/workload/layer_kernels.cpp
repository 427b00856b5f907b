#include "workload/layer_kernels.hpp"

#include "workload/attention_kernels.hpp"

namespace orrery::workload {
namespace {

// Bias, dropout and residual after the projection and after the feed-forward.
Block add_forward(const Shapes& s) {
  const ModelSpec& model = s.recipe.model;
  const double e = s.element, r = s.residual;
  const double elements = s.split_tokens * model.hidden;
  Block block;
  if (s.recipe.software.compiled || s.recipe.software.fused_bias_dropout_add) {
    add_memory(block, "bias_dropout_add", elements * (e + 2 * r + (model.dropout ? kMask : 0)));
    return block;
  }
  if (model.biases) add_memory(block, "bias", elements * 2 * e);
  if (model.dropout) add_memory(block, "dropout", elements * (2 * e + kMask));
  add_memory(block, "residual_add", elements * (e + 2 * r));
  return block;
}

Block add_backward(const Shapes& s) {
  const double e = s.element, r = s.residual;
  const double elements = s.split_tokens * s.recipe.model.hidden;
  Block block;
  if (s.recipe.model.dropout) {
    add_memory(block, "dropout_grad", elements * (r + e + kMask));
  } else if (r > e) {
    add_memory(block, "cast", elements * (r + e));
  }
  return block;
}

}  // namespace

namespace {

// The feed-forward network of a dense layer, or the shared experts, which are one such network.
void add_feed_forward(const Shapes& s, double width, LayerKernels& layer) {
  const ModelSpec& model = s.recipe.model;
  const double columns = width / s.tensor;
  const double columns_in = columns * (model.gated_mlp ? 2 : 1);
  const Linear fc1 = linear(s, {.name = "fc1",
                                .rows = s.tokens,
                                .outputs = columns_in,
                                .inputs = model.hidden,
                                .input = Input::Norm,
                                .biases = model.biases});
  const Linear fc2 = linear(s, {.name = "fc2",
                                .rows = s.tokens,
                                .outputs = model.hidden,
                                .inputs = columns,
                                .biases = model.biases});
  layer.fc1 = fc1.forward;
  layer.activation = activation_forward(s, s.tokens, columns);
  layer.fc2 = fc2.forward;
  layer.fc2_input_grad = fc2.input_grad;
  layer.fc2_weight_grad = fc2.weight_grad;
  layer.activation_grad = activation_backward(s, s.tokens, columns);
  layer.fc1_input_grad = fc1.input_grad;
  layer.fc1_weight_grad = fc1.weight_grad;
}

void add_attention(const Shapes& s, LayerKernels& layer) {
  const Linear qkv = query_key_value(s);
  const Linear projection = linear(s, {.name = "projection",
                                       .rows = s.tokens,
                                       .outputs = s.recipe.model.hidden,
                                       .inputs = s.output,
                                       .biases = s.recipe.model.biases});
  const LatentKernels latent = latent_kernels(s);
  layer.latent = latent.forward;
  layer.latent_grad = latent.backward;
  layer.qkv = qkv.forward;
  if (s.recipe.recomputes(&RecomputeModules::latent_up)) {
    layer.latent_up_again = qkv.forward;
    append(layer.latent_up_again, rotary(s));
  }
  layer.qkv_input_grad = qkv.input_grad;
  layer.qkv_weight_grad = qkv.weight_grad;
  layer.ring = core_forward(s);
  layer.core = layer.ring.front();
  layer.ring.erase(layer.ring.begin());
  layer.ring_grad = core_backward(s);
  layer.core_grad = layer.ring_grad.front();
  layer.ring_grad.erase(layer.ring_grad.begin());
  layer.projection = projection.forward;
  layer.projection_input_grad = projection.input_grad;
  layer.projection_weight_grad = projection.weight_grad;
}

}  // namespace

LayerKernels layer_kernels(const Recipe& recipe, LayerKind kind) {
  const Shapes s(recipe);
  LayerKernels layer;
  layer.norm1 = norm_forward(s, "norm1");
  layer.norm2 = norm_forward(s, "norm2");
  layer.add1 = layer.add2 = add_forward(s);
  layer.add1_grad = layer.add2_grad = add_backward(s);
  layer.norm1_grad = norm_backward(s, "norm1_grad");
  layer.norm2_grad = norm_backward(s, "norm2_grad");
  add_attention(s, layer);
  if (kind == LayerKind::Dense) {
    add_feed_forward(s, recipe.model.feed_forward, layer);
    return layer;
  }
  const ExpertSpec& moe = *recipe.model.moe;
  if (moe.shared > 0) add_feed_forward(s, moe.shared * moe.feed_forward, layer);
  layer.experts = expert_kernels(s);
  return layer;
}

Block in_chunks(const Block& block, double chunks) {
  Block split = block;
  for (Work& work : split) {
    if (auto* product = std::get_if<Gemm>(&work.shape)) {
      product->m /= chunks;
      work.repeat *= static_cast<int>(chunks);
    }
  }
  return split;
}

Block operator_recompute(const Recipe& recipe, const LayerKernels& layer) {
  // In order of use the products are q, k, v, projection, gate, up, down: every second is run
  // again, and so are the element-wise kernels. Attention is kept.
  const Shapes s(recipe);
  const double hidden = recipe.model.hidden;
  const double gate_columns = recipe.model.feed_forward_in() / s.tensor / 2;
  Block block = layer.norm1;
  block.push_back(gemm_work("qkv", recipe, s.tokens, s.key, hidden));
  block.push_back(gemm_work("projection", recipe, s.tokens, hidden, s.query));
  append(block, layer.add1);
  append(block, layer.norm2);
  block.push_back(gemm_work("fc1", recipe, s.tokens, gate_columns, hidden));
  append(block, layer.activation);
  return block;
}
}  // namespace orrery::workload
