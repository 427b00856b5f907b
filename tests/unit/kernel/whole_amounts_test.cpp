#include "kernel/whole_amounts.hpp"

#include <cmath>
#include <random>

#include <gtest/gtest.h>

namespace orrery {
namespace {

using Times = std::vector<std::uint32_t>;

TEST(WholeAmounts, EqualAmountsAreTheUnit) {
  const WholeAmounts found = whole_amounts(std::vector<double>{0.3, 0.3, 0.3});
  EXPECT_EQ(found.times, (Times{1, 1, 1}));
  EXPECT_DOUBLE_EQ(found.unit, 0.3);
  EXPECT_EQ(found.error, 0);
}

TEST(WholeAmounts, WholeRatiosAreExact) {
  const WholeAmounts found = whole_amounts(std::vector<double>{1.5, 0.5, 1.25});
  EXPECT_EQ(found.times, (Times{6, 2, 5}));
  EXPECT_DOUBLE_EQ(found.unit, 0.25);
  EXPECT_EQ(found.error, 0);
}

TEST(WholeAmounts, AnyTwoAmountsAreMetToHalfOfOneInAThousand) {
  std::mt19937 random(1);
  for (int i = 0; i < 1000; ++i) {
    const double ratio = std::exp(std::uniform_real_distribution<double>(0, 1)(random));
    const std::vector<double> amounts = {1, ratio};
    const WholeAmounts found = whole_amounts(amounts);
    // The larger one is at least 1,024 units where fewer do not do.
    EXPECT_LE(found.error, std::max(1e-4, 0.5 / 1024)) << ratio;
    EXPECT_NEAR(found.unit * found.times[1] / ratio, 1, found.error * (1 + 1e-9));
  }
}

TEST(WholeAmounts, NearlyEqualAmountsAreKeptApart) {
  const WholeAmounts found = whole_amounts(std::vector<double>{1, 1.004});
  EXPECT_EQ(found.times[1], found.times[0] + 1);
  EXPECT_LE(found.error, 1e-4);
}

TEST(WholeAmounts, ListsStayShort) {
  for (const double ratio : {1e3, 1e6, 1e12}) {
    const WholeAmounts found = whole_amounts(std::vector<double>{1, ratio, 1});
    EXPECT_LE(found.times[0] + found.times[1] + found.times[2], 4096U + 3U) << ratio;
    EXPECT_GE(found.times[0], 1U);
  }
}

}  // namespace
}  // namespace orrery
