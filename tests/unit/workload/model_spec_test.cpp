#include <gtest/gtest.h>

#include "unit/workload/support.hpp"

namespace orrery::workload_test {
namespace {

TEST(ModelSpec, CountsTheParametersOfGpt3) {
  // A layer: 4 h^2 of attention, 8 h^2 of feed-forward, 9 h of biases (3 qkv, 1 projection, 4 + 1
  // feed-forward) and 4 h of norms; the last norm's 2 h; the token and the position table.
  const double h = 12288;
  const double expected = 96 * (12 * h * h + 13 * h) + 2 * h + (51200 + 2048) * h;
  EXPECT_EQ(gpt3().parameters(), expected);
  EXPECT_NEAR(gpt3().parameters(), 174.6e9, 0.1e9);  // what the paper calls 175B
}

TEST(ModelSpec, CountsTheParametersOfLlama2) {
  // Attention 4 h^2, three matrices of h x 11008, two norms of h; a last norm; a table at both
  // ends.
  const double h = 4096;
  EXPECT_EQ(llama2_7b().parameters(), 32 * (4 * h * h + 3 * h * 11008 + 2 * h) + h + 2 * 32000 * h);
  EXPECT_EQ(llama2_7b().parameters(), 6'738'415'616.0);  // the published checkpoint
}

TEST(ModelSpec, GroupedQueriesShareKeysAndValues) {
  ModelSpec model = llama2_7b();
  const double all = model.layer_matrix_parameters();
  model.kv_heads = 8;
  // Keys and values shrink to a quarter: 3/4 of 2 h^2 less.
  EXPECT_EQ(all - model.layer_matrix_parameters(), 1.5 * 4096 * 4096);
}

TEST(ModelSpec, TrainingFlopsAreThoseOfMegatron) {
  // Narayanan et al. (SC21, eq. 3) without recomputation: 72 L h^2 (1 + s/6h + V/12Lh) a token. (96
  // and V/16Lh with it.)
  const double h = 12288, layers = 96, s = 2048, vocabulary = 51200;
  const double expected = 72 * layers * h * h * (1 + s / (6 * h) + vocabulary / (12 * layers * h));
  EXPECT_NEAR(gpt3().training_flops_per_token(s, vocabulary).si(), expected, 1e-12 * expected);
}

TEST(Recipe, PadsTheVocabularyTo128PerTensorRank) {
  Recipe recipe = gpt3_recipe(8);
  EXPECT_EQ(recipe.padded_vocabulary(), 51200);  // 50 x 1024
  recipe.model.vocabulary = 50257;
  EXPECT_EQ(recipe.padded_vocabulary(), 51200);
  recipe.parallelism.tensor = 1;
  EXPECT_EQ(recipe.padded_vocabulary(), 50304);  // 393 x 128
}

}  // namespace
}  // namespace orrery::workload_test
