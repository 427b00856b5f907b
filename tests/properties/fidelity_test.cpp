// The closed form against the events.
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "properties/support.hpp"

namespace orrery::properties_test {
namespace {

double differs(const Changes& changes) {
  const double event = step_seconds(changes);
  return step_seconds(changes + Changes{{"run.fidelity", "analytic"}}) / event - 1;
}

class Fidelity : public testing::TestWithParam<Layout> {};

// Gathering layer by layer runs beside kernels whatever the switches say, and so do the blocks of
// ring attention.
bool contends(const std::string& layout) {
  return layout == "zero2" || layout == "zero3" || layout == "hybrid" || layout == "operator" ||
         layout.rfind("context", 0) == 0;
}

TEST_P(Fidelity, AgreesWhereNothingContends) {
  if (contends(GetParam().name)) GTEST_SKIP() << "communication runs beside kernels";
  EXPECT_LT(std::abs(differs(GetParam().changes + overlap(false))), 0.01);
}

TEST_P(Fidelity, IsNearWhereCommunicationRunsBesideKernels) {
  EXPECT_LT(std::abs(differs(GetParam().changes + overlap(true))), 0.05);
}

TEST_P(Fidelity, TilesSumToTheStepAndKernelTimesAgree) {
  const Report event = run(GetParam().changes);
  const Report analytic = run(GetParam().changes + Changes{{"run.fidelity", "analytic"}});
  const double step = analytic.step.step_time.si();
  double sum = 0;
  for (const Seconds tile : analytic.step.breakdown) {
    EXPECT_GE(tile.si(), -1e-9 * step);
    sum += tile.si();
  }
  EXPECT_NEAR(sum, step, 1e-9 * step);
  // Steps a little apart may settle a kelvin apart, which is up to 0.2 % of the clock.
  for (const auto& [kind, time] : event.step.kernel_time) {
    EXPECT_NEAR(analytic.step.kernel_time.at(kind).si(), time.si(), 2e-3 * step) << kind;
  }
  ASSERT_EQ(event.step.collectives.size(), analytic.step.collectives.size());
  for (std::size_t i = 0; i < event.step.collectives.size(); ++i) {
    EXPECT_EQ(event.step.collectives[i].count, analytic.step.collectives[i].count);
    EXPECT_EQ(event.step.collectives[i].label, analytic.step.collectives[i].label);
  }
}

INSTANTIATE_TEST_SUITE_P(Layouts, Fidelity, testing::ValuesIn(layouts()),
                         [](const auto& of) { return of.param.name; });

TEST(FidelityOfAStraggler, IsNearWhereverItIsAndHoweverManyMicrobatchesAreLeftOut) {
  const Changes many = {{"workload.global_batch", "256"}};
  for (const char* device : {"server0.gpu0", "server1.gpu3", "server3.gpu7"}) {
    const std::string slow = std::string("[{devices: ") + device + ", clock: 0.7}]";
    for (const char* layout : {"{sharding: zero1}", "{tensor: 2, pipeline: 4, sequence: true}"}) {
      EXPECT_LT(std::abs(differs(
                    many + Changes{{"system.degraded", slow}, {"workload.parallelism", layout}})),
                0.05)
          << device << layout;
    }
  }
}

TEST(FidelityOfUnequalStages, IsNearWhereverTheLongestIs) {
  for (const char* layers : {"[3, 1, 2, 2]", "[1, 4, 2, 1]", "[1, 1, 5, 1]", "[2, 1, 1, 4]"}) {
    const std::string map =
        std::string("{tensor: 2, pipeline: 4, sequence: true, layers_per_stage: ") + layers + "}";
    EXPECT_LT(std::abs(differs({{"workload.global_batch", "512"}, {"workload.parallelism", map}})),
              0.03)
        << layers;
  }
}

TEST(FidelityOfExpertOverlap, AnExchangeLongerThanItsKernelsIsNotHidden) {
  // Exchanges between servers run into the next layer, and pace the step.
  for (const char* expert : {"8", "32"}) {
    const std::string map = std::string("{pipeline: 1, expert: ") + expert + ", sharding: zero1}";
    const Changes wide = {
        {"workload.model.moe", "{experts: 32, experts_per_token: 8, expert_feed_forward: 1024}"},
        {"workload.parallelism", map},
        {"workload.overlap.expert", "true"},
        {"workload.software", "{use: software/megatron-bridge-moe-2025}"}};
    EXPECT_LT(std::abs(differs(wide + overlap(true))), 0.01) << expert;
  }
}

TEST(FidelityOfFewMicrobatches, GradientsAndMessagesMeetAtTheEndsOfTheStep) {
  const Changes few = {
      {"workload.global_batch", "32"},
      {"workload.parallelism", "{tensor: 1, pipeline: 4, interleave: 2, sharding: zero1}"}};
  EXPECT_LT(std::abs(differs(few + overlap(true))), 0.01);
}

// What scripts/fidelity draws, on the small job: every dimension by itself.
Changes drawn(std::mt19937& random) {
  const auto one = [&](std::initializer_list<const char*> of) {
    return std::string(of.begin()[random() % of.size()]);
  };
  const auto truth = [&] { return one({"true", "false"}); };
  const std::string tensor = one({"1", "2", "4"}), pipeline = one({"1", "2", "4"});
  Changes all = {
      {"workload.parallelism",
       "{tensor: " + tensor + ", pipeline: " + pipeline + ", sequence: " +
           (tensor == "1" ? "false" : truth()) + ", context: " + one({"1", "1", "2"}) +
           ", context_style: " + one({"ring", "all_gather", "ulysses"}) + ", sharding: " +
           (pipeline == "1" ? one({"none", "zero1", "zero2", "zero3", "hybrid"})
                            : one({"none", "zero1"})) +
           "}"},
      {"workload.global_batch", one({"32", "64", "96", "256"})},
      {"workload.recompute", one({"none", "selective", "full", "operator"})},
      {"workload.software",
       "{use: software/" +
           one({"megatron-core-2024", "fsdp-2023", "maxtext-2024", "torchtitan-2024-compile"}) +
           "}"}};
  for (const char* name : {"grad_reduce", "param_gather", "tensor", "tensor_backward", "p2p"}) {
    all.emplace_back(std::string("workload.overlap.") + name, truth());
  }
  if (random() % 4 == 0) {
    all.emplace_back("system.degraded", "[{devices: " + one({"server1.gpu3", "\"*.gpu0\""}) + ", " +
                                            one({"clock", "scale_up", "scale_out"}) + ": 0.7}]");
  }
  return all;
}

TEST(FidelityOfDraws, IsNear) {
  std::mt19937 random(20);  // NOLINT(cert-msc51-cpp): the same ones every time
  for (int i = 0; i < 40; ++i) {
    const Changes changes = drawn(random);
    EXPECT_LT(std::abs(differs(changes)), 0.05)
        << i << " " << changes.front().second << " " << changes.back().first << ": "
        << changes.back().second;
  }
}

TEST(FidelityOfAStraggler, IsNear) {
  const Changes slow = {{"system.degraded", "[{devices: server1.gpu3, clock: 0.7}]"},
                        {"workload.parallelism", "{tensor: 4, pipeline: 2, sequence: true}"}};
  EXPECT_LT(std::abs(differs(slow)), 0.05);
}

}  // namespace
}  // namespace orrery::properties_test
