// What MaxText's runs need of a recipe: axes by their names, projections kept on the host, planned
// memory, and the size of its models.
#include <algorithm>
#include <string>

#include <gtest/gtest.h>

#include "unit/workload/support.hpp"
#include "workload/memory_model.hpp"
#include "workload/step_memory.hpp"

namespace orrery::workload_test {
namespace {

Parallelism layout_of(const std::string& yaml) {
  Diagnostics diagnostics;
  Parallelism layout =
      Parallelism::read(Reader(parse_yaml(yaml, "test.yaml"), "parallelism", diagnostics));
  diagnostics.throw_if_any();
  return layout;
}

TEST(MaxTextAxes, NameTensorShardsAndSlices) {
  const Parallelism layout = layout_of("{ici_tensor: 16, ici_fsdp: 8, dcn_data: 4}");
  EXPECT_EQ(layout.tensor, 16);
  EXPECT_EQ(layout.data, 32);
  EXPECT_EQ(layout.sharding, Sharding::Hybrid);
  EXPECT_EQ(layout.slice_shards, 8);
  EXPECT_EQ(layout.slices, 4);
}

TEST(MaxTextAxes, MayLeaveTheRestToTheMachine) {
  const Parallelism layout = layout_of("{dcn_data: 4}");
  EXPECT_EQ(layout.data, 0);
  EXPECT_EQ(layout.sharding, Sharding::Hybrid);
  EXPECT_EQ(layout_of("{ici_tensor: 2}").sharding, Sharding::None);
}

TEST(MaxTextAxes, DoNotGoWithTheKeysTheyStandFor) {
  for (const char* yaml : {"{ici_tensor: 2, tensor: 2}", "{ici_fsdp: 2, data: 2}",
                           "{ici_fsdp: 2, sharding: zero3}", "{dcn_data: 2, data: 4}"}) {
    EXPECT_THROW(layout_of(yaml), ConfigError) << yaml;
  }
}

TEST(OffloadQkv, RunsEverythingButTheProjectionsAgain) {
  Recipe recipe = gpt3_recipe();
  recipe.recompute = Recompute::Full;
  const double full = recompute_flops_per_token(recipe).si();
  recipe.recompute = Recompute::OffloadQkv;
  // Query, key and value: 3 h^2 parameters in each of 96 layers.
  EXPECT_DOUBLE_EQ(full - recompute_flops_per_token(recipe).si(), 2 * 96 * 3 * 12288.0 * 12288.0);
}

TEST(OffloadQkv, KeepsOnTheDeviceWhatFullKeeps) {
  Recipe recipe = gpt3_recipe();
  recipe.recompute = Recompute::OffloadQkv;
  EXPECT_EQ(layer_activations(recipe), Bytes(2.0 * 2048 * 2 * 12288));
}

// Fully sharded over 64 ranks, in bf16 with fp32 gradients and 12 bytes of state.
Recipe sharded() {
  Recipe recipe = gpt3_recipe();
  recipe.precision = Dtype::Bf16;
  recipe.parallelism.sharding = Sharding::Zero3;
  recipe.recompute = Recompute::Full;
  return recipe;
}

StageShape whole() {
  StageShape stage;
  stage.layers = stage.chunk_layers = 96;
  stage.embedding = stage.head = true;
  stage.in_flight_chunks = 1;
  stage.data_ranks = stage.shard_ranks = 64;
  return stage;
}

TEST(PlannedMemory, HoldsMatricesInsteadOfLayers) {
  Recipe recipe = sharded();
  const MemoryUse layers = stage_memory(recipe, whole());
  recipe.software.planned_memory = true;
  const MemoryUse matrices = stage_memory(recipe, whole());
  // Two units in bf16: a layer has 12 h^2 + 13 h parameters, its largest matrix 4 h^2.
  const double h = 12288;
  EXPECT_DOUBLE_EQ((layers.weights - matrices.weights).si(), 2 * 2 * (8 * h * h + 13 * h));
  EXPECT_DOUBLE_EQ((layers.gradients - matrices.gradients).si(), 2 * 4 * (8 * h * h + 13 * h));
}

TEST(PlannedMemory, HoldsLogitsOrARecomputedLayer) {
  Recipe recipe = sharded();
  const Bytes both = stage_memory(recipe, whole()).activations;
  recipe.software.planned_memory = true;
  Recipe kept = recipe;
  kept.recompute = Recompute::None;
  const Bytes layer = layer_activations(kept);
  const Bytes logits(2.0 * 2048 * 51200 * 10);
  EXPECT_NEAR((both - stage_memory(recipe, whole()).activations).si(), min(layer, logits).si(), 1);
}

// The names of the entries say how many parameters they have; 128B is 125e9.
TEST(MaxTextModels, HaveTheParametersOfTheirNames) {
  const Library library({std::string(ORRERY_SOURCE_DIR) + "/configs"});
  for (const int billions : {16, 22, 32, 52, 64, 128}) {
    const std::string use = "use: ai-models/maxtext-" + std::to_string(billions) + "b";
    Diagnostics diagnostics;
    Reader reader(library.resolve(parse_yaml(use, "test.yaml")), "model", diagnostics);
    const ModelSpec model = ModelSpec::read(reader);
    diagnostics.throw_if_any();
    EXPECT_NEAR(model.parameters() / 1e9, billions, 0.03 * billions);
  }
}

}  // namespace
}  // namespace orrery::workload_test
