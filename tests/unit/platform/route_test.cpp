#include <gtest/gtest.h>

#include "unit/platform/support.hpp"

namespace orrery::platform_test {
namespace {

TEST(Route, PassesTheSwitchesInsideAServer) {
  const Platform platform = platform_with({});
  const Route found = route(platform, "server1.gpu0", "server1.gpu5");
  EXPECT_EQ(kinds(platform, found), "nvlink nvlink");
  EXPECT_DOUBLE_EQ(gigabytes_per_second(found.bandwidth), 300);
  EXPECT_NEAR(microseconds_of(found.latency), 2 * 0.2, kExact);
}

TEST(Route, PrefersNvlinkToACommonPcieSwitch) {
  const Platform platform = platform_with({});
  EXPECT_EQ(kinds(platform, route(platform, "server0.gpu0", "server0.gpu1")), "nvlink nvlink");
}

TEST(Route, TakesOneWireInAMeshWithoutSwitches) {
  const Platform platform = platform_with({{"server.scale_up.switches", "0"}});
  const Route found = route(platform, "server0.gpu0", "server0.gpu5");
  EXPECT_EQ(kinds(platform, found), "nvlink");
  EXPECT_DOUBLE_EQ(gigabytes_per_second(found.bandwidth), 300.0 / 7);  // seven wires a device
}

TEST(Route, GoesThroughPcieAndSocketsWithoutScaleUpLinks) {
  const Platform platform = platform_with({{"server.scale_up", "{kind: pcie}"}});
  const Route neighbour = route(platform, "server0.gpu0", "server0.gpu1");
  EXPECT_EQ(kinds(platform, neighbour), "pcie pcie");
  EXPECT_NEAR(microseconds_of(neighbour.latency), 2 * 0.25, kExact);
  const Route socket = route(platform, "server0.gpu0", "server0.gpu2");
  EXPECT_EQ(kinds(platform, socket), "pcie pcie pcie pcie");
  const Route far = route(platform, "server0.gpu0", "server0.gpu7");
  EXPECT_EQ(kinds(platform, far), "pcie pcie upi pcie pcie");
  EXPECT_NEAR(microseconds_of(far.latency), 4 * 0.25 + 0.1, kExact);
  EXPECT_DOUBLE_EQ(gigabytes_per_second(far.bandwidth), 32);
}

TEST(Route, ReachesDeviceMemoryAtItsBandwidth) {
  const Platform platform = platform_with({});
  const Route found = route(platform, "server3.gpu7", "server3.gpu7.hbm");
  EXPECT_EQ(kinds(platform, found), "hbm");
  EXPECT_DOUBLE_EQ(gigabytes_per_second(found.bandwidth), 2000);
}

TEST(Route, CrossesOneLeafBetweenServersThatShareIt) {
  const Platform platform = platform_with({});
  const Route found = route(platform, "server0.gpu3", "server1.gpu3");
  EXPECT_EQ(kinds(platform, found), "pcie pcie network network pcie pcie");
  // Four PCIe wires, two adapters, two cables, one switch.
  EXPECT_NEAR(microseconds_of(found.latency), 4 * 0.25 + 2 * 0.3 + 2 * 0.05 + 0.13, kExact);
  EXPECT_DOUBLE_EQ(gigabytes_per_second(found.bandwidth), 25);
}

TEST(Route, CrossesASpineBetweenLeaves) {
  const Platform platform = platform_with({});
  const Route found = route(platform, "server0.gpu3", "server2.gpu3");
  EXPECT_EQ(kinds(platform, found), "pcie pcie network network network network pcie pcie");
  EXPECT_NEAR(microseconds_of(found.latency), 4 * 0.25 + 2 * 0.3 + 4 * 0.05 + 3 * 0.13, kExact);
  EXPECT_DOUBLE_EQ(gigabytes_per_second(found.bandwidth), 25);
}

TEST(Route, SavesTwoSwitchHopsOnARail) {
  const Platform platform = platform_with({{"fabric.rails", "true"}});
  const Route found = route(platform, "server0.gpu3", "server2.gpu3");
  EXPECT_EQ(kinds(platform, found), "pcie pcie network network pcie pcie");
}

TEST(Route, ChangesRailsOverNvlink) {
  const Platform platform = platform_with({{"fabric.rails", "true"}});
  const Route found = route(platform, "server0.gpu0", "server1.gpu7");
  EXPECT_EQ(found.links.size(), 8U);
  EXPECT_NE(kinds(platform, found).find("nvlink nvlink"), std::string::npos);
  EXPECT_NEAR(microseconds_of(found.latency), 2 * 0.2 + 4 * 0.25 + 2 * 0.3 + 2 * 0.05 + 0.13,
              kExact);
}

TEST(Route, IsEmptyToItselfAndWhereNoneExists) {
  const Platform platform = platform_with({{"server.scale_up", "{kind: pcie}"},
                                           {"server.cpu", "{launch_time: 4 us}"},
                                           {"servers", "1"}});
  EXPECT_TRUE(route(platform, "server0.gpu0", "server0.gpu0").links.empty());
  EXPECT_TRUE(route(platform, "server0.gpu0", "server0.gpu7").links.empty());
}

TEST(Route, IsTheSameBackwards) {
  const Platform platform = platform_with({});
  const Route there = route(platform, "server0.gpu1", "server3.gpu6");
  const Route back = route(platform, "server3.gpu6", "server0.gpu1");
  EXPECT_EQ(there.links.size(), back.links.size());
  EXPECT_NEAR(microseconds_of(there.latency), microseconds_of(back.latency), kExact);
}

TEST(Route, PutsEveryNicOnThePcieSwitchOfItsDevice) {
  const Platform platform = platform_with({{"server.nics", "4"}});
  for (int nic = 0; nic < 4; ++nic) {
    const std::string device = "server0.gpu" + std::to_string(2 * nic);
    const Route found = route(platform, device, "server0.nic" + std::to_string(nic));
    EXPECT_EQ(kinds(platform, found), "pcie pcie");
  }
}

}  // namespace
}  // namespace orrery::platform_test
