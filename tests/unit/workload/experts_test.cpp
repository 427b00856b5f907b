// Layers with experts, latent attention and attention around a ring.
#include <gtest/gtest.h>

#include "unit/workload/support.hpp"
#include "workload/layer_kernels.hpp"
#include "workload/memory_model.hpp"

namespace orrery::workload_test {
namespace {

constexpr double kTokens = 4096, kH = 4096, kFeedForward = 14336, kExperts = 8;

/// Mixtral 8x7B (arXiv:2401.04088, table 1).
ModelSpec mixtral() {
  ModelSpec model = llama2_7b();
  model.kv_heads = 8;
  model.moe = ExpertSpec{.experts = kExperts, .per_token = 2, .feed_forward = kFeedForward};
  return model;
}

/// DeepSeek-V3 (arXiv:2412.19437, section 4.2), without its prediction of a second token.
ModelSpec deepseek() {
  ModelSpec model = llama2_7b();
  model.layers = 61;
  model.hidden = 7168;
  model.heads = model.kv_heads = 128;
  model.mla =
      LatentSpec{.q_rank = 1536, .kv_rank = 512, .rope_dim = 64, .nope_dim = 128, .value_dim = 128};
  model.head_dim = 192;
  model.feed_forward = 18432;
  model.moe = ExpertSpec{
      .experts = 256, .per_token = 8, .shared = 1, .feed_forward = 2048, .dense_layers = 3};
  return model;
}

Recipe recipe_of(const ModelSpec& model, int tensor = 1, int expert = 1) {
  Recipe recipe;
  recipe.model = model;
  recipe.sequence_length = kTokens;
  recipe.parallelism.tensor = recipe.parallelism.expert_tensor = tensor;
  recipe.parallelism.sequence = tensor > 1;
  recipe.parallelism.expert = expert;
  recipe.software.attention = AttentionKind::Flash2;
  return recipe;
}

double gemm_flops(std::initializer_list<Block> blocks) {
  double sum = 0;
  for (const Block& block : blocks) {
    for (const Work& work : block) {
      if (std::holds_alternative<Gemm>(work.shape)) sum += work.flops().si();
    }
  }
  return sum;
}

double attention_flops(const std::vector<Block>& blocks) {
  double sum = 0;
  for (const Block& block : blocks) {
    for (const Work& work : block) {
      if (std::holds_alternative<FlashAttention>(work.shape)) sum += work.flops().si();
    }
  }
  return sum;
}

double forward(const LayerKernels& l) {
  return gemm_flops({l.latent, l.qkv, l.projection, l.fc1, l.fc2, l.experts->route,
                     l.experts->experts, l.experts->combine});
}

double backward(const LayerKernels& l) {
  return gemm_flops({l.fc1_input_grad, l.fc1_weight_grad, l.fc2_input_grad, l.fc2_weight_grad,
                     l.experts->combine_grad, l.experts->experts_grad, l.experts->route_grad,
                     l.projection_input_grad, l.projection_weight_grad, l.qkv_input_grad,
                     l.qkv_weight_grad, l.latent_grad});
}

// Exact but for the order of additions.
void expect_near(double found, double expected) { EXPECT_NEAR(found, expected, 1e-12 * expected); }

TEST(ExpertLayers, FollowTheDenseOnesAndSkipAsTheyAreTold) {
  ModelSpec model = mixtral();
  EXPECT_EQ(model.expert_layers(), 32);
  model.moe->dense_layers = 2;
  EXPECT_EQ(model.kind(1), LayerKind::Dense);
  EXPECT_EQ(model.kind(2), LayerKind::Expert);
  EXPECT_EQ(model.expert_layers(), 30);
  EXPECT_EQ(model.expert_layers(1, 3), 2);
  model.moe->every = 3;  // layers 4, 7, … 31
  EXPECT_EQ(model.kind(3), LayerKind::Dense);
  EXPECT_EQ(model.kind(4), LayerKind::Expert);
  EXPECT_EQ(model.expert_layers(), 10);
  EXPECT_EQ(model.kind(32), LayerKind::Expert);  // beyond the last: as the last
}

TEST(ExpertLayers, MultiplyEveryTokenWithItsExpertsAndTheRouter) {
  // Attention h (h + 2 h/4) + h h, router h 8, of 8 experts 2 with 3 h f each.
  const double active = 2.5 * kH * kH + kH * kExperts + 2 * 3 * kH * kFeedForward;
  for (const int tensor : {1, 4}) {
    const LayerKernels layer = layer_kernels(recipe_of(mixtral(), tensor), LayerKind::Expert);
    expect_near(forward(layer), 2 * kTokens * active / tensor);
    expect_near(backward(layer), 2 * forward(layer));
  }
  expect_near(mixtral().active_matrix_parameters(LayerKind::Expert), active);
}

TEST(ExpertLayers, DoTheSameHoweverExpertsAreSpread) {
  const double alone = forward(layer_kernels(recipe_of(mixtral()), LayerKind::Expert));
  for (const int expert : {2, 8}) {
    Recipe recipe = recipe_of(mixtral(), 1, expert);
    expect_near(forward(layer_kernels(recipe, LayerKind::Expert)), alone);
  }
  Recipe whole = recipe_of(mixtral(), 4, 8);
  whole.parallelism.expert_tensor = 1;  // tensor ranks send their own tokens to whole experts
  expect_near(forward(layer_kernels(whole, LayerKind::Expert)), alone / 4);
}

TEST(ExpertLayers, OfTheFullestRankDoAsMuchMoreAsItHas) {
  const double routed = 2 * kTokens * 2 * 3 * kH * kFeedForward;
  const double balanced = forward(layer_kernels(recipe_of(mixtral(), 1, 8), LayerKind::Expert));
  Recipe recipe = recipe_of(mixtral(), 1, 8);
  recipe.parallelism.imbalance = 1.5;
  expect_near(forward(layer_kernels(recipe, LayerKind::Expert)), balanced + 0.5 * routed);
  recipe.parallelism.imbalance = 1;
  recipe.parallelism.capacity = 1.25;
  expect_near(forward(layer_kernels(recipe, LayerKind::Expert)), balanced + 0.25 * routed);
}

TEST(ExpertLayers, ReadEveryLocalExpertOnce) {
  const LayerKernels layer = layer_kernels(recipe_of(mixtral(), 1, 2), LayerKind::Expert);
  for (const Work& work : layer.experts->experts) {
    const auto* product = std::get_if<Gemm>(&work.shape);
    if (product == nullptr) continue;
    EXPECT_EQ(product->batch, 4);            // of 8 experts on 2 ranks
    EXPECT_EQ(product->m, kTokens * 2 / 4);  // two copies of a rank's tokens arrive on average
  }
}

TEST(LatentAttention, MultipliesWithLatentsOfLowRank) {
  const ModelSpec model = deepseek();
  const double h = 7168, heads = 128;
  const double attention = h * 1536 + 1536 * heads * 192  // queries
                           + h * (512 + 64)               // keys, values and the shared key part
                           + 512 * heads * (128 + 128)    // of every head
                           + heads * 128 * h;             // output
  const double experts = 3 * h * 2048;
  expect_near(model.layer_matrix_parameters(LayerKind::Dense), attention + 3 * h * 18432);
  expect_near(model.layer_matrix_parameters(LayerKind::Expert),
              attention + h * 256 + 257 * experts);
  for (const int tensor : {1, 4}) {
    const LayerKernels layer = layer_kernels(recipe_of(model, tensor), LayerKind::Expert);
    expect_near(forward(layer), 2 * kTokens / tensor * (attention + h * 256 + 9 * experts));
    expect_near(backward(layer), 2 * forward(layer));
    // Scores of width 192 and values of width 128, half of them masked.
    expect_near(attention_flops({layer.core}), kTokens * kTokens * heads / tensor * (192 + 128));
    // Three products as wide as the keys, two as the values.
    expect_near(attention_flops({layer.core_grad}),
                kTokens * kTokens * heads / tensor * (3 * 192 + 2 * 128));
  }
}

TEST(RingAttention, SharesTheScoresThatAreNotMasked) {
  const double all = attention_flops({layer_kernels(recipe_of(mixtral())).core});
  for (const int context : {2, 8}) {
    Recipe recipe = recipe_of(mixtral());
    recipe.parallelism.context = context;
    LayerKernels layer = layer_kernels(recipe);
    ASSERT_EQ(layer.ring.size(), static_cast<std::size_t>(context - 1));
    // s/c own scores, half of them masked, and as many with every other rank.
    expect_near(attention_flops({layer.core}), all / context / context);
    expect_near(attention_flops({layer.core}) + attention_flops(layer.ring), all / context);
    expect_near(attention_flops({layer.core_grad}) + attention_flops(layer.ring_grad),
                2.5 * all / context);
    for (const ContextStyle style : {ContextStyle::AllGather, ContextStyle::Ulysses}) {
      recipe.parallelism.context_style = style;
      layer = layer_kernels(recipe);
      EXPECT_TRUE(layer.ring.empty());
      expect_near(attention_flops({layer.core}), all / context);
    }
  }
}

TEST(RingAttention, MergesEveryStepButTheFirst) {
  Recipe recipe = recipe_of(mixtral());
  recipe.parallelism.context = 3;
  const LayerKernels layer = layer_kernels(recipe);
  const auto merged = [](const Block& block) { return block.back().bytes().si(); };
  const double output = kTokens / 3 * kH;
  // 16-bit partial results into fp32 ones: all queries, then half of them.
  expect_near(merged(layer.ring[0]), output * (2 + 8));
  expect_near(merged(layer.ring[1]), output / 2 * (2 + 8));
}

TEST(ExpertMemory, KeepsCopiesAndWhatExpertsMakeOfThem) {
  Recipe recipe = recipe_of(mixtral(), 1, 8);
  // In 16 bits: inputs of two norms and of what follows them; q, k, v; the projection's input; a
  // log-sum-exp per head.
  const double attention = kTokens * (4 * kH * 2 + (kH + 2 * 1024) * 2 + kH * 2 + 32 * 4);
  // Logits and probabilities of the router, where copies came from, copies, gate and up, product.
  const double copies = 2 * kTokens;
  const double experts = kTokens * kExperts * 8 + copies * 8 + copies * (kH + 3 * kFeedForward) * 2;
  expect_near(layer_activations(recipe, LayerKind::Expert).si(), attention + experts);
  recipe.recompute = Recompute::Selective;
  recipe.recompute_modules = {.attention = false, .expert_activation = true};
  expect_near(layer_activations(recipe, LayerKind::Expert).si(),
              attention + experts - copies * kFeedForward * 2);
}

TEST(ExpertMemory, SplitsStatesOverTheReplicasOfEach) {
  Recipe recipe = recipe_of(mixtral(), 1, 8);
  recipe.parallelism.sharding = Sharding::Zero1;
  // 32 ranks share the attention, 4 of them the same expert.
  const StageShape stage{.layers = 2,
                         .expert_layers = 2,
                         .chunk_layers = 2,
                         .chunk_expert_layers = 2,
                         .data_ranks = 32,
                         .expert_data_ranks = 4};
  const double dense = 2 * (2.5 * kH * kH + kH * kExperts + 2 * kH);
  const double expert = 2 * 3 * kH * kFeedForward;  // one of eight
  const DeviceParameters parameters = stage_parameters(recipe, stage);
  expect_near(parameters.dense, dense);
  expect_near(parameters.expert, expert);
  const MemoryUse use = stage_memory(recipe, stage);
  expect_near(use.weights.si(), 2 * (dense + expert));
  expect_near(use.optimizer.si(), 12 * (dense / 32 + expert / 4));
  // Copies leave and arrive: as many of each.
  expect_near((use.buffers - recipe.software.runtime_memory).si(), 2 * 2 * kTokens * kH * 2);
}

TEST(TrainingFlops, CountTheExpertsOfATokenOnly) {
  // 6 for every weight that a token meets, 6 L (192 + 128) 128 s for attention.
  ModelSpec model = deepseek();
  const double s = 4096, vocabulary = 32000;
  const double layers = 3 * model.layer_matrix_parameters(LayerKind::Dense) +
                        58 * model.active_matrix_parameters(LayerKind::Expert);
  const double attention = 6 * 320 * 128 * s;
  expect_near(model.training_flops_per_token(s, vocabulary).si(),
              6 * (layers + vocabulary * 7168) + 61 * attention);
  model.mtp_layers = 1;  // another layer and head, and the product that joins two hidden states
  expect_near(model.training_flops_per_token(s, vocabulary).si(),
              6 * (layers + model.active_matrix_parameters(LayerKind::Expert) +
                   2 * vocabulary * 7168 + 2 * 7168.0 * 7168) +
                  62 * attention);
}

}  // namespace
}  // namespace orrery::workload_test
