// The closed form against the events.
#include <gtest/gtest.h>

#include <cmath>

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

TEST(FidelityOfAStraggler, IsNear) {
  const Changes slow = {{"system.degraded", "[{devices: server1.gpu3, clock: 0.7}]"},
                        {"workload.parallelism", "{tensor: 4, pipeline: 2, sequence: true}"}};
  EXPECT_LT(std::abs(differs(slow)), 0.05);
}

}  // namespace
}  // namespace orrery::properties_test
