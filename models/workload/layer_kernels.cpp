#include "workload/layer_kernels.hpp"

#include <cmath>

namespace orrery::workload {
namespace {

// Bytes of a softmax-dropout mask element and of a dropout mask element.
constexpr double kMask = 1;

// Shapes on one device and the sizes of what is stored, in bytes per element.
struct Shapes {
  explicit Shapes(const Recipe& r)
      : recipe(r),
        tensor(r.parallelism.tensor),
        tokens(device_tokens(r)),
        split_tokens(r.parallelism.sequence ? tokens / tensor : tokens),
        query(r.model.attention_width() / tensor),
        key_value(r.model.kv_heads >= tensor ? r.model.kv_width() / tensor : r.model.head_dim),
        columns_in(r.model.feed_forward_in() / tensor),
        columns(r.model.feed_forward / tensor),
        element(size_of(r.activation_type()).si()),
        residual(size_of(r.software.residual).si()),
        fp8(r.precision == Dtype::Fp8) {}

  const Recipe& recipe;
  double tensor;
  double tokens;        // of a microbatch that this device multiplies
  double split_tokens;  // of a microbatch that this device normalises and adds
  double query;         // columns of the queries here
  double key_value;     // columns of the keys (and of the values) here
  double columns_in;    // of the first feed-forward product
  double columns;       // of the feed-forward activation
  double element;
  double residual;
  bool fp8;
};

Work memory_work(const char* name, double bytes) {
  return {.name = name, .shape = MemoryBound{.bytes = Bytes(bytes)}};
}

void add_memory(Block& block, const char* name, double bytes) {
  if (bytes > 0) block.push_back(memory_work(name, bytes));
}

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

void add_weight_gradient(const Shapes& s, const char* name, double n, double k, Dtype dtype,
                         Block& block) {
  const Software& software = s.recipe.software;
  const double main_size = size_of(software.gradient).si();
  Gemm product{.m = n, .n = k, .k = s.tokens, .dtype = dtype};
  if (software.fused_weight_gradient) {
    product.output_size = size_of(software.gradient);
    product.accumulate = true;
    block.push_back({.name = name, .shape = product});
    return;
  }
  product.output_size = Bytes(s.element);
  block.push_back({.name = name, .shape = product});
  // Written in 16 bits, then read and added to the gradient that is held.
  add_memory(block, "grad_accumulate", n * k * (s.element + 2 * main_size));
}

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

// Written by a norm for the product that follows.
double operand_size(const Shapes& s) {
  return s.fp8 && s.recipe.software.fused_fp8_cast ? 1 : s.element;
}

Block norm_forward(const Shapes& s, const char* name) {
  const double e = s.element, r = s.residual, out = operand_size(s);
  Block block;
  if (s.recipe.software.compiled) {
    add_memory(block, name, s.split_tokens * s.recipe.model.hidden * out);  // read with the add
  } else if (s.recipe.software.fused_norm) {
    add_memory(block, name, s.split_tokens * s.recipe.model.hidden * (r + out));
  } else {
    // to fp32, square, mean, multiply, back, weight: one kernel each
    block.push_back(
        memory_work(name, s.split_tokens * s.recipe.model.hidden * (r + 28 + 3 * e) / 6));
    block.back().repeat = 6;
  }
  return block;
}

Block norm_backward(const Shapes& s, const char* name) {
  const double e = s.element, r = s.residual;
  const double elements = s.split_tokens * s.recipe.model.hidden;
  Block block;
  if (s.recipe.software.compiled) {
    add_memory(block, name, elements * (e + 3 * r));  // joined with the residual's gradient
  } else if (s.recipe.software.fused_norm) {
    add_memory(block, name, elements * (e + 2 * r));
    add_memory(block, "norm_weight_grad", elements * (e + r));
    add_memory(block, "residual_grad", elements * 3 * r);
  } else {
    block.push_back(memory_work(name, elements * (56 + 6 * e + 3 * r) / 12));
    block.back().repeat = 12;
    add_memory(block, "residual_grad", elements * 3 * r);
  }
  return block;
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

double device_tokens(const Recipe& recipe) {
  return recipe.microbatch * recipe.sequence_length / recipe.parallelism.context;
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

void append(Block& block, const Block& more) {
  block.insert(block.end(), more.begin(), more.end());
}

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

EndKernels end_kernels(const Recipe& recipe) {
  const Shapes s(recipe);
  const double hidden = recipe.model.hidden, e = s.element;
  const double columns = recipe.padded_vocabulary() / s.tensor;
  // The head stays in 16 bits under fp8 recipes.
  const Dtype dtype = recipe.activation_type();
  const auto product = [&](double m, double n, double k) {
    return Gemm{.m = m, .n = n, .k = k, .dtype = dtype, .output_size = Bytes(e)};
  };
  EndKernels ends;
  const double elements = s.tokens * hidden;
  add_memory(ends.embedding, "embedding", elements * (e + s.residual));
  if (recipe.model.position == Position::Learned) {
    add_memory(ends.embedding, "positions", elements * 2 * s.residual + elements * e);
  }
  if (recipe.model.dropout) {
    add_memory(ends.embedding, "dropout", s.split_tokens * hidden * (2 * s.residual + kMask));
  }
  // Sorting and adding rows: read the gradient, read and write the table's rows.
  add_memory(ends.embedding_grad, "embedding_grad", elements * (s.residual + 2 * 4));
  ends.final_norm = norm_forward(s, "final_norm");
  ends.final_norm_grad = norm_backward(s, "final_norm_grad");
  ends.logits.push_back({.name = "logits", .shape = product(s.tokens, columns, hidden)});
  // Fused: two reads of 16-bit logits and their gradient written in place. Otherwise cast to fp32,
  // maximum, subtract, exponentiate, sum and divide forward; scale and cast backward.
  const double logits = s.tokens * columns;
  if (recipe.software.fused_cross_entropy) {
    add_memory(ends.loss, "cross_entropy", logits * 2 * e);
    add_memory(ends.loss_grad, "cross_entropy_grad", logits * 2 * e);
  } else {
    ends.loss.push_back(memory_work("cross_entropy", logits * (e + 4 + 4 + 8 + 8 + 4 + 8) / 6));
    ends.loss.back().repeat = 6;
    ends.loss_grad.push_back(memory_work("cross_entropy_grad", logits * (8 + 4 + e) / 2));
    ends.loss_grad.back().repeat = 2;
  }
  if (recipe.software.train_metrics > 0) {
    // a cast to fp32 and a log-softmax each
    ends.loss.push_back(memory_work("train_metric", logits * (e + 4 + 8) / 2));
    ends.loss.back().repeat = 2 * recipe.software.train_metrics;
  }
  ends.logits_input_grad.push_back(
      {.name = "logits_grad", .shape = product(s.tokens, hidden, columns)});
  add_weight_gradient(s, "logits_grad", columns, hidden, dtype, ends.logits_weight_grad);
  return ends;
}

Block optimizer_kernels(const Recipe& recipe, double held, double gradients) {
  Block block;
  const double gradient = size_of(recipe.software.gradient).si();
  add_memory(block, "grad_norm", gradients * gradient);
  add_memory(block, "optimizer", held * recipe.software.optimizer_traffic.si());
  if (recipe.precision == Dtype::Fp8) add_memory(block, "fp8_weights", gradients * 4);
  return block;
}

}  // namespace orrery::workload
