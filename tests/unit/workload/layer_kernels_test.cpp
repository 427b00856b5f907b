#include "workload/layer_kernels.hpp"

#include <gtest/gtest.h>

#include "unit/workload/support.hpp"

namespace orrery::workload_test {
namespace {

double gemm_flops(std::initializer_list<Block> blocks) {
  double sum = 0;
  for (const Block& block : blocks) {
    for (const Work& work : block) {
      if (!std::holds_alternative<MemoryBound>(work.shape)) sum += work.flops().si();
    }
  }
  return sum;
}

double forward(const LayerKernels& l) {
  return gemm_flops(
      {l.norm1, l.qkv, l.core, l.projection, l.add1, l.norm2, l.fc1, l.activation, l.fc2, l.add2});
}

double backward(const LayerKernels& l) {
  return gemm_flops({l.add2_grad, l.fc2_input_grad, l.fc2_weight_grad, l.activation_grad,
                     l.fc1_input_grad, l.fc1_weight_grad, l.norm2_grad, l.add1_grad,
                     l.projection_input_grad, l.projection_weight_grad, l.core_grad,
                     l.qkv_input_grad, l.qkv_weight_grad, l.norm1_grad});
}

// Exact but for the order of additions.
void expect_flops(double found, double expected) { EXPECT_NEAR(found, expected, 1e-12 * expected); }

constexpr double kTokens = 2 * 2048, kH = 12288;
constexpr double kScores = 4.0 * 2 * 2048 * 2048 * kH;  // 4 b s^2 h: scores and values, unmasked

TEST(LayerKernels, ForwardMultipliesEveryWeightWithEveryToken) {
  for (const int t : {1, 2, 8}) {
    const LayerKernels layer = layer_kernels(gpt3_recipe(t));
    expect_flops(forward(layer), (2 * kTokens * 12 * kH * kH + kScores) / t);
  }
}

TEST(LayerKernels, BackwardIsTwiceForward) {
  for (const int t : {1, 8}) {
    const LayerKernels layer = layer_kernels(gpt3_recipe(t));
    expect_flops(backward(layer), 2 * forward(layer));
  }
}

TEST(LayerKernels, SumUpToTheFlopsOfTheMetric) {
  const Recipe recipe = gpt3_recipe();
  const LayerKernels layer = layer_kernels(recipe);
  const EndKernels ends = end_kernels(recipe);
  const double all = 96 * (forward(layer) + backward(layer)) +
                     gemm_flops({ends.logits, ends.logits_input_grad, ends.logits_weight_grad});
  expect_flops(all, kTokens * recipe.model.training_flops_per_token(2048, 51200).si());
}

TEST(LayerKernels, GatedAndGroupedQueryLayersMultiplyTheirWeights) {
  Recipe recipe = gpt3_recipe();
  recipe.model = llama2_7b();
  recipe.model.kv_heads = 8;
  recipe.software.attention = AttentionKind::Flash2;
  const LayerKernels layer = layer_kernels(recipe);
  const double products = gemm_flops({layer.qkv, layer.projection, layer.fc1, layer.fc2});
  expect_flops(products, 2 * kTokens * recipe.model.layer_matrix_parameters());
}

TEST(LayerKernels, FlashAttentionSkipsMaskedScores) {
  Recipe recipe = gpt3_recipe();
  recipe.software.attention = AttentionKind::Flash2;
  const LayerKernels layer = layer_kernels(recipe);
  expect_flops(gemm_flops({layer.core}), kScores / 2);
  expect_flops(gemm_flops({layer.core_grad}), 2.5 * kScores / 2);  // five products for two
}

TEST(LayerKernels, ChunksKeepTheFlops) {
  const LayerKernels layer = layer_kernels(gpt3_recipe(8, true));
  expect_flops(gemm_flops({in_chunks(layer.qkv, 8)}), gemm_flops({layer.qkv}));
}

TEST(OptimizerKernels, MoveTheStateOfWhatIsHeld) {
  Recipe recipe = gpt3_recipe();
  recipe.software.optimizer_traffic = Bytes(30);
  double bytes = 0;
  for (const Work& work : optimizer_kernels(recipe, 1e6, 4e6)) bytes += work.bytes().si();
  // 30 B a parameter held, and the norm reads fp32 gradients.
  EXPECT_NEAR(bytes, 30e6 + 4 * 4e6, 1e-3);
}

}  // namespace
}  // namespace orrery::workload_test
