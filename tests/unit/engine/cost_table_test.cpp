#include <cmath>
#include <numbers>

#include <gtest/gtest.h>

#include "unit/engine/support.hpp"

namespace orrery::engine_test {
namespace {

// Equal but for the order of a few additions.
constexpr double kRounding = 1e-12;

struct Table {
  WorkTables program;
  FakeAccelerator accelerator;
  FakeCollectives collectives{{timed(1, 2, 30)}};
  CostTable of() { return {program, {{&accelerator, {}}}, collectives}; }
};

TEST(CostTable, ABlockIsTheSumOfItsKernelsAndTheirRepeats) {
  Table t;
  t.program.blocks.push_back({gemm(2, 3), memory_bound(5, 2),
                              Work{.name = "flash", .shape = FlashAttention{}, .repeat = 4}});
  const CostTable costs = t.of();
  const BlockCost& cost = costs.block(0);
  EXPECT_NEAR(cost.gemm.si(), 2 * 3, kRounding);
  EXPECT_NEAR(cost.attention.si(), 1 * 4, kRounding);
  EXPECT_NEAR(cost.time.si(), 2 * 3 + 5 * 2 + 1 * 4, kRounding);
  EXPECT_EQ(cost.launches, 3 + 2 + 4);
}

TEST(CostTable, AnEmptyBlockCostsNothing) {
  Table t;
  t.program.blocks.emplace_back();
  EXPECT_EQ(t.of().block(0).time, Seconds(0));
  EXPECT_EQ(t.of().slowdown(0, 50, BytesPerSecond(50)), 1.0);
}

TEST(CostTable, SlowdownFollowsFromWhatIsLeft) {
  Table t;
  t.program.blocks.push_back({gemm(6), memory_bound(2)});
  const CostTable costs = t.of();
  EXPECT_EQ(costs.slowdown(0, 0, BytesPerSecond(0)), 1.0);
  // 25 of 100 multiprocessors taken: the product takes 6 / 0.75.
  EXPECT_NEAR(costs.slowdown(0, 25, BytesPerSecond(0)), (6 / 0.75 + 2) / 8, kRounding);
  // 50 of 100 B/s taken: the other takes 2 / 0.5.
  EXPECT_NEAR(costs.slowdown(0, 0, BytesPerSecond(50)), (6 + 2 / 0.5) / 8, kRounding);
  EXPECT_NEAR(costs.slowdown(0, 25, BytesPerSecond(50)), (6 / 0.75 + 2 / 0.5) / 8, kRounding);
  EXPECT_EQ(costs.slowdown(0, 25, BytesPerSecond(50)), costs.slowdown(0, 25, BytesPerSecond(50)));
}

TEST(CostTable, ATenthIsAlwaysLeft) {
  Table t;
  t.program.blocks.push_back({gemm(1)});
  EXPECT_NEAR(t.of().slowdown(0, 1000, BytesPerSecond(0)), 10, kRounding);
}

TEST(CostTable, CopyEnginesTakeNoMultiprocessors) {
  Table t;
  t.program.collectives.push_back({CollectiveRequest{.layout = {}}, "sm", 0});
  t.program.collectives.push_back({CollectiveRequest{.layout = {}, .copy_engine = true}, "ce", 0});
  const CostTable costs = t.of();
  EXPECT_EQ(costs.collective(0).multiprocessors, 30);
  EXPECT_EQ(costs.collective(1).multiprocessors, 0);
  EXPECT_EQ(costs.collective(1).time(), Seconds(3));
}

double below(double x) { return 0.5 * std::erfc(-x / std::numbers::sqrt2); }

TEST(ExpectedSlowest, IsBlomsQuantile) {
  EXPECT_EQ(expected_slowest(0), 0);
  EXPECT_EQ(expected_slowest(1), 0);
  for (const int n : {2, 8, 100, 1000, 16384}) {
    EXPECT_NEAR(below(expected_slowest(n)), (n - 0.375) / (n + 0.25), 1e-10) << n;
  }
}

TEST(ExpectedSlowest, IsNearTheExactMean) {
  // Exact for two and three normal values: 1/sqrt(pi) and 3/(2 sqrt(pi)); Blom is within 5 %.
  const double root = std::sqrt(std::numbers::pi);
  EXPECT_NEAR(expected_slowest(2), 1 / root, 0.05 / root);
  EXPECT_NEAR(expected_slowest(3), 1.5 / root, 0.05 * 1.5 / root);
}

}  // namespace
}  // namespace orrery::engine_test
