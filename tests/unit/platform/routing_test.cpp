// Flows on links: the expected maximum against enumeration and simulation, and what it costs.
#include <algorithm>
#include <cmath>
#include <random>

#include <gtest/gtest.h>

#include "platform/routing.hpp"
#include "unit/platform/support.hpp"

namespace orrery::platform_test {
namespace {

/// The mean of the maximum over all links^flows ways.
double enumerated(int flows, int links) {
  const int ways = static_cast<int>(std::lround(std::pow(links, flows)));
  double sum = 0;
  for (int way = 0; way < ways; ++way) {
    std::vector<int> load(static_cast<std::size_t>(links), 0);
    for (int flow = 0, rest = way; flow < flows; ++flow, rest /= links) {
      ++load[static_cast<std::size_t>(rest % links)];
    }
    sum += *std::max_element(load.begin(), load.end());
  }
  return sum / ways;
}

double simulated(int flows, int links, int trials) {
  std::mt19937 random(1);
  std::uniform_int_distribution<std::size_t> link(0, static_cast<std::size_t>(links) - 1);
  double sum = 0;
  for (int trial = 0; trial < trials; ++trial) {
    std::vector<int> load(static_cast<std::size_t>(links), 0);
    for (int flow = 0; flow < flows; ++flow) ++load[link(random)];
    sum += *std::max_element(load.begin(), load.end());
  }
  return sum / trials;
}

TEST(ExpectedGreatestLoad, AgreesWithEnumeration) {
  for (const auto& [flows, links] : {std::pair{1, 4}, {2, 2}, {3, 2}, {4, 3}, {6, 4}, {8, 3}}) {
    EXPECT_NEAR(expected_greatest_load(flows, links), enumerated(flows, links), 1e-9)
        << flows << " on " << links;
  }
  EXPECT_DOUBLE_EQ(expected_greatest_load(2, 2), 1.5);  // by hand: (2 + 1 + 1 + 2) / 4
  EXPECT_DOUBLE_EQ(expected_greatest_load(7, 1), 7);
}

TEST(ExpectedGreatestLoad, AgreesWithSimulation) {
  // 20,000 trials of a maximum that varies by about one: 0.01 is more than a standard error.
  for (const auto& [flows, links] : {std::pair{32, 32}, {128, 32}, {512, 16}}) {
    EXPECT_NEAR(expected_greatest_load(flows, links), simulated(flows, links, 20000), 0.04);
  }
}

TEST(ExpectedGreatestLoad, BeyondTheExactRangeIsClose) {
  // sqrt(2 mean ln links) is an upper bound of the Gaussian maximum: above, by less than 3 %.
  const double exact = expected_greatest_load(4096, 16);
  const double bound = expected_greatest_load(4097, 16);
  EXPECT_GT(bound, exact);
  EXPECT_LT(bound, 1.04 * exact);
}

double rate(const char* routing, const std::vector<int>& devices, const Changes& more = {}) {
  Changes changes = {{"servers", "4"}, {"fabric.routing", routing}};
  changes.insert(changes.end(), more.begin(), more.end());
  return gigabytes_per_second(platform_with(changes).layout(devices).between.ring.bandwidth);
}

TEST(Routing, ByEcmpLosesOnlyAcrossLeaves) {
  EXPECT_DOUBLE_EQ(rate("{kind: ecmp}", {0, 8}), 25);
  // 16 NICs of a leaf on 16 uplinks: the busiest has E flows and each gets 1/E.
  EXPECT_NEAR(rate("{kind: ecmp}", {0, 16}), 25 / expected_greatest_load(16, 16), 1e-9);
}

TEST(Routing, SplitOverMoreFlowsLosesLess) {
  const double four = rate("{kind: ecmp, flows_per_nic: 4}", {0, 16});
  EXPECT_NEAR(four, 25 * 4 / expected_greatest_load(64, 16), 1e-9);
  EXPECT_GT(four, rate("{kind: ecmp}", {0, 16}));
  EXPECT_LT(four, rate("{kind: adaptive}", {0, 16}));
}

TEST(Routing, AdaptiveTakesItsEfficiencyOnlyWhereRoutesAreEqual) {
  EXPECT_DOUBLE_EQ(rate("{efficiency: 0.8}", {0, 16}), 20);
  EXPECT_DOUBLE_EQ(rate("{efficiency: 0.8}", {0, 8}), 25);
}

TEST(Routing, StaticDoesNotDivideFlows) {
  // At oversubscription 3 a leaf of 40 ports takes three servers: 24 flows on 8 uplinks are 3 each.
  const Changes three = {{"fabric.oversubscription", "3"}};
  EXPECT_NEAR(rate("{kind: static}", {0, 24}, three), 25 / 3.0, 1e-9);
  // Two servers: 16 NICs need ceil(16 / 3) = 6 uplinks of 25 each; 3 flows on the busiest.
  const Changes two = {{"fabric.oversubscription", "3"}, {"fabric.servers_per_leaf", "2"}};
  EXPECT_NEAR(rate("{kind: static}", {0, 16}, two), 25 / 3.0, 1e-9);
}

TEST(Routing, OnRailsInAUnitLosesNothing) {
  EXPECT_DOUBLE_EQ(rate("{kind: ecmp}", {0, 8, 16, 24}, {{"fabric.rails", "true"}}), 25);
}

}  // namespace
}  // namespace orrery::platform_test
