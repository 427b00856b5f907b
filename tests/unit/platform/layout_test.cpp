#include <numeric>

#include <gtest/gtest.h>

#include "unit/platform/support.hpp"

namespace orrery::platform_test {
namespace {

GroupLayout layout(const Platform& platform, const std::vector<int>& devices) {
  return platform.layout(devices);
}

std::vector<int> first_devices(int count) {
  std::vector<int> devices(static_cast<std::size_t>(count));
  std::iota(devices.begin(), devices.end(), 0);
  return devices;
}

TEST(Layout, OfATensorGroupStaysInItsServer) {
  const GroupLayout found = layout(platform_with({}), {8, 9, 10, 11});
  EXPECT_EQ(found.ranks, 4);
  EXPECT_EQ(found.servers, 1);
  EXPECT_EQ(found.ranks_per_server, 4);
  EXPECT_DOUBLE_EQ(gigabytes_per_second(found.within.ring.bandwidth), 300);
  EXPECT_NEAR(microseconds_of(found.within.ring.latency), 0.4, kExact);
  EXPECT_TRUE(found.within.switched);
  EXPECT_FALSE(found.within.in_switch_reduction);
  EXPECT_EQ(found.between.ring.bandwidth, BytesPerSecond(0));
}

TEST(Layout, OfADataGroupHasOneNicPerRank) {
  const GroupLayout found = layout(platform_with({}), {3, 11, 19, 27});
  EXPECT_EQ(found.servers, 4);
  EXPECT_EQ(found.ranks_per_server, 1);
  EXPECT_EQ(found.nics_per_server, 8);
  EXPECT_DOUBLE_EQ(gigabytes_per_second(found.between.ring.bandwidth), 25);
  EXPECT_DOUBLE_EQ(gigabytes_per_second(found.between.alone), 25);
  // Two servers a leaf: the farthest pair crosses a spine.
  EXPECT_NEAR(microseconds_of(found.between.ring.latency), 4 * 0.25 + 2 * 0.3 + 4 * 0.05 + 3 * 0.13,
              kExact);
}

TEST(Layout, OfTheWholeMachineCountsEveryServer) {
  const GroupLayout found = layout(platform_with({}), first_devices(32));
  EXPECT_EQ(found.ranks, 32);
  EXPECT_EQ(found.servers, 4);
  EXPECT_EQ(found.ranks_per_server, 8);
  EXPECT_EQ(found.devices_per_server, 8);
}

TEST(Layout, TakesTheMostRanksOfAnyServer) {
  const GroupLayout found = layout(platform_with({}), {7, 8, 9, 10, 31});
  EXPECT_EQ(found.servers, 3);
  EXPECT_EQ(found.ranks_per_server, 3);
}

TEST(Layout, OnARailMeetsAtOneLeaf) {
  const GroupLayout found = layout(platform_with({{"fabric.rails", "true"}}), {3, 11, 19, 27});
  EXPECT_NEAR(microseconds_of(found.between.ring.latency), 4 * 0.25 + 2 * 0.3 + 2 * 0.05 + 0.13,
              kExact);
}

TEST(Layout, SharesOversubscribedUplinksOnlyAcrossLeaves) {
  // 32 NICs and 8 uplinks a leaf: four servers.
  const Platform platform = platform_with({{"fabric.oversubscription", "4"}, {"servers", "8"}});
  EXPECT_DOUBLE_EQ(gigabytes_per_second(layout(platform, {0, 24}).between.ring.bandwidth), 25);
  const GroupLayout across = layout(platform, {0, 32});
  EXPECT_DOUBLE_EQ(gigabytes_per_second(across.between.ring.bandwidth), 25.0 / 4);
  EXPECT_DOUBLE_EQ(gigabytes_per_second(across.between.alone), 25);
}

TEST(Layout, IsLimitedByPcie) {
  const Platform platform = platform_with({{"server.pcie.bandwidth", "16 GB/s"}});
  const GroupLayout found = layout(platform, {0, 8});
  EXPECT_DOUBLE_EQ(gigabytes_per_second(found.between.ring.bandwidth), 16);
  EXPECT_DOUBLE_EQ(gigabytes_per_second(found.between.alone), 16);
  EXPECT_DOUBLE_EQ(gigabytes_per_second(route(platform, "server0.gpu0", "server1.gpu0").bandwidth),
                   16);
}

TEST(Layout, SharesANicBetweenDevices) {
  const GroupLayout found = layout(platform_with({{"server.nics", "4"}}), {0, 8});
  EXPECT_DOUBLE_EQ(gigabytes_per_second(found.between.ring.bandwidth), 12.5);
  EXPECT_DOUBLE_EQ(gigabytes_per_second(found.between.alone), 25);
}

TEST(Layout, SharesTheWireToTheSocketWhereASwitchHasNoNic) {
  // Two NICs for four switches of two devices: 2 * 25 / 8 from the NICs, 32 / 2 from PCIe.
  const GroupLayout found = layout(platform_with({{"server.nics", "2"}}), {0, 8});
  EXPECT_DOUBLE_EQ(gigabytes_per_second(found.between.ring.bandwidth), 6.25);
  // With fast NICs PCIe is what is left.
  const Changes fast = {{"server.nics", "2"},
                        {"server.nic.bandwidth", "800 GB/s"},
                        {"server.pcie.bandwidth", "32 GB/s"},
                        {"fabric.leaf.port_bandwidth", "800 GB/s"},
                        {"fabric.spine.port_bandwidth", "800 GB/s"}};
  EXPECT_DOUBLE_EQ(gigabytes_per_second(layout(platform_with(fast), {0, 8}).between.ring.bandwidth),
                   2 * 32.0 / 8);
}

TEST(Layout, IsLimitedByTheSlotOfADeviceWithTwoNics) {
  const Changes changes = {{"server.nics", "16"}, {"fabric.rails", "true"}};
  const GroupLayout found = layout(platform_with(changes), {0, 8});
  EXPECT_DOUBLE_EQ(gigabytes_per_second(found.between.ring.bandwidth), 32);  // not 2 * 25
  EXPECT_DOUBLE_EQ(gigabytes_per_second(found.between.alone), 32);
}

TEST(Layout, GivesAMeshTheWiresWithinTheGroup) {
  const Platform platform =
      platform_with({{"server.scale_up.switches", "0"}, {"server.scale_up.bandwidth", "448 GB/s"}});
  EXPECT_DOUBLE_EQ(gigabytes_per_second(layout(platform, {0, 1}).within.ring.bandwidth), 64);
  EXPECT_DOUBLE_EQ(gigabytes_per_second(layout(platform, first_devices(8)).within.ring.bandwidth),
                   448);
  EXPECT_FALSE(layout(platform, {0, 1}).within.switched);
}

TEST(Layout, WithoutScaleUpLinksUsesPcie) {
  const Platform platform = platform_with({{"server.scale_up", "{kind: pcie}"}});
  const GroupLayout found = layout(platform, first_devices(8));
  EXPECT_DOUBLE_EQ(gigabytes_per_second(found.within.ring.bandwidth), 32);
  EXPECT_NEAR(microseconds_of(found.within.ring.latency), 4 * 0.25 + 0.1, kExact);
  EXPECT_FALSE(found.within.switched);
}

TEST(Layout, ReportsReductionInTheSwitches) {
  const Platform platform = platform_with(
      {{"server.scale_up.in_switch_reduction", "true"}, {"fabric.in_network_reduction", "true"}});
  EXPECT_TRUE(layout(platform, {0, 1}).within.in_switch_reduction);
  EXPECT_FALSE(layout(platform, {0, 1}).between.in_network_reduction);
  EXPECT_TRUE(layout(platform, {0, 8}).between.in_network_reduction);
}

// Layouts come from a machine of three servers: they must agree with routes in the whole one.
TEST(Layout, AgreesWithRoutesOfTheWholeMachine) {
  for (const char* rails : {"false", "true"}) {
    const Platform platform =
        platform_with({{"servers", "45"}, {"server.nics", "4"}, {"fabric.rails", rails}});
    const MachinePart part = whole(platform);
    for (const int other : {8, 8 * 3, 8 * 19, 8 * 20, 8 * 44}) {
      for (const int local : {0, 3, 7}) {
        const Route full =
            part.route(part.component_of_device(local), part.component_of_device(other + local));
        const GroupLayout found = layout(platform, {local, other + local});
        EXPECT_NEAR(microseconds_of(found.between.ring.latency), microseconds_of(full.latency),
                    kExact);
        EXPECT_EQ(found.between.alone, full.bandwidth);
      }
    }
  }
}

TEST(Layout, CoversSixteenThousandDevices) {
  const Platform platform = platform_with({{"servers", "2048"},
                                           {"fabric.rails", "true"},
                                           {"fabric.leaf.ports", "64"},
                                           {"fabric.spine.ports", "64"}});
  const GroupLayout found = layout(platform, first_devices(16384));
  EXPECT_EQ(found.servers, 2048);
  EXPECT_NEAR(microseconds_of(found.between.ring.latency), 4 * 0.25 + 2 * 0.3 + 4 * 0.05 + 3 * 0.13,
              kExact);
  EXPECT_EQ(platform.device_name(16383), "server2047.gpu7");
  // 64 pods of 32 servers, 8 leaves each; 32 uplinks a leaf to 32 spines a rail.
  EXPECT_EQ(count(platform, ComponentKind::LeafSwitch), 64 * 8);
  EXPECT_EQ(count(platform, ComponentKind::SpineSwitch), 32 * 8);
  EXPECT_EQ(route(platform, "server0.gpu2", "server2047.gpu2").links.size(), 8U);
}

}  // namespace
}  // namespace orrery::platform_test
