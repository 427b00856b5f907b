// Properties of jobs on slices.
#include <gtest/gtest.h>

#include "properties/support.hpp"

namespace orrery::properties_test {
namespace {

constexpr const char* kSliceJob = R"(
system: {use: clusters/tpu-v5e-256, servers: 2}
workload:
  model: {use: ai-models/maxtext-16b, layers: 2}
  sequence_length: 2048
  global_batch: 1024
  microbatch: 2
  parallelism: {ici_fsdp: 256, dcn_data: 2}
  recompute: full
  software: {use: software/maxtext-2024}
)";

double step(const Changes& changes) {
  const Library library({std::string(ORRERY_SOURCE_DIR) + "/configs"});
  const Registry registry = builtin_registry();
  const Node job = parse_yaml(kSliceJob, "job.yaml");
  return Simulation(make_scenario(job, library, changes), registry).run().step.step_time.si();
}

TEST(Slices, MaxTextNamesGiveTheStepOfOurs) {
  // Runs of one process follow each other on the kernel's clock: the last digits may differ.
  const double ours = step({{"workload.parallelism", "{sharding: hybrid}"}});
  EXPECT_NEAR(step({}), ours, 1e-9 * ours);
}

TEST(Slices, OneSliceOfHybridIsZero3) {
  const Changes one = {{"system.servers", "1"}, {"workload.global_batch", "512"}};
  const double zero3 = step(one + Changes{{"workload.parallelism", "{sharding: zero3}"}});
  EXPECT_NEAR(step(one + Changes{{"workload.parallelism", "{sharding: hybrid}"}}), zero3,
              1e-9 * zero3);
}

TEST(Slices, ReducingBesideTheLayersIsNotSlower) {
  EXPECT_LT(step({{"workload.overlap.grad_reduce", "true"}}), step({}));
}

TEST(Slices, MoreSlicesTakeLongerForTheSameWorkEach) {
  double before = 0;
  for (const int count : {1, 2, 8, 32}) {
    const double time = step({{"system.servers", std::to_string(count)},
                              {"workload.global_batch", std::to_string(512 * count)},
                              {"workload.parallelism", "{sharding: hybrid}"}});
    EXPECT_GT(time, before) << count;
    before = time;
  }
}

TEST(Slices, WithoutWrapsTakeLonger) {
  EXPECT_LT(step({}), step({{"system.server.scale_up.wrap", "false"}}));
}

TEST(Slices, OffloadingProjectionsIsFasterThanRunningThemAgain) {
  EXPECT_LT(step({{"workload.recompute", "offload_qkv"}}), step({}));
}

}  // namespace
}  // namespace orrery::properties_test
