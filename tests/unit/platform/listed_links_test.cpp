// Servers that list their links: rings found on the graph, and what copies take of it.
#include <gtest/gtest.h>

#include "unit/platform/support.hpp"

namespace orrery::platform_test {
namespace {

/// Eight cards on PCIe switches of their own behind two sockets, bridged in pairs.
constexpr const char* kBridged = R"(
name: pairs
server:
  accelerator: {}
  accelerators: 8
  scale_up: {kind: links}
  links:
    - {kind: nvlink, bandwidth: 300 GB/s, latency: 0.7 us, between: [[gpu0, gpu1], [gpu2, gpu3], [gpu4, gpu5], [gpu6, gpu7]]}
  cpu: {launch_time: 4 us, socket_link: {bandwidth: 96 GB/s, latency: 0.1 us}}
  pcie: {bandwidth: 32 GB/s, latency: 1 us, devices_per_switch: 1}
)";

/// Everything listed: one PCIe switch with two cards, two adapters and two drives.
constexpr const char* kOneSwitch = R"(
name: edge
server:
  accelerator: {}
  accelerators: 2
  scale_up: {kind: links}
  sockets: 1
  pcie_switches: 1
  nics: 2
  nic: {bandwidth: 100 Gbit/s, latency: 0.3 us}
  storage: {count: 2, read: 7 GB/s, write: 5 GB/s, latency: 80 us, on: pcie_switch}
  memory: {count: 8, channels: 8, channel_bandwidth: 25 GB/s}
  links:
    - {kind: pcie, bandwidth: 32 GB/s, latency: 0.5 us, between: [[gpu0, pcie_switch0], [gpu1, pcie_switch0], [nic0, pcie_switch0], [nic1, pcie_switch0], [pcie_switch0, cpu0]]}
  cpu: {launch_time: 4 us}
)";

Platform platform(const char* system, const Changes& changes = {}) {
  Node node = parse_yaml(system, "test.yaml");
  for (const auto& [path, value] : changes) {
    node = node.with_value_at(path, parse_yaml(value, "change.yaml"));
  }
  return platform_of(node);
}

double scale_up(const Platform& machine, const std::vector<int>& devices) {
  return gigabytes_per_second(machine.layout(devices).within.ring.bandwidth);
}

TEST(ListedLinks, GiveABridgedPairItsBridgeAndOthersPcie) {
  const Platform machine = platform(kBridged);
  EXPECT_DOUBLE_EQ(scale_up(machine, {0, 1}), 300);
  EXPECT_FALSE(machine.layout(std::vector<int>{0, 1}).within.ring.over_host);
  // A card's slot carries a ring once in each direction.
  for (const std::vector<int>& group : {std::vector<int>{0, 1, 2}, {0, 1, 2, 3, 4, 5, 6, 7}}) {
    EXPECT_DOUBLE_EQ(scale_up(machine, group), 32);
    EXPECT_TRUE(machine.layout(group).within.ring.over_host);
  }
  EXPECT_DOUBLE_EQ(scale_up(machine, {0, 2}), 32);
}

// Four groups of one shape, {0, 4} to {3, 7}, cross the socket link once in each direction each.
TEST(ListedLinks, AreSharedByAllGroupsOfTheSameShape) {
  EXPECT_DOUBLE_EQ(scale_up(platform(kBridged), {0, 4}), 96.0 / 4);
}

TEST(ListedLinks, OfADevicePassNothingOnToOthers) {
  const Route over = route(platform(kBridged), "server0.gpu1", "server0.gpu2");
  EXPECT_EQ(kinds(platform(kBridged), over), "pcie pcie pcie pcie");
}

// Double links close one ring of 50 GB/s, single ones another of 25 GB/s, each in both directions:
// all six links of a device.
TEST(ListedLinks, OfACubeMeshCloseSixRings) {
  EXPECT_DOUBLE_EQ(scale_up(platform(kCubeMesh), {0, 1, 2, 3, 4, 5, 6, 7}), 6 * 25);
  // Two that are joined twice have both of their links.
  EXPECT_DOUBLE_EQ(scale_up(platform(kCubeMesh), {0, 3}), 50);
}

TEST(ListedLinks, HalvedAreHalfAsFast) {
  const Platform halved = platform(kBridged, {{"server.links[0].bandwidth", "150 GB/s"}});
  EXPECT_DOUBLE_EQ(scale_up(halved, {0, 1}), 150);
  EXPECT_NE(whole(halved).drawing().find("150"), std::string::npos);
  EXPECT_EQ(whole(halved).drawing().find("300"), std::string::npos);
}

// In and out of the memory of one socket: it carries the bytes twice.
TEST(ListedLinks, WithoutPeerAccessLeadThroughHostMemory) {
  const Platform machine = platform(
      kBridged, {{"server.peer_access", "false"},
                 {"server.memory", "{count: 8, channels: 1, channel_bandwidth: 30 GB/s}"}});
  EXPECT_DOUBLE_EQ(scale_up(machine, {0, 1}), 300);
  const MachinePart part = whole(machine);

  const auto copy = part.copy(part.find("server0.gpu2"), part.find("server0.gpu4"));
  ASSERT_TRUE(copy.has_value());
  EXPECT_DOUBLE_EQ(gigabytes_per_second(copy->bandwidth), 15);
  EXPECT_EQ(part.resources()[static_cast<std::size_t>(copy->limit)].name, "server0.dram0");
}

TEST(MachinePart, NamesTheWaysThatACopyTakes) {
  const Platform machine = platform(kOneSwitch);
  const MachinePart part = whole(machine);
  const auto copy = part.copy(part.find("server0.ssd0"), part.find("server0.gpu0"));
  ASSERT_TRUE(copy.has_value());
  std::vector<std::string> names;
  for (const ResourceUse& use : copy->uses) {
    names.push_back(part.resources()[use.resource].name);
    EXPECT_DOUBLE_EQ(use.per_byte, 1);
  }
  EXPECT_EQ(names, (std::vector<std::string>{"server0.gpu0.hbm", "server0.ssd0.read",
                                             "server0.pcie_switch0>server0.gpu0"}));
  EXPECT_DOUBLE_EQ(gigabytes_per_second(copy->bandwidth), 7);
  EXPECT_NEAR(microseconds_of(copy->latency), 80 + 0.5, kExact * 100);
}

TEST(MachinePart, WritesADriveAtItsOwnRate) {
  const Platform machine = platform(kOneSwitch);
  const MachinePart part = whole(machine);
  const auto copy = part.copy(part.find("server0.cpu0"), part.find("server0.ssd1"));
  ASSERT_TRUE(copy.has_value());
  EXPECT_DOUBLE_EQ(gigabytes_per_second(copy->bandwidth), 5);
  EXPECT_EQ(part.resources()[static_cast<std::size_t>(copy->limit)].name, "server0.ssd1.write");
}

TEST(MachinePart, CopiesWithinOneMemoryTwiceOverIt) {
  const Platform machine = platform(kOneSwitch);
  const MachinePart part = whole(machine);
  const int gpu = part.find("server0.gpu0");
  const auto copy = part.copy(gpu, gpu);
  ASSERT_TRUE(copy.has_value());
  EXPECT_DOUBLE_EQ(copy->bandwidth.si(), 2e12 / 2);
}

TEST(MachinePart, HoldsAFewServersUnderTheirOwnNames) {
  const Platform machine = platform_with({{"servers", "80"}, {"fabric.rails", "true"}});
  const std::vector<int> some{3, 47};
  const MachinePart part = machine.part(some);
  EXPECT_GE(part.find("server47.gpu5"), 0);
  EXPECT_EQ(part.find("server4.gpu0"), -1);
  // 20 servers a unit: leaves of units 0 and 2, and one bundle of spines for each of the 8 rails.
  EXPECT_GE(part.find("leaf0"), 0);
  EXPECT_EQ(part.find("leaf8"), -1);
  EXPECT_GE(part.find("leaf16"), 0);
  EXPECT_GE(part.find("spines7"), 0);
  EXPECT_EQ(part.find("spines8"), -1);
}

// A leaf of 20 servers without oversubscription has as many uplinks as adapters on its rail.
TEST(MachinePart, BundlesTheUplinksOfALeaf) {
  const Platform machine = platform_with({{"servers", "80"}, {"fabric.rails", "true"}});
  const std::vector<int> some{3, 47};
  const MachinePart part = machine.part(some);
  for (const Link& link : part.links()) {
    const Component& from = part.components()[static_cast<std::size_t>(link.from)];
    if (from.kind != ComponentKind::LeafSwitch) continue;
    EXPECT_DOUBLE_EQ(gigabytes_per_second(link.bandwidth), 20 * 25);
  }
}

// One adapter for four cards: a group over two servers with a card in each has it to itself, one
// with all four shares it.
TEST(MachinePart, SharesAnAdapterAmongItsCards) {
  const Platform machine = platform_with({{"server.accelerators", "4"},
                                          {"server.nics", "1"},
                                          {"server.pcie.devices_per_switch", "4"}});
  const std::vector<int> servers{0, 1};
  const MachinePart part = machine.part(servers);
  const auto rate = [&](const std::vector<int>& devices) {
    return gigabytes_per_second(
        part.layout(devices, CollectiveKind::AllReduce).between.ring.bandwidth);
  };
  EXPECT_DOUBLE_EQ(rate({0, 4}), 25);
  EXPECT_DOUBLE_EQ(rate({0, 1, 2, 3, 4, 5, 6, 7}), 25.0 / 4);
  // In training all devices of the machine send at once.
  EXPECT_DOUBLE_EQ(
      gigabytes_per_second(machine.layout(std::vector<int>{0, 4}).between.ring.bandwidth),
      25.0 / 4);
}

TEST(ListedLinks, ReportsMistakesAtTheirPlace) {
  const auto error = [](const char* links) {
    try {
      platform(kBridged, {{"server.links", links}});
    } catch (const ConfigError& found) {
      return std::string(found.what());
    }
    return std::string();
  };
  EXPECT_NE(error("[{kind: nvlink, bandwidth: 1 GB/s, latency: 1 us, between: [[gpu0, gpu8]]}]")
                .find("between: expected a part of the server: gpu0 to gpu7, pcie_switch0 to "
                      "pcie_switch7, cpu0 to cpu1; got 'gpu8'"),
            std::string::npos);
  EXPECT_NE(error("[{kind: nvlink, bandwidth: 1 GB/s, latency: 1 us, between: [[gpu0, gpu0]]}]")
                .find("between: expected two different parts"),
            std::string::npos);
  EXPECT_NE(error("[{kind: nvlink, bandwidth: 1 GB/s, latency: 1 us}]")
                .find("between: expected pairs such as [[gpu0, gpu1], [gpu2, gpu3]]"),
            std::string::npos);
}

TEST(Server, OfOneAcceleratorIsFineWhateverItsEntrySays) {
  EXPECT_EQ(platform_with({{"server.accelerators", "1"}}).devices(), 4);
}

}  // namespace
}  // namespace orrery::platform_test
