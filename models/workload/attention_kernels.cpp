#include "workload/attention_kernels.hpp"

namespace orrery::workload {
namespace {

FlashAttention flash(const Shapes& s, bool backward) {
  const Recipe& recipe = s.recipe;
  const double context = recipe.parallelism.context;
  FlashAttention shape{.version = flash_version(recipe.software.attention),
                       .backward = backward,
                       .causal = true,
                       .batch = recipe.microbatch,
                       .heads = s.heads(),
                       .kv_heads = s.key / recipe.model.head_dim,
                       .query_length = recipe.sequence_length / context,
                       .key_length = recipe.sequence_length,
                       .head_dim = recipe.model.head_dim,
                       .value_dim = recipe.model.value_dim(),
                       .dtype = recipe.activation_type()};
  if (recipe.parallelism.context_style == ContextStyle::Ulysses) {
    shape.heads /= context;
    shape.kv_heads /= context;
    shape.query_length = recipe.sequence_length;
  }
  return shape;
}

// Scores and values as batched products over the full square, stored between kernels.
Gemm scores_gemm(const Shapes& s, double m, double n, double k) {
  return {.m = m,
          .n = n,
          .k = k,
          .batch = s.recipe.microbatch * s.heads(),
          .dtype = s.recipe.activation_type(),
          .output_size = Bytes(s.element)};
}

Block unfused_core(const Shapes& s) {
  const double length = s.recipe.sequence_length, d = s.recipe.model.head_dim, e = s.element;
  const double scores = s.recipe.microbatch * s.heads() * length * length;
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
  const double scores = s.recipe.microbatch * s.heads() * length * length;
  Block block;
  block.push_back({.name = "values_grad", .shape = scores_gemm(s, length, length, d)});
  block.push_back({.name = "values_grad", .shape = scores_gemm(s, length, d, length)});
  if (s.recipe.model.dropout) add_memory(block, "attention_dropout_grad", scores * (2 * e + kMask));
  add_memory(block, "softmax_grad", scores * (s.recipe.software.fused_softmax ? 3 * e : 5 * e + 8));
  block.push_back({.name = "scores_grad", .shape = scores_gemm(s, length, d, length)});
  block.push_back({.name = "scores_grad", .shape = scores_gemm(s, length, d, length)});
  add_memory(block, "permute", s.tokens * (s.query + 2 * s.key) * 2 * e);
  return block;
}

// A rank holds the i-th part of the sequence from the front and from the back, so that the causal
// mask leaves all ranks the same. Its own block is causal; of another rank's it needs all queries
// against the front half of the keys, or the back half of the queries against all keys: the one on
// later ranks, the other on earlier ones. A rank in the middle has both equally often.
FlashAttention ring_step(const Shapes& s, int step, bool backward) {
  FlashAttention shape = flash(s, backward);
  shape.key_length = shape.query_length;
  if (step == 0) return shape;
  shape.causal = false;
  (step % 2 == 1 ? shape.key_length : shape.query_length) /= 2;
  return shape;
}

// What a step found is merged with what the steps before found, held in fp32: in one kernel, or in
// a cast, a difference, a scaling and a difference (and in backward a sum each).
void add_merge(const Shapes& s, const FlashAttention& part, Block& block) {
  const double e = s.element;
  const bool fused = s.recipe.software.fused_merge;
  const double output = part.batch * part.heads * part.query_length * part.values();
  if (!part.backward) {
    block.push_back(memory_work("merge", output * (fused ? e + 8 : (e + 36) / 4)));
    block.back().repeat = fused ? 1 : 4;
    return;
  }
  const double queries = part.batch * part.heads * part.query_length * part.head_dim;
  const double keys_values =
      part.batch * part.kv_heads * part.key_length * (part.head_dim + part.values());
  add_memory(block, "merge_grad", (queries + keys_values) * (fused ? 3 * e : e + 8));
}

Block fused_core(const Shapes& s, int step, bool ring, bool backward) {
  const FlashAttention shape = ring ? ring_step(s, step, backward) : flash(s, backward);
  Block block{{.name = backward ? "attention_grad" : "attention", .shape = shape}};
  if (step > 0) add_merge(s, shape, block);
  return block;
}

std::vector<Block> core(const Shapes& s, bool backward) {
  const Recipe& recipe = s.recipe;
  if (recipe.software.attention == AttentionKind::Unfused) {
    return {backward ? unfused_core_grad(s) : unfused_core(s)};
  }
  const bool ring = recipe.rings();
  const int steps = ring ? recipe.parallelism.context : 1;
  std::vector<Block> blocks;
  for (int step = 0; step < steps; ++step) blocks.push_back(fused_core(s, step, ring, backward));
  return blocks;
}

// The keys of a head are put together from its own part and the one that all heads share; their
// gradient is taken apart.
double assembled_keys(const Shapes& s) { return s.tokens * s.key * 2 * s.element; }

}  // namespace

Block rotary(const Shapes& s) {
  Block block;
  if (s.recipe.model.position != Position::Rope) return block;
  const Software& software = s.recipe.software;
  const auto& latent = s.recipe.model.mla;
  // With latent attention a part of every query, and the key part that the heads share.
  const double columns = latent ? (s.heads() + 1) * latent->rope_dim : s.query + s.key;
  const double pass = s.tokens * columns * 2 * s.element;
  if (software.fused_rope || software.compiled) {
    add_memory(block, "rotary", pass);
  } else {
    // cast, two products, rotate, add and cast back, in fp32
    block.push_back(memory_work("rotary", pass * 1.5));
    block.back().repeat = 6;
  }
  return block;
}

LatentKernels latent_kernels(const Shapes& s) {
  LatentKernels kernels;
  const auto& latent = s.recipe.model.mla;
  if (!latent) return kernels;
  const double hidden = s.recipe.model.hidden;
  const double columns = s.split_tokens * (latent->q_rank + latent->kv_rank);
  Linear down = linear(s, {.name = "kv_down",
                           .rows = s.split_tokens,
                           .outputs = latent->kv_rank + latent->rope_dim,
                           .inputs = hidden,
                           .input = Input::Norm});
  if (latent->q_rank > 0) {
    down = join(linear(s, {.name = "q_down",
                           .rows = s.split_tokens,
                           .outputs = latent->q_rank,
                           .inputs = hidden,
                           .input = Input::Norm}),
                down);
  }
  kernels.forward = down.forward;
  add_memory(kernels.forward, "latent_norm", columns * 2 * s.element);
  add_memory(kernels.backward, "latent_norm_grad", columns * 3 * s.element);
  append(kernels.backward, down.input_grad);
  append(kernels.backward, down.weight_grad);
  return kernels;
}

Linear query_key_value(const Shapes& s) {
  const ModelSpec& model = s.recipe.model;
  if (!model.mla) {
    return linear(s, {.name = "qkv",
                      .rows = s.tokens,
                      .outputs = s.query + 2 * s.key,
                      .inputs = model.hidden,
                      .input = Input::Norm,
                      .biases = model.biases});
  }
  const LatentSpec& latent = *model.mla;
  const Linear queries = linear(s, {.name = "q_up",
                                    .rows = s.tokens,
                                    .outputs = s.query,
                                    .inputs = latent.q_rank > 0 ? latent.q_rank : model.hidden,
                                    .input = Input::Norm});
  Linear keys_values = linear(s, {.name = "kv_up",
                                  .rows = s.tokens,
                                  .outputs = s.heads() * (latent.nope_dim + latent.value_dim),
                                  .inputs = latent.kv_rank,
                                  .input = Input::Norm});
  add_memory(keys_values.forward, "assemble_keys", assembled_keys(s));
  Linear both = join(queries, keys_values);
  both.input_grad.insert(both.input_grad.begin(),
                         memory_work("assemble_keys_grad", assembled_keys(s)));
  return both;
}

double query_key_value_inputs(const ModelSpec& model) {
  if (!model.mla) return model.hidden;
  return model.mla->width() + (model.mla->q_rank > 0 ? 0 : model.hidden);
}

std::vector<Block> core_forward(const Shapes& s) {
  std::vector<Block> steps = core(s, false);
  Block first = rotary(s);
  append(first, steps.front());
  steps.front() = std::move(first);
  return steps;
}

std::vector<Block> core_backward(const Shapes& s) {
  std::vector<Block> steps = core(s, true);
  append(steps.back(), rotary(s));
  return steps;
}

}  // namespace orrery::workload
