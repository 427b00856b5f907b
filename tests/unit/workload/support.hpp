#pragma once
/// Recipes with round numbers, made without files.

#include "workload/recipe.hpp"

namespace orrery::workload_test {

using namespace orrery::workload;

/// GPT-3 175B (arXiv:2005.14165, table 2.1), vocabulary padded to 51200.
inline ModelSpec gpt3() {
  return {.name = "gpt3",
          .layers = 96,
          .hidden = 12288,
          .heads = 96,
          .kv_heads = 96,
          .head_dim = 128,
          .feed_forward = 4 * 12288,
          .gated_mlp = false,
          .vocabulary = 51200,
          .norm = Norm::Layer,
          .position = Position::Learned,
          .max_sequence = 2048,
          .tied_embeddings = true,
          .biases = true,
          .dropout = true};
}

/// Llama-2 7B (arXiv:2307.09288).
inline ModelSpec llama2_7b() {
  return {.name = "llama2",
          .layers = 32,
          .hidden = 4096,
          .heads = 32,
          .kv_heads = 32,
          .head_dim = 128,
          .feed_forward = 11008,
          .gated_mlp = true,
          .vocabulary = 32000,
          .norm = Norm::Rms,
          .position = Position::Rope,
          .max_sequence = 0,
          .tied_embeddings = false,
          .biases = false,
          .dropout = false};
}

/// Unfused attention in fp16, one microbatch of two sequences: what Korthikanti et al.
/// (arXiv:2205.05198) count.
inline Recipe gpt3_recipe(int tensor = 1, bool sequence = false) {
  Recipe recipe;
  recipe.model = gpt3();
  recipe.sequence_length = 2048;
  recipe.microbatch = 2;
  recipe.parallelism.tensor = tensor;
  recipe.parallelism.sequence = sequence;
  recipe.precision = Dtype::Fp16;
  recipe.software.attention = AttentionKind::Unfused;
  recipe.software.residual = Dtype::Fp16;
  return recipe;
}

}  // namespace orrery::workload_test
