// Slices: links along the axes, twisted wraps, and what groups of their devices are.
#include <numeric>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "unit/platform/support.hpp"

namespace orrery::platform_test {
namespace {

Platform torus(const std::string& shape, int devices, const std::string& more = "") {
  return platform_with(
      {{"servers", "2"},
       {"server.accelerators", fmt::format("{}", devices)},
       {"server.nics", fmt::format("{}", devices / 4)},
       {"server.pcie.devices_per_switch", "4"},
       {"server.scale_up",
        fmt::format("{{kind: torus, shape: {}, bandwidth: 50 GB/s, latency: 0.1 us{}}}", shape,
                    more)},
       {"fabric.rails", "true"}});
}

std::vector<int> devices(int first, int count, int stride = 1) {
  std::vector<int> result;
  for (int i = 0; i < count; ++i) result.push_back(first + i * stride);
  return result;
}

int links(const Platform& platform) {
  int count = 0;
  const MachinePart part = whole(platform);
  for (const Link& link : part.links()) count += link.kind == "ici" ? 1 : 0;
  return count;
}

void expect_axis(const TorusAxis& axis, int ranks, int hops, bool wrap) {
  EXPECT_EQ(axis.ranks, ranks);
  EXPECT_EQ(axis.hops, hops);
  EXPECT_EQ(axis.wrap, wrap);
}

// Of two servers; every device has a link in the positive direction of every axis.
TEST(Torus, HasALinkPerDeviceAndWrappedAxis) {
  EXPECT_EQ(links(torus("[4, 4, 4]", 64)), 2 * 3 * 64);
  EXPECT_EQ(links(torus("[4, 4, 4]", 64, ", wrap: false")), 2 * 3 * 3 * 16);
  EXPECT_EQ(links(torus("[4, 16]", 64, ", wrap: [false, true]")), 2 * (3 * 16 + 64));
  EXPECT_EQ(links(torus("[4, 4, 8]", 128, ", twisted: true")), 2 * 3 * 128);
}

TEST(Torus, OfTwoDevicesHasOneLink) { EXPECT_EQ(links(torus("[2, 2]", 4)), 2 * 4); }

TEST(Torus, NamesItsDevicesAndRoutesOverTheWrap) {
  const Platform platform = torus("[8, 8]", 64);
  EXPECT_EQ(platform.device_name(9), "server0.tpu9");
  EXPECT_EQ(whole(platform).component_of_device(9), find(platform, "server0.tpu9"));
  const Route round = route(platform, "server0.tpu0", "server0.tpu7");
  EXPECT_EQ(kinds(platform, round), "ici");
  const Route corner = route(platform, "server0.tpu0", "server0.tpu63");
  EXPECT_EQ(kinds(platform, corner), "ici ici");
  EXPECT_NEAR(microseconds_of(corner.latency), 0.2, kExact);
}

TEST(Torus, TwistsTheWrapOfShortAxes) {
  // 4 x 4 x 8: from x = 3 one arrives at x = 0 four further along z.
  const Platform platform = torus("[4, 4, 8]", 128, ", twisted: true");
  EXPECT_EQ(kinds(platform, route(platform, "server0.tpu3", "server0.tpu64")), "ici");
  EXPECT_EQ(kinds(platform, route(platform, "server0.tpu12", "server0.tpu64")), "ici");
  EXPECT_EQ(kinds(platform, route(platform, "server0.tpu0", "server0.tpu112")), "ici");
}

TEST(Torus, LaysOutTheWholeSlice) {
  const GroupLayout found = torus("[4, 16]", 64).layout(devices(0, 64));
  ASSERT_EQ(found.torus->axes.size(), 2U);
  expect_axis(found.torus->axes[0], 4, 1, true);
  expect_axis(found.torus->axes[1], 16, 1, true);
  EXPECT_DOUBLE_EQ(gigabytes_per_second(found.torus->link), 50);
  EXPECT_DOUBLE_EQ(gigabytes_per_second(found.within.ring.bandwidth), 200);
  EXPECT_EQ(found.torus->twisted_mean_hops, 0);
}

TEST(Torus, LaysOutTensorAlongOneAxisAndTheRestAcross) {
  const Platform platform = torus("[8, 8]", 64);
  const GroupLayout tensor = platform.layout(devices(0, 8));
  ASSERT_EQ(tensor.torus->axes.size(), 1U);
  expect_axis(tensor.torus->axes[0], 8, 1, true);
  const GroupLayout shard = platform.layout(devices(3, 8, 8));
  ASSERT_EQ(shard.torus->axes.size(), 1U);
  expect_axis(shard.torus->axes[0], 8, 1, true);
}

TEST(Torus, LaysOutSubBoxesAsLines) {
  // Half of the x axis; and its complement, two places four apart, with the whole y axis.
  const Platform platform = torus("[8, 8]", 64);
  expect_axis(platform.layout(devices(0, 4)).torus->axes.at(0), 4, 1, false);
  const GroupLayout strided = platform.layout(devices(0, 16, 4));
  ASSERT_EQ(strided.torus->axes.size(), 2U);
  expect_axis(strided.torus->axes[0], 2, 4, true);
  expect_axis(strided.torus->axes[1], 8, 1, true);
}

TEST(Torus, GoesTheShortWayBetweenTwo) {
  expect_axis(torus("[8, 8]", 64).layout(std::vector<int>{0, 7}).torus->axes.at(0), 2, 1, false);
  expect_axis(torus("[8, 8]", 64, ", wrap: false").layout(std::vector<int>{0, 7}).torus->axes.at(0),
              2, 7, false);
}

TEST(Torus, TakesAGroupThatIsNoBoxForALine) {
  // (0,0) (1,0) (3,1): the longest stretch goes two along x and one along y.
  const GroupLayout found = torus("[8, 8]", 64).layout(std::vector<int>{0, 1, 11});
  ASSERT_EQ(found.torus->axes.size(), 1U);
  expect_axis(found.torus->axes[0], 3, 3, false);
}

TEST(Torus, LaysOutReplicasOverTheNetwork) {
  const GroupLayout found = torus("[8, 8]", 64).layout(std::vector<int>{5, 69});
  EXPECT_EQ(found.servers, 2);
  EXPECT_FALSE(found.torus.has_value());
  EXPECT_DOUBLE_EQ(gigabytes_per_second(found.between.ring.bandwidth), 25.0 / 4);
}

TEST(Torus, LaysOutTheSecondSliceAsTheFirst) {
  const GroupLayout found = torus("[8, 8]", 64).layout(devices(64, 64));
  ASSERT_EQ(found.torus->axes.size(), 2U);
  expect_axis(found.torus->axes[0], 8, 1, true);
}

// 4 x 4 x 8: 440 / 128 hops on average, counted by breadth-first search in an independent script;
// straight it is 1 + 1 + 2 = 4.
TEST(Torus, TwistingShortensTheMeanWay) {
  const GroupLayout found = torus("[4, 4, 8]", 128, ", twisted: true").layout(devices(0, 128));
  EXPECT_DOUBLE_EQ(found.torus->twisted_mean_hops, 3.4375);
  const GroupLayout wide = torus("[4, 8, 8]", 256, ", twisted: true").layout(devices(0, 256));
  EXPECT_DOUBLE_EQ(wide.torus->twisted_mean_hops, 4.3125);
}

TEST(Torus, LooksTheSameFromEveryDevice) {
  const Platform platform = torus("[4, 4, 8]", 128, ", twisted: true");
  const MachinePart part = whole(platform);
  std::vector<int> degree(part.components().size(), 0);
  for (const Link& link : part.links()) {
    if (link.kind != "ici") continue;
    ++degree[static_cast<std::size_t>(link.from)];
    ++degree[static_cast<std::size_t>(link.to)];
  }
  for (int device = 0; device < platform.devices(); ++device) {
    EXPECT_EQ(degree[static_cast<std::size_t>(part.component_of_device(device))], 6);
  }
}

}  // namespace
}  // namespace orrery::platform_test
