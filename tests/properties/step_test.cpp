/// What every training step obeys, whatever its layout.

#include <algorithm>
#include <cmath>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "properties/support.hpp"

namespace orrery::properties_test {
namespace {

class EveryLayout : public testing::TestWithParam<std::tuple<Layout, bool>> {
 protected:
  [[nodiscard]] Changes changes() const {
    return std::get<0>(GetParam()).changes + overlap(std::get<1>(GetParam()));
  }
};

TEST_P(EveryLayout, TilesSumToTheStep) {
  const StepResult step = run(changes()).step;
  ASSERT_GT(step.step_time.si(), 0);
  const auto expect_sum = [&](const Tiles& tiles) {
    double sum = 0;
    for (const Seconds tile : tiles) {
      EXPECT_GE(tile.si(), -1e-12);
      sum += tile.si();
    }
    EXPECT_NEAR(sum, step.step_time.si(), 1e-9 * step.step_time.si());  // thousands of additions
  };
  expect_sum(step.breakdown);
  for (const Tiles& tiles : step.rank_tiles) expect_sum(tiles);
}

TEST_P(EveryLayout, IsNoFasterThanItsCriticalPath) {
  const StepResult step = run(changes()).step;
  EXPECT_GT(step.critical_path.si(), 0);
  EXPECT_GE(step.step_time.si(), step.critical_path.si() * (1 - 1e-9));
}

TEST_P(EveryLayout, IsNoFasterThanItsFlopsAtPeak) {
  const Report report = run(changes());
  EXPECT_GT(report.throughput->hfu, 0);
  EXPECT_LT(report.throughput->hfu, 1);
  EXPECT_LE(report.throughput->mfu, report.throughput->hfu * (1 + 1e-12));
}

INSTANTIATE_TEST_SUITE_P(Grid, EveryLayout,
                         testing::Combine(testing::ValuesIn(layouts()), testing::Bool()),
                         [](const auto& tested) {
                           return std::get<0>(tested.param).name +
                                  (std::get<1>(tested.param) ? "_overlap" : "_plain");
                         });

class FasterPart : public testing::TestWithParam<std::tuple<Layout, bool>> {
 protected:
  void expect_not_slower(const Changes& faster) const {
    const Changes base = std::get<0>(GetParam()).changes + overlap(std::get<1>(GetParam()));
    const double before = step_seconds(base);
    EXPECT_LE(step_seconds(base + faster), before * (1 + 1e-9));
  }
};

TEST_P(FasterPart, MemoryNeverSlowsTheStep) {
  expect_not_slower({{"system.server.accelerator.memory.bandwidth", "4.8 TB/s"}});
}

// Beside products a faster link moves the same bytes through memory in less time, and a denser
// burst delays what is bound by memory a little more than a thin one: up to 1 % may be lost again.
TEST_P(FasterPart, NvlinkNeverSlowsTheStep) {
  const auto& [layout, overlapped] = GetParam();
  const Changes base = layout.changes + overlap(overlapped);
  const double before = step_seconds(base);
  const double after =
      step_seconds(base + Changes{{"system.server.scale_up.bandwidth", "900 GB/s"}});
  EXPECT_LE(after, before * (overlapped ? 1.01 : 1 + 1e-9));
}

TEST_P(FasterPart, NetworkNeverSlowsTheStep) {
  expect_not_slower({{"system.server.nic.bandwidth", "800 Gbit/s"},
                     {"system.server.pcie.bandwidth", "126 GB/s"},
                     {"system.fabric.leaf.port_bandwidth", "800 Gbit/s"},
                     {"system.fabric.spine.port_bandwidth", "800 Gbit/s"}});
}

TEST_P(FasterPart, LaunchesNeverSlowTheStep) {
  expect_not_slower({{"workload.software.launch_time", "2 us"}});
  expect_not_slower({{"workload.software.cuda_graph", "true"}});
}

TEST_P(FasterPart, LessCommunicationLatencyNeverSlowsTheStep) {
  expect_not_slower({{"system.fabric.cable_latency", "0 ns"}});
}

INSTANTIATE_TEST_SUITE_P(Grid, FasterPart,
                         testing::Combine(testing::ValuesIn(layouts()), testing::Bool()),
                         [](const auto& tested) {
                           return std::get<0>(tested.param).name +
                                  (std::get<1>(tested.param) ? "_overlap" : "_plain");
                         });

// The changes above reach the models: each speeds a step that needs its part.
TEST(FasterParts, Matter) {
  const Changes data = layouts()[0].changes + overlap(false);
  const Changes tensor = layouts()[5].changes + overlap(false);
  EXPECT_LT(
      step_seconds(data + Changes{{"system.server.accelerator.memory.bandwidth", "4.8 TB/s"}}),
      step_seconds(data));
  EXPECT_LT(step_seconds(data),
            step_seconds(data + Changes{{"system.server.nic.bandwidth", "100 Gbit/s"}}));
  EXPECT_LT(step_seconds(tensor + Changes{{"system.server.scale_up.bandwidth", "900 GB/s"}}),
            step_seconds(tensor));
  EXPECT_LT(step_seconds(tensor),
            step_seconds(tensor + Changes{{"workload.software.launch_time", "100 us"}}));
  // The processor's time counts where the software says none.
  EXPECT_EQ(step_seconds(tensor + Changes{{"workload.software.launch_time", "~"},
                                          {"system.server.cpu.launch_time", "100 us"}}),
            step_seconds(tensor + Changes{{"workload.software.launch_time", "100 us"}}));
  const Changes threed = layouts()[11].changes;
  EXPECT_LT(step_seconds(threed + overlap(true)), step_seconds(threed + overlap(false)));
}

class OverlapSwitch : public testing::TestWithParam<std::tuple<Layout, const char*>> {};

// What runs beside takes multiprocessors and memory bandwidth, and splits products: a little slower
// at worst.
TEST_P(OverlapSwitch, SlowsTheStepByTwoPercentAtMost) {
  const auto& [layout, key] = GetParam();
  const Changes base = layout.changes + overlap(false);
  const double off = step_seconds(base);
  const double on = step_seconds(base + Changes{{std::string("workload.overlap.") + key, "true"}});
  EXPECT_LE(on, off * 1.02);
}

INSTANTIATE_TEST_SUITE_P(Grid, OverlapSwitch,
                         testing::Combine(testing::ValuesIn(layouts()),
                                          testing::Values("grad_reduce", "param_gather", "tensor",
                                                          "tensor_backward", "p2p")),
                         [](const auto& tested) {
                           return std::get<0>(tested.param).name + "_" + std::get<1>(tested.param);
                         });

// SimGrid's clock goes on from one simulation to the next, so that dates round differently in their
// last digits: numbers agree to 1e-9, and everything else is equal.
void expect_same(const std::string& found_text, const std::string& expected_text,
                 const std::string& name) {
  const nlohmann::json found = nlohmann::json::parse(found_text).flatten();
  const nlohmann::json expected = nlohmann::json::parse(expected_text).flatten();
  ASSERT_EQ(found.size(), expected.size()) << name;
  for (auto item = found.begin(); item != found.end(); ++item) {
    ASSERT_TRUE(expected.contains(item.key())) << name << item.key();
    const nlohmann::json& value = expected.at(item.key());
    if (value.is_number_float()) {
      // A tile is a difference of dates: as exact as they are, below 1 s.
      const double size = std::max(1.0, std::abs(value.get<double>()));
      EXPECT_NEAR(item->get<double>(), value.get<double>(), 1e-9 * size) << name << item.key();
    } else {
      EXPECT_EQ(*item, value) << name << item.key();
    }
  }
}

TEST(Step, IsTheSameTwiceInOneProcessToRounding) {
  for (const Layout& layout : layouts()) {
    const std::string first = to_json(run(layout.changes));
    (void)run({{"workload.microbatch", "2"}});  // another one between
    expect_same(to_json(run(layout.changes)), first, layout.name);
  }
}

}  // namespace
}  // namespace orrery::properties_test
