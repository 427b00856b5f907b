#include <gtest/gtest.h>

#include "unit/workload/support.hpp"
#include "workload/memory_model.hpp"

namespace orrery::workload_test {
namespace {

// Korthikanti et al. (arXiv:2205.05198), bytes of one layer and microbatch: s b h (34 + 5 a s / h)
// and what becomes of it.
constexpr double kS = 2048, kB = 2, kH = 12288, kA = 96;
constexpr double kSbh = kS * kB * kH;
constexpr double kScores = 5 * kA * kS / kH;

void expect_bytes(const Recipe& recipe, double expected) {
  EXPECT_NEAR(layer_activations(recipe).si(), expected,
              1e-12 * expected);  // the order of additions
}

TEST(LayerActivations, AloneAreEquation1) { expect_bytes(gpt3_recipe(), kSbh * (34 + kScores)); }

TEST(LayerActivations, OnTensorRanksAreEquation2) {
  for (const int t : {2, 8}) expect_bytes(gpt3_recipe(t), kSbh * (10 + 24.0 / t + kScores / t));
}

TEST(LayerActivations, WithSequenceParallelismAreEquation4) {
  for (const int t : {2, 8}) expect_bytes(gpt3_recipe(t, true), kSbh / t * (34 + kScores));
}

TEST(LayerActivations, SelectiveRecomputationDropsTheScores) {
  Recipe recipe = gpt3_recipe(8, true);
  recipe.recompute = Recompute::Selective;
  expect_bytes(recipe, kSbh / 8 * 34);
}

TEST(LayerActivations, FullRecomputationKeepsTheInput) {
  Recipe recipe = gpt3_recipe();
  recipe.recompute = Recompute::Full;
  expect_bytes(recipe, 2 * kSbh);
  recipe = gpt3_recipe(8);
  recipe.recompute = Recompute::Full;
  expect_bytes(recipe, 2 * kSbh);  // on every tensor rank, without sequence parallelism
}

TEST(LayerActivations, PartialRecomputationLiesBetween) {
  Recipe recipe = gpt3_recipe();
  recipe.recompute = Recompute::Full;
  recipe.recompute_fraction = 0.25;
  expect_bytes(recipe, 0.25 * 2 * kSbh + 0.75 * kSbh * (34 + kScores));
}

TEST(LayerActivations, FlashAttentionKeepsOneNumberPerTokenAndHead) {
  Recipe recipe = gpt3_recipe();
  recipe.software.attention = AttentionKind::Flash2;
  expect_bytes(recipe, kSbh * 34 + 4 * kS * kB * kA);
}

TEST(LayerActivations, WithoutDropoutKeepNoMasks) {
  Recipe recipe = gpt3_recipe();
  recipe.model.dropout = false;
  // Two masks of a byte; of the scores only the softmax's output stays.
  expect_bytes(recipe, kSbh * (32 + 2 * kA * kS / kH));
}

TEST(LayerActivations, ContextRanksSplitTheTokens) {
  Recipe recipe = gpt3_recipe();
  recipe.software.attention = AttentionKind::Flash2;
  const double whole = layer_activations(recipe).si();
  recipe.parallelism.context = 4;
  expect_bytes(recipe, whole / 4);
}

TEST(StageMemory, AddsUpWhatATrainingStateNeeds) {
  // Mixed-precision Adam: 2 B of weight, 4 B of fp32 gradient, 12 B of state a parameter
  // (Korthikanti et al., Rajbhandari et al. arXiv:1910.02054, with gradients in fp32).
  Recipe recipe = gpt3_recipe(8, true);
  recipe.software.gathered = Dtype::Fp16;
  const StageShape stage{.layers = 12, .chunk_layers = 12, .in_flight_chunks = 8, .data_ranks = 4};
  const double parameters = 12 * recipe.model.layer_parameters() / 8;
  EXPECT_NEAR(stage_parameters(recipe, stage).all(), parameters, 1e-9 * parameters);
  MemoryUse use = stage_memory(recipe, stage);
  EXPECT_NEAR(use.weights.si(), 2 * parameters, 1e-9 * parameters);
  EXPECT_NEAR(use.gradients.si(), 4 * parameters, 1e-9 * parameters);
  EXPECT_NEAR(use.optimizer.si(), 12 * parameters, 1e-9 * parameters);
  EXPECT_NEAR(use.activations.si(), 8 * 12 * kSbh / 8 * (34 + kScores),
              1e-9 * use.activations.si());
  recipe.parallelism.sharding = Sharding::Zero1;
  use = stage_memory(recipe, stage);
  EXPECT_NEAR(use.optimizer.si(), 12 * parameters / 4, 1e-9 * parameters);
  EXPECT_NEAR(use.gradients.si(), 4 * parameters, 1e-9 * parameters);
}

}  // namespace
}  // namespace orrery::workload_test
