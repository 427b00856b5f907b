// Switches, links and bandwidths of fat trees and dragonflies, counted by hand.
#include <filesystem>
#include <map>
#include <numeric>

#include <gtest/gtest.h>

#include <orrery/error.hpp>

#include "unit/platform/support.hpp"

namespace orrery::platform_test {
namespace {

constexpr const char* kCore = "{ports: 40, port_bandwidth: 200 Gbit/s, latency: 0.13 us}";
/// One server a router, four routers a group, four groups.
constexpr const char* kDragonfly =
    "{kind: dragonfly, router: {ports: 16, port_bandwidth: 200 Gbit/s, latency: 0.13 us}, "
    "groups: 4, routers_per_group: 4, servers_per_router: 1, global_links_per_router: 3, "
    "cable_latency: 0.05 us, global_cable_latency: 0.5 us}";

std::vector<int> every(int stride, int count) {
  std::vector<int> devices;
  for (int i = 0; i < count; ++i) devices.push_back(i * stride);
  return devices;
}

double rate(const Platform& platform, const std::vector<int>& devices) {
  return gigabytes_per_second(platform.layout(devices).between.ring.bandwidth);
}

double pair_rate(const Platform& platform, const std::vector<int>& devices) {
  return gigabytes_per_second(platform.layout(devices).between.to_all.bandwidth);
}

/// GB/s of all links between components of two kinds.
double between(const Platform& platform, ComponentKind one, ComponentKind other) {
  double sum = 0;
  const MachinePart part = whole(platform);
  for (const Link& link : part.links()) {
    const ComponentKind from = part.components()[static_cast<std::size_t>(link.from)].kind;
    const ComponentKind to = part.components()[static_cast<std::size_t>(link.to)].kind;
    if ((from == one && to == other) || (from == other && to == one)) {
      sum += gigabytes_per_second(link.bandwidth);
    }
  }
  return sum;
}

/// No switch has more links of 25 GB/s than `ports`.
void expect_ports_suffice(const Platform& platform, int ports) {
  std::map<int, double> used;
  const MachinePart part = whole(platform);
  for (const Link& link : part.links()) {
    if (link.kind != "network") continue;
    used[link.from] += gigabytes_per_second(link.bandwidth) / 25;
    used[link.to] += gigabytes_per_second(link.bandwidth) / 25;
  }
  for (const auto& [component, count] : used) EXPECT_LE(count, ports + 1e-9) << component;
}

Platform three_levels(const Changes& more = {}) {
  Changes changes = {{"fabric.core", kCore}, {"fabric.servers_per_pod", "4"}, {"servers", "16"}};
  changes.insert(changes.end(), more.begin(), more.end());
  return platform_with(changes);
}

// Two servers a leaf, two leaves a pod, four pods. A leaf has 16 uplinks. A spine with a cables to
// each of two leaves needs as many up: 4 a <= 40 and a divides 16, so 8 and two spines a pod. Its
// 16 uplinks go to cores with b cables from each of four pods: 4 b <= 40, so 8 and two cores.
TEST(FatTree, OfThreeLevelsHasTheSwitchesThatPortsAsk) {
  const Platform platform = three_levels();
  EXPECT_EQ(count(platform, ComponentKind::LeafSwitch), 8);
  EXPECT_EQ(count(platform, ComponentKind::SpineSwitch), 4 * 2);
  EXPECT_EQ(count(platform, ComponentKind::CoreSwitch), 2 * 2);
  expect_ports_suffice(platform, 40);
  // Every level carries what all NICs send: 128 of 25 GB/s; half of it is the bisection.
  EXPECT_DOUBLE_EQ(between(platform, ComponentKind::Nic, ComponentKind::LeafSwitch), 128 * 25);
  EXPECT_DOUBLE_EQ(between(platform, ComponentKind::LeafSwitch, ComponentKind::SpineSwitch),
                   128 * 25);
  EXPECT_DOUBLE_EQ(between(platform, ComponentKind::SpineSwitch, ComponentKind::CoreSwitch),
                   128 * 25);
}

TEST(FatTree, RoutesThroughOneMoreLevelBetweenPods) {
  const Platform platform = three_levels();
  const auto latency = [&](int other) {
    return microseconds_of(platform.layout(std::vector<int>{0, other}).between.ring.latency);
  };
  const double ends = 4 * 0.25 + 2 * 0.3;
  EXPECT_NEAR(latency(8), ends + 2 * 0.05 + 0.13, kExact);
  EXPECT_NEAR(latency(16), ends + 4 * 0.05 + 3 * 0.13, kExact);
  EXPECT_NEAR(latency(32), ends + 6 * 0.05 + 5 * 0.13, kExact);
  const MachinePart part = whole(platform);
  for (const int other : {8, 16, 24, 32, 120}) {
    const Route full = part.route(part.component_of_device(0), part.component_of_device(other));
    EXPECT_NEAR(latency(other), microseconds_of(full.latency), kExact) << other;
  }
}

TEST(FatTree, DividesBandwidthAtEachOversubscribedLevel) {
  const Platform platform = three_levels({{"fabric.core_oversubscription", "4"}});
  // A quarter of the cables above the spines.
  EXPECT_DOUBLE_EQ(between(platform, ComponentKind::SpineSwitch, ComponentKind::CoreSwitch),
                   128 * 25 / 4.0);
  EXPECT_DOUBLE_EQ(rate(platform, {0, 8}), 25);         // a leaf
  EXPECT_DOUBLE_EQ(rate(platform, {0, 16}), 25);        // a pod
  EXPECT_DOUBLE_EQ(rate(platform, {0, 32}), 25 / 4.0);  // two pods
  const Platform both = three_levels({{"fabric.core_oversubscription", "4"},
                                      {"fabric.oversubscription", "2"},
                                      {"fabric.servers_per_leaf", "2"}});
  EXPECT_DOUBLE_EQ(rate(both, {0, 16}), 25 / 2.0);
  EXPECT_DOUBLE_EQ(rate(both, {0, 32}), 25 / 8.0);
}

TEST(FatTree, ChargesOnlyTheTrafficThatCrosses) {
  const Platform platform = three_levels({{"fabric.core_oversubscription", "8"}});
  // A ring through all 16 servers in order leaves a pod with one hop in four: 25 / (8 / 4).
  EXPECT_DOUBLE_EQ(rate(platform, every(8, 16)), 25 / 2.0);
  // Of 15 peers, 3 are in the pod: 25 / (8 * 12 / 15).
  EXPECT_NEAR(pair_rate(platform, every(8, 16)), 25 / 6.4, 1e-9);
  // One server of each pod: every hop crosses.
  EXPECT_DOUBLE_EQ(rate(platform, every(32, 4)), 25 / 8.0);
}

TEST(FatTree, DescribesSixteenThousandDevicesOnThreeLevels) {
  Changes changes = {{"servers", "2048"}, {"fabric.core", kCore}};
  for (const char* level : {"leaf", "spine", "core"}) {
    changes.emplace_back(std::string("fabric.") + level + ".ports", "64");
  }
  const Platform plain = platform_with(changes);
  // Four servers a leaf and 32 leaves a pod: 16 pods. Full bandwidth takes 512, 512 and 256.
  EXPECT_EQ(count(plain, ComponentKind::LeafSwitch), 512);
  EXPECT_EQ(count(plain, ComponentKind::SpineSwitch), 512);
  EXPECT_EQ(count(plain, ComponentKind::CoreSwitch), 256);
  changes.emplace_back("fabric.rails", "true");
  changes.emplace_back("fabric.servers_per_pod", "256");
  const Platform rails = platform_with(changes);
  EXPECT_EQ(count(rails, ComponentKind::LeafSwitch), 512);
  EXPECT_EQ(count(rails, ComponentKind::SpineSwitch), 512);
  EXPECT_EQ(count(rails, ComponentKind::CoreSwitch), 256);
  EXPECT_EQ(route(rails, "server0.gpu2", "server2047.gpu2").links.size(), 10U);
}

TEST(FatTree, OfRailsAvoidsSpinesInAUnit) {
  const Platform platform = platform_with(
      {{"fabric.rails", "true"}, {"fabric.oversubscription", "4"}, {"servers", "64"}});
  // Leaves of 40 ports: 32 servers and 8 uplinks.
  EXPECT_DOUBLE_EQ(rate(platform, every(8, 32)), 25);
  EXPECT_DOUBLE_EQ(rate(platform, {0, 8 * 32}), 25 / 4.0);
}

TEST(FatTree, SharesOneNicAmongEightDevices) {
  const Platform platform = platform_with({{"server.nics", "1"}});
  EXPECT_DOUBLE_EQ(rate(platform, {0, 8}), 25 / 8.0);
  EXPECT_DOUBLE_EQ(pair_rate(platform, {0, 8}), 25 / 8.0);
  EXPECT_DOUBLE_EQ(gigabytes_per_second(platform.layout(std::vector<int>{0, 8}).between.alone), 25);
}

// Meta's published machine: 1,536 racks of two servers, eight pods. 16 uplinks a rack; a spine of
// 576 ports takes two cables of each of 192 racks and ceil(2 * 192 / 7) = 55 up, so a pod has
// eight; all 55 cables of the eight spines of one number fit one core.
TEST(FatTree, DescribesMetasThreeLevels) {
  const Library library({std::filesystem::path(ORRERY_SOURCE_DIR) / "configs"});
  const Platform platform =
      platform_of(library.resolve(parse_yaml("use: clusters/meta-24k-roce", "test.yaml")));
  EXPECT_EQ(platform.devices(), 24576);
  EXPECT_EQ(count(platform, ComponentKind::LeafSwitch), 1536);
  EXPECT_EQ(count(platform, ComponentKind::SpineSwitch), 8 * 8);
  EXPECT_EQ(count(platform, ComponentKind::CoreSwitch), 8);
  EXPECT_DOUBLE_EQ(rate(platform, {0, 8 * 383}), 50);  // one pod
  // 55 cables up for 384 down, a little more than a seventh.
  EXPECT_DOUBLE_EQ(rate(platform, {0, 8 * 384}), 50.0 * 55 / 384);  // two
  // Data-parallel ranks 16 servers apart: 24 a pod, one hop in 24 leaves it.
  EXPECT_DOUBLE_EQ(rate(platform, every(128, 192)), 50);
}

// 16 routers; in a group 6 pairs; between groups floor(4 * 3 / 3) = 4 links a pair.
TEST(Dragonfly, HasTheLinksOfItsGroups) {
  const Platform platform = platform_with({{"servers", "16"}, {"fabric", kDragonfly}});
  EXPECT_EQ(count(platform, ComponentKind::Router), 16);
  EXPECT_DOUBLE_EQ(between(platform, ComponentKind::Router, ComponentKind::Router),
                   25.0 * (4 * 6 + 6 * 4));
  expect_ports_suffice(platform, 8 + 3 + 3);
  // Two groups against two: four pairs of four links.
  double bisection = 0;
  const MachinePart part = whole(platform);
  const int first = part.find("router0");
  for (const Link& link : part.links()) {
    const auto group = [&](int component) { return (component - first) / 4; };
    const bool routers = link.from >= first && link.to >= link.from;
    if (routers && group(link.from) < 2 && group(link.to) >= 2) {
      bisection += gigabytes_per_second(link.bandwidth);
    }
  }
  EXPECT_DOUBLE_EQ(bisection, 4 * 4 * 25);
}

TEST(Dragonfly, TakesAtMostTwoLocalHopsAndAGlobalOne) {
  const Platform platform = platform_with({{"servers", "16"}, {"fabric", kDragonfly}});
  const double ends = 4 * 0.25 + 2 * 0.3 + 2 * 0.05;
  const auto latency = [&](int server) {
    return microseconds_of(platform.layout(std::vector<int>{0, 8 * server}).between.ring.latency);
  };
  EXPECT_NEAR(latency(1), ends + 2 * 0.13 + 0.05, kExact);
  EXPECT_NEAR(latency(4), ends + 4 * 0.13 + 2 * 0.05 + 0.5, kExact);
  const MachinePart part = whole(platform);
  for (int server = 1; server < 16; ++server) {
    const Route full =
        part.route(part.component_of_device(0), part.component_of_device(8 * server));
    EXPECT_LE(microseconds_of(full.latency), latency(server) + kExact);
  }
}

// Eight NICs a router, 32 a group.
TEST(Dragonfly, GivesWhatLocalAndGlobalLinksCarry) {
  const Platform platform = platform_with({{"servers", "16"}, {"fabric", kDragonfly}});
  // A ring in order: 3/4 of the hops to the next router over one link, 1/4 to the next group with
  // two local hops spread over four routers: 8 (3/4 + 2/4/4) = 7 NICs on a local link.
  EXPECT_NEAR(rate(platform, every(8, 16)), 25.0 / 7, 1e-9);
  // One server a group: the 4 links to the next group for 32 NICs, and 8 * 2/4 on a local link.
  EXPECT_NEAR(rate(platform, every(32, 4)), 25.0 * 4 / 32, 1e-9);
  // All pairs: 12 of 15 in other groups: 8 (0.2 / 3 + 2 * 0.8 / 4) on a local link; 12 global
  // links.
  const double local = 8 * (0.2 / 3 + 2 * 0.8 / 4);
  EXPECT_NEAR(pair_rate(platform, every(8, 16)), std::min(25 / local, 25.0 * 12 / 32 / 0.8), 1e-9);
}

TEST(Dragonfly, ByValiantSpreadsWhatMinimalRoutingPilesUp) {
  Node system = system_with({{"servers", "16"}, {"fabric", kDragonfly}});
  system = system.with_value_at("fabric.routing", parse_yaml("{paths: valiant}", "t.yaml"));
  const Platform valiant = platform_of(system);
  // Twice over 12 links instead of once over 4; 8 * 3/4 NICs on a local link.
  EXPECT_NEAR(rate(valiant, every(32, 4)), std::min(25.0 * 12 / 32 / 2, 25.0 / 6), 1e-9);
  const Platform ugal =
      platform_of(system.with_value_at("fabric.routing", parse_yaml("{paths: ugal}", "t.yaml")));
  const Platform minimal = platform_with({{"servers", "16"}, {"fabric", kDragonfly}});
  for (const std::vector<int>& group : {every(8, 16), every(32, 4), every(8, 4)}) {
    EXPECT_DOUBLE_EQ(rate(ugal, group), std::max(rate(minimal, group), rate(valiant, group)));
  }
  // One local hop more in the group; one local and one global between groups.
  const auto added = [&](int server) {
    const std::vector<int> pair = {0, 8 * server};
    return microseconds_of(valiant.layout(pair).between.ring.latency -
                           minimal.layout(pair).between.ring.latency);
  };
  EXPECT_NEAR(added(1), 0.13 + 0.05, kExact);
  EXPECT_NEAR(added(4), 2 * 0.13 + 0.05 + 0.5, kExact);
}

std::string first_error(const Changes& changes) {
  try {
    (void)platform_with(changes);
  } catch (const ConfigError& error) {
    return error.messages().front();
  }
  return "";
}

TEST(Fabric, ReportsWhatDoesNotFit) {
  const std::vector<std::pair<Changes, std::string>> mistakes = {
      {{{"fabric.core", kCore}, {"servers", "1601"}},
       "servers: expected at most 1600, as the core's 40 ports join as many pods of 40 servers; "
       "got "
       "1601"},
      {{{"fabric.core", kCore}, {"fabric.servers_per_pod", "3"}},
       "servers_per_pod: expected a multiple of the 2 servers of a leaf, at most 40"},
      {{{"fabric.core", kCore}, {"fabric.servers_per_pod", "42"}}, "at most 40, as a spine of 40"},
      {{{"fabric.core_oversubscription", "7"}}, "core_oversubscription"},
      {{{"fabric.routing", "{kind: hashed}"}}, "ecmp"},
      {{{"fabric.routing", "{flows_per_nic: 5000}"}}, "flows_per_nic: expected at most 1024"},
      {{{"fabric.routing", "{paths: valiant}"}}, "paths"},
      {{{"servers", "17"}, {"fabric", kDragonfly}},
       "servers: expected at most 16, 4 groups of 4 servers; got 17"},
      {{{"fabric", kDragonfly}, {"fabric.router.ports", "13"}},
       "router: 8 ports for NICs, 3 for routers of the group and 3 for other groups are 14; "
       "expected "
       "at most its 13"},
      {{{"fabric", kDragonfly}, {"fabric.groups", "14"}},
       "groups: expected at most 13, as the 12 global links of a group reach as many others; got "
       "14"},
  };
  for (const auto& [changes, message] : mistakes) {
    const std::string found = first_error(changes);
    EXPECT_NE(found.find(message), std::string::npos) << message << "\n  got: " << found;
  }
}

}  // namespace
}  // namespace orrery::platform_test
