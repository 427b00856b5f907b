#include "workload/layer_kernels.hpp"

#include "workload/kernel_shapes.hpp"

namespace orrery::workload {
namespace {

Work gemm_work(const char* name, const Recipe& recipe, double m, double n, double k) {
  return {.name = name,
          .shape = Gemm{.m = m,
                        .n = n,
                        .k = k,
                        .dtype = recipe.precision,
                        .output_size = size_of(recipe.activation_type())}};
}
// y = x W: forward, input gradient, weight gradient of a linear layer with k inputs and n outputs.
struct Linear {
  Block forward, input_grad, weight_grad;
};
// Who wrote a product's input: a norm can write fp8 itself, others leave 16 bits to cast.
enum class Input { Norm, Other };

// fp8 products read operands in both layouts: transposed copies are made with the cast, or later.
void add_fp8_casts(const Shapes& s, double n, double k, Input input, Linear& result) {
  if (!s.fp8) return;
  if (input == Input::Norm && s.recipe.software.fused_fp8_cast) {
    add_memory(result.weight_grad, "fp8_transpose", s.tokens * k * 2);
  } else {
    add_memory(result.forward, "fp8_cast", s.tokens * k * (s.element + 2));
  }
  add_memory(result.input_grad, "fp8_grad_cast", s.tokens * n * (s.element + 2));
}

Linear linear(const Shapes& s, const char* name, double n, double k, Input input) {
  Linear result;
  add_fp8_casts(s, n, k, input, result);
  // Autocast keeps weights in fp32 and casts them at every use.
  if (size_of(s.recipe.software.gathered) > size_of(s.recipe.activation_type())) {
    add_memory(result.forward, "weight_cast", n * k * (4 + s.element));
  }
  result.forward.push_back(gemm_work(name, s.recipe, s.tokens, n, k));
  result.input_grad.push_back(gemm_work(name, s.recipe, s.tokens, k, n));
  if (s.recipe.model.biases && !s.fp8) {
    add_memory(result.weight_grad, "bias_grad", s.tokens * n * s.element);
  }
  add_weight_gradient(s, name, n, k, s.recipe.precision, result.weight_grad);
  return result;
}
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

Block rotary(const Shapes& s) {
  Block block;
  if (s.recipe.model.position != Position::Rope) return block;
  const Software& software = s.recipe.software;
  const double pass = s.tokens * (s.query + s.key_value) * 2 * s.element;
  if (software.fused_rope || software.compiled) {
    add_memory(block, "rotary", pass);
  } else {
    // cast, two products, rotate, add and cast back, in fp32
    block.push_back(memory_work("rotary", pass * 1.5));
    block.back().repeat = 6;
  }
  return block;
}

FlashAttention flash(const Shapes& s, bool backward) {
  const Recipe& recipe = s.recipe;
  return {.version = flash_version(recipe.software.attention),
          .backward = backward,
          .causal = true,
          .batch = recipe.microbatch,
          .heads = s.query / recipe.model.head_dim,
          .kv_heads = s.key_value / recipe.model.head_dim,
          .query_length = recipe.sequence_length / recipe.parallelism.context,
          .key_length = recipe.sequence_length,
          .head_dim = recipe.model.head_dim,
          .dtype = recipe.activation_type()};
}

// Scores and values as batched products over the full square, stored between kernels.
Gemm scores_gemm(const Shapes& s, double m, double n, double k) {
  return {.m = m,
          .n = n,
          .k = k,
          .batch = s.recipe.microbatch * s.query / s.recipe.model.head_dim,
          .dtype = s.recipe.activation_type(),
          .output_size = Bytes(s.element)};
}

Block unfused_core(const Shapes& s) {
  const double length = s.recipe.sequence_length, d = s.recipe.model.head_dim, e = s.element;
  const double scores = s.recipe.microbatch * s.query / d * length * length;
  Block block;
  block.push_back({.name = "scores", .shape = scores_gemm(s, length, length, d)});
  if (s.recipe.software.fused_softmax) {
    add_memory(block, "scale_mask_softmax", scores * 2 * e);
  } else {
    add_memory(block, "scale", scores * 2 * e);
    add_memory(block, "mask", scores * 2 * e);
    add_memory(block, "softmax", scores * (2 * e + 8));
  }
  if (s.recipe.model.dropout) add_memory(block, "attention_dropout", scores * (2 * e + kMask));
  block.push_back({.name = "values", .shape = scores_gemm(s, length, d, length)});
  add_memory(block, "permute", s.tokens * s.query * 2 * e);
  return block;
}

Block unfused_core_grad(const Shapes& s) {
  const double length = s.recipe.sequence_length, d = s.recipe.model.head_dim, e = s.element;
  const double scores = s.recipe.microbatch * s.query / d * length * length;
  Block block;
  block.push_back({.name = "values_grad", .shape = scores_gemm(s, length, length, d)});
  block.push_back({.name = "values_grad", .shape = scores_gemm(s, length, d, length)});
  if (s.recipe.model.dropout) add_memory(block, "attention_dropout_grad", scores * (2 * e + kMask));
  add_memory(block, "softmax_grad", scores * (s.recipe.software.fused_softmax ? 3 * e : 5 * e + 8));
  block.push_back({.name = "scores_grad", .shape = scores_gemm(s, length, d, length)});
  block.push_back({.name = "scores_grad", .shape = scores_gemm(s, length, d, length)});
  add_memory(block, "permute", s.tokens * (s.query + 2 * s.key_value) * 2 * e);
  return block;
}

Block core_forward(const Shapes& s) {
  Block block = rotary(s);
  if (s.recipe.software.attention == AttentionKind::Unfused) {
    append(block, unfused_core(s));
  } else {
    block.push_back({.name = "attention", .shape = flash(s, false)});
  }
  return block;
}

Block core_backward(const Shapes& s) {
  Block block;
  if (s.recipe.software.attention == AttentionKind::Unfused) {
    block = unfused_core_grad(s);
  } else {
    block.push_back({.name = "attention_grad", .shape = flash(s, true)});
  }
  append(block, rotary(s));
  return block;
}

Block activation_forward(const Shapes& s) {
  const Software& software = s.recipe.software;
  const double e = s.element;
  Block block;
  if (software.compiled || software.fused_bias_activation) {
    add_memory(block, "activation", s.tokens * (s.columns_in + s.columns) * e);
    return block;
  }
  if (s.recipe.model.biases) add_memory(block, "bias", s.tokens * s.columns_in * 2 * e);
  add_memory(block, "activation", s.tokens * s.columns * 2 * e);
  if (s.recipe.model.gated_mlp) add_memory(block, "gate", s.tokens * s.columns * 3 * e);
  return block;
}

Block activation_backward(const Shapes& s) {
  const Software& software = s.recipe.software;
  const double e = s.element;
  Block block;
  if (s.recipe.model.gated_mlp && !software.compiled && !software.fused_bias_activation) {
    add_memory(block, "gate_grad", s.tokens * s.columns * 6 * e);
    add_memory(block, "activation_grad", s.tokens * s.columns * 3 * e);
    return block;
  }
  add_memory(block, "activation_grad", s.tokens * (s.columns + 2 * s.columns_in) * e);
  return block;
}
}  // namespace

LayerKernels layer_kernels(const Recipe& recipe) {
  const Shapes s(recipe);
  const double hidden = recipe.model.hidden;
  LayerKernels layer;
  const Linear qkv = linear(s, "qkv", s.query + 2 * s.key_value, hidden, Input::Norm);
  const Linear projection = linear(s, "projection", hidden, s.query, Input::Other);
  const Linear fc1 = linear(s, "fc1", s.columns_in, hidden, Input::Norm);
  const Linear fc2 = linear(s, "fc2", hidden, s.columns, Input::Other);
  layer.norm1 = norm_forward(s, "norm1");
  layer.qkv = qkv.forward;
  layer.core = core_forward(s);
  layer.projection = projection.forward;
  layer.add1 = layer.add2 = add_forward(s);
  layer.norm2 = norm_forward(s, "norm2");
  layer.fc1 = fc1.forward;
  layer.activation = activation_forward(s);
  layer.fc2 = fc2.forward;
  layer.add1_grad = layer.add2_grad = add_backward(s);
  layer.fc2_input_grad = fc2.input_grad;
  layer.fc2_weight_grad = fc2.weight_grad;
  layer.activation_grad = activation_backward(s);
  layer.fc1_input_grad = fc1.input_grad;
  layer.fc1_weight_grad = fc1.weight_grad;
  layer.norm1_grad = norm_backward(s, "norm1_grad");
  layer.norm2_grad = norm_backward(s, "norm2_grad");
  layer.projection_input_grad = projection.input_grad;
  layer.projection_weight_grad = projection.weight_grad;
  layer.core_grad = core_backward(s);
  layer.qkv_input_grad = qkv.input_grad;
  layer.qkv_weight_grad = qkv.weight_grad;
  return layer;
}

Block selective_recompute(const LayerKernels& layer) { return layer.core; }

Block operator_recompute(const Recipe& recipe, const LayerKernels& layer) {
  // In order of use the products are q, k, v, projection, gate, up, down: every second is run
  // again, and so are the element-wise kernels. Attention is kept.
  const Shapes s(recipe);
  const double hidden = recipe.model.hidden;
  Block block = layer.norm1;
  block.push_back(gemm_work("qkv", recipe, s.tokens, s.key_value, hidden));
  block.push_back(gemm_work("projection", recipe, s.tokens, hidden, s.query));
  append(block, layer.add1);
  append(block, layer.norm2);
  block.push_back(gemm_work("fc1", recipe, s.tokens, s.columns_in / 2, hidden));
  append(block, layer.activation);
  return block;
}
}  // namespace orrery::workload
