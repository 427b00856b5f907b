// Electricity of servers without their accelerators, of conversion, and of switches.
#include <cmath>
#include <filesystem>
#include <string>

#include <gtest/gtest.h>

#include <orrery/error.hpp>
#include <orrery/machine_power.hpp>

#include "unit/platform/support.hpp"

namespace orrery::platform_test {
namespace {

using Point = ConversionCurve::Point;
using Driver = PartPower::Driver;

constexpr MachineActivity kRest{};
constexpr MachineActivity kFull{.host = 1, .scale_up = 1, .nic = 1, .fabric = {1, 1, 1, 1}};

const char* const kTitanium =
    "[{load: 0.1, efficiency: 0.9}, {load: 0.2, efficiency: 0.94}, "
    "{load: 0.5, efficiency: 0.96}, {load: 1, efficiency: 0.91}]";

ConversionCurve titanium() {
  return ConversionCurve({{0.1, 0.90}, {0.2, 0.94}, {0.5, 0.96}, {1.0, 0.91}});
}

Platform powered() {
  return platform_with(
      {{"server.cpu.power", "{idle: 100 W, busy: 300 W}"},
       {"server.nic.power", "{idle: 20 W, busy: 25 W}"},
       {"server.scale_up.power", "{idle: 40 W, busy: 50 W}"},
       {"server.memory", "{count: 16, power: {idle: 3 W, busy: 6 W}}"},
       {"server.storage", "{count: 4, power: {idle: 5 W, busy: 12 W}}"},
       {"server.board", "150 W"},
       {"server.supplies",
        std::string("{count: 4, redundant: 1, rating: 3 kW, curve: ") + kTitanium + "}"},
       {"fabric.leaf.power", "{idle: 600 W, busy: 700 W}"},
       {"fabric.leaf.optics", "10 W"},
       {"fabric.spine.power", "{idle: 500 W, busy: 550 W}"},
       {"fabric.spine.optics", "7 W"}});
}

TEST(ConversionCurve, IsLinearBetweenItsPoints) {
  const ConversionCurve curve = titanium();
  for (const Point point : {Point{0.1, 0.90}, {0.2, 0.94}, {0.5, 0.96}, {1.0, 0.91}}) {
    EXPECT_NEAR(curve.efficiency(point.load), point.efficiency, kExact);
    EXPECT_NEAR(curve.input(point.load), point.load / point.efficiency, kExact);
  }
  EXPECT_NEAR(curve.efficiency(0.3), 0.94 + (0.3 - 0.2) / (0.5 - 0.2) * (0.96 - 0.94), kExact);
  EXPECT_NEAR(curve.efficiency(0.75), (0.96 + 0.91) / 2, kExact);
}

TEST(ConversionCurve, KeepsTheLossOfItsFirstPointBelowIt) {
  const ConversionCurve curve = titanium();
  const double loss = 0.1 / 0.90 - 0.1;
  EXPECT_NEAR(curve.input(0), loss, kExact);
  EXPECT_NEAR(curve.input(0.04), 0.04 + loss, kExact);
  EXPECT_NEAR(curve.efficiency(0.04), 0.04 / (0.04 + loss), kExact);
  EXPECT_EQ(curve.efficiency(0), 0);
}

TEST(ConversionCurve, HoldsItsLastEfficiencyBeyondIt) {
  EXPECT_NEAR(titanium().efficiency(1.3), 0.91, kExact);
  EXPECT_NEAR(titanium().input(1.3), 1.3 / 0.91, kExact);
}

TEST(ConversionCurve, LosesNothingWithoutPoints) {
  EXPECT_EQ(ConversionCurve().efficiency(0), 1);
  EXPECT_EQ(ConversionCurve().input(0.7), 0.7);
}

TEST(ConversionCurve, NeverTakesLessForMore) {
  const ConversionCurve curve = titanium();
  for (int step = 0; step < 1500; ++step) {
    EXPECT_LT(curve.input(step * 1e-3), curve.input((step + 1) * 1e-3)) << step;
    EXPECT_LE(curve.efficiency(step * 1e-3), 1) << step;
  }
}

TEST(PowerSupplies, ShareTheLoadEvenly) {
  const PowerSupplies supplies{
      .count = 4, .redundant = 1, .rating = Watts(3000), .curve = titanium()};
  // 6 of 12 kW is half of what all four are rated for.
  EXPECT_NEAR(supplies.input(Watts(6000)).si(), 6000 / 0.96, 6000 * kExact);
  EXPECT_NEAR(supplies.input(Watts(0)).si(), 12000 * (0.1 / 0.9 - 0.1), 12000 * kExact);
}

TEST(PowerSupplies, CarryWhatTheyDoWithoutTheRedundantOnes) {
  const PowerSupplies supplies{
      .count = 4, .redundant = 1, .rating = Watts(3000), .curve = titanium()};
  EXPECT_EQ(supplies.capacity(), Watts(9000));
  // Too much is still a number: 15 of 12 kW at the last efficiency.
  EXPECT_NEAR(supplies.input(Watts(15000)).si(), 15000 / 0.91, 15000 * kExact);
}

TEST(PowerSupplies, LoseNothingAndHaveNoLimitWhenUnknown) {
  EXPECT_EQ(PowerSupplies().input(Watts(5000)), Watts(5000));
  EXPECT_TRUE(std::isinf(PowerSupplies().capacity().si()));
}

TEST(ServerPower, IsTheSumOfItsParts) {
  const Platform platform = powered();
  const ServerPower& server = platform.power().server;
  EXPECT_TRUE(server.known);
  EXPECT_TRUE(server.missing.empty());
  const double rest = 2 * 100 + 16 * 3 + 4 * 5 + 6 * 40 + 8 * 20 + 150;
  const double full = 2 * 300 + 16 * 6 + 4 * 12 + 6 * 50 + 8 * 25 + 150;
  EXPECT_NEAR(server.others(kRest).si(), rest, full * kExact);
  EXPECT_NEAR(server.others(kFull).si(), full, full * kExact);
  EXPECT_NEAR(server.capacity().si(), 3 * 3000, 9000 * kExact);
  EXPECT_NEAR(server.wall(Watts(6000)).si(), 6000 / 0.96, 6000 * kExact);
}

TEST(ServerPower, RisesOnlyWithWhatDrivesAPart) {
  const Platform platform = powered();
  const ServerPower& server = platform.power().server;
  const auto rise = [&](const MachineActivity& activity) {
    return (server.others(activity) - server.others(kRest)).si();
  };
  EXPECT_NEAR(rise({.host = 0.5}), 0.5 * (2 * 200 + 16 * 3 + 4 * 7), 1e-9);
  EXPECT_NEAR(rise({.scale_up = 0.5}), 0.5 * 6 * 10, 1e-9);
  EXPECT_NEAR(rise({.nic = 0.5}), 0.5 * 8 * 5, 1e-9);
  EXPECT_NEAR(rise({.nic = 3}), 8 * 5, 1e-9);  // no more than all of it
}

TEST(ServerPower, IsUnknownWhenTheServerSaysNothing) {
  const Platform platform = platform_with({});
  const ServerPower& server = platform.power().server;
  EXPECT_FALSE(server.known);
  EXPECT_TRUE(server.parts.empty());
  EXPECT_EQ(server.missing, (std::vector<std::string>{"cpu", "scale_up", "nic", "board"}));
  EXPECT_EQ(server.others(kFull), Watts(0));
  EXPECT_EQ(server.wall(Watts(1234)), Watts(1234));
  EXPECT_EQ(platform.cooling().kind(), Node::Kind::Null);
}

TEST(ServerPower, TakesTheHostsActivityFromTheServer) {
  EXPECT_EQ(platform_with({}).power().server.host_activity, 0.3);
  EXPECT_EQ(platform_with({{"server.host_activity", "0.8"}}).power().server.host_activity, 0.8);
}

TEST(ServerPower, HandsItsCoolingOnUnread) {
  const Platform platform = platform_with({{"server.cooling", "{anything: 5 K}"}});
  ASSERT_NE(platform.cooling().find("anything"), nullptr);
  EXPECT_EQ(platform.cooling().find("anything")->text(), "5 K");
}

// Of kSystem: two servers of 8 NICs on a leaf, so two leaves with 16 uplinks each, to the spines
// that the platform builds.
TEST(FabricPower, CountsTheSwitchesThatAreBuilt) {
  const Platform platform = powered();
  const FabricPower& fabric = platform.power().fabric;
  EXPECT_TRUE(fabric.known);
  ASSERT_EQ(fabric.tiers.size(), 2U);
  const double leaves = count(platform, ComponentKind::LeafSwitch);
  const double spines = count(platform, ComponentKind::SpineSwitch);
  EXPECT_EQ(static_cast<double>(fabric.tiers[0].switches), leaves);
  EXPECT_EQ(static_cast<double>(fabric.tiers[1].switches), spines);
  const double nics = 4 * 8, uplinks = 2 * 16;
  const double optics = 10 * (nics + uplinks) + 7 * uplinks;
  EXPECT_NEAR(fabric.at(kRest).si(), leaves * 600 + spines * 500 + optics, 1e-9);
  EXPECT_NEAR(fabric.at(kFull).si(), leaves * 700 + spines * 550 + optics, 1e-9);
  // A spine has uplinks of leaves only; of a leaf's ports half are NICs'.
  const Watts busy_links = fabric.at({.fabric = {0.4, 0, 0, 0}});
  EXPECT_NEAR(busy_links.si(), leaves * 620 + spines * 520 + optics, 1e-9);
  EXPECT_NEAR(fabric.at({.nic = 0.4}).si(), leaves * 620 + spines * 500 + optics, 1e-9);
}

// 64 servers on rails: pods of 4 units of 4 servers; a leaf has 4 NICs and 4 uplinks.
TEST(FabricPower, CountsThreeLevels) {
  const char* const kSwitch =
      "{ports: 8, port_bandwidth: 200 Gbit/s, latency: 0.1 us, power: {idle: 1 W, busy: 1 W}}";
  const Platform platform = platform_with({{"servers", "64"},
                                           {"fabric.rails", "true"},
                                           {"fabric.leaf", kSwitch},
                                           {"fabric.spine", kSwitch},
                                           {"fabric.core", kSwitch}});
  const FabricPower& fabric = platform.power().fabric;
  ASSERT_EQ(fabric.tiers.size(), 3U);
  EXPECT_EQ(fabric.tiers[0].switches, count(platform, ComponentKind::LeafSwitch));
  EXPECT_EQ(fabric.tiers[1].switches, count(platform, ComponentKind::SpineSwitch));
  EXPECT_EQ(fabric.tiers[2].switches, count(platform, ComponentKind::CoreSwitch));
  const int nics = 64 * 8;  // at full bandwidth as many cables on every level
  EXPECT_EQ(fabric.tiers[0].ports(), 2 * nics);
  EXPECT_EQ(fabric.tiers[1].ports(), 2 * nics);
  EXPECT_EQ(fabric.tiers[2].ports(), nics);
}

TEST(FabricPower, CountsTheRoutersOfADragonfly) {
  const Platform platform = platform_with(
      {{"fabric",
        "{kind: dragonfly, groups: 3, routers_per_group: 2, servers_per_router: 1, local_links: 2, "
        "global_links_per_router: 2, router: {ports: 40, port_bandwidth: 200 Gbit/s, latency: "
        "0.1 us, power: {idle: 100 W, busy: 120 W}, optics: 3 W}}"}});
  const FabricPower& fabric = platform.power().fabric;
  ASSERT_EQ(fabric.tiers.size(), 1U);
  EXPECT_EQ(fabric.tiers[0].switches, 6);
  // NICs; both ends of 2 cables in each group; both ends of 2 between every two of 3 groups.
  const int ports = 4 * 8 + 3 * 2 * 2 + 2 * 2 * 3;
  EXPECT_EQ(fabric.tiers[0].ports(), ports);
  EXPECT_NEAR(fabric.at({.nic = 0.5, .fabric = {0, 0, 0.5, 0.5}}).si(), 6 * 110 + ports * 3, 1e-9);
}

TEST(FabricPower, IsNothingInAMachineOfOneServer) {
  const Platform platform = platform_with({{"servers", "1"}});
  EXPECT_TRUE(platform.power().fabric.tiers.empty());
  EXPECT_EQ(platform.power().fabric.at(kFull), Watts(0));
}

TEST(FabricPower, IsUnknownWhenASwitchSaysNothing) {
  EXPECT_FALSE(platform_with({}).power().fabric.known);
  EXPECT_FALSE(
      platform_with({{"fabric.leaf.power", "{idle: 1 W, busy: 1 W}"}}).power().fabric.known);
}

Platform entry(const std::string& server) {
  const Library library({std::filesystem::path(ORRERY_SOURCE_DIR) / "configs"});
  return platform_of(library.resolve(parse_yaml("server: {use: " + server + "}", "test.yaml")));
}

// What training does to links, on average: some of NVLink's time, less of the network's.
MachineActivity training(const ServerPower& server) {
  return {.host = server.host_activity, .scale_up = 0.3, .nic = 0.1};
}

TEST(PowerConfigs, AnH100NodeTakesOneAndAHalfKilowattBesidesItsGpus) {
  const Platform platform = entry("servers/dgx-h100");
  const ServerPower& server = platform.power().server;
  EXPECT_TRUE(server.known);
  EXPECT_TRUE(server.missing.empty());
  const double rest = server.others(kRest).si(), work = server.others(training(server)).si();
  EXPECT_GT(rest, 1400);
  EXPECT_LT(work, 1600);
  EXPECT_LT(work - rest, 200);  // nearly flat
  EXPECT_EQ(server.capacity(), Watts(4 * 3300));
}

// Measured: 2.06 to 2.33 kW at rest, 7.33 kW in training (95th percentile).
TEST(PowerConfigs, AnImmersedNodeTakesWhatItsMetersSaw) {
  constexpr double kIdleGpu = 72, kTdp = 700;
  const Platform platform = entry("servers/smc-h100-immersion");
  const ServerPower& server = platform.power().server;
  const Watts rest = server.wall(Watts(8 * kIdleGpu) + server.others(kRest));
  EXPECT_GT(rest, Watts(2060));
  EXPECT_LT(rest, Watts(2330));
  const Watts work = server.wall(Watts(8 * kTdp) + server.others(training(server)));
  EXPECT_NEAR(work.si(), 7330, 0.03 * 7330);  // GPUs at their limit all the time: an upper bound
}

// The meters' bins: output over input at the output of the bin's middle. The meters disagree by up
// to 1.5 points, and the curve averages neighbouring bins, which differ by up to 1.
TEST(PowerConfigs, TheMeasuredCurveIsWithinTheMetersDoubt) {
  const Platform platform = entry("servers/smc-h100-immersion");
  const PowerSupplies& supplies = platform.power().server.supplies;
  const std::vector<std::pair<double, double>> bins = {
      {2125, 0.951},  {2375, 0.9404}, {2625, 0.9484}, {2875, 0.9394},
      {3625, 0.9512}, {5875, 0.9857}, {6125, 0.9793}, {6375, 0.985},
      {6875, 0.9766}, {7125, 0.9747}, {7375, 0.974}};
  for (const auto& [input, efficiency] : bins) {
    const Watts output(input * efficiency);
    EXPECT_NEAR(output / supplies.input(output), efficiency, 0.02) << input;
  }
}

TEST(PowerConfigs, EveryServerAndSwitchSaysItsPower) {
  const Library library({std::filesystem::path(ORRERY_SOURCE_DIR) / "configs"});
  for (const std::string& name : library.entries()) {
    const bool server = name.starts_with("servers/") || name.starts_with("racks/");
    if (!server && !name.starts_with("clusters/")) continue;
    const std::string use = server ? "server: {use: " + name + "}" : "use: " + name;
    const Platform platform = platform_of(library.resolve(parse_yaml(use, "test.yaml")));
    const MachinePower& power = platform.power();
    EXPECT_TRUE(power.server.known) << name;
    EXPECT_TRUE(power.server.missing.empty()) << name;
    EXPECT_TRUE(power.fabric.known) << name;
    EXPECT_GT(power.server.capacity(), power.server.others(kFull)) << name;
    EXPECT_GE(power.fabric.at(kFull), power.fabric.at(kRest)) << name;
  }
}

}  // namespace
}  // namespace orrery::platform_test
