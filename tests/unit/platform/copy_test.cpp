// The ways that copies take: which route, which adapter, which of parallel links.
#include <gtest/gtest.h>

#include "unit/platform/support.hpp"

namespace orrery::platform_test {
namespace {

/// Two cards behind a PCIe switch of their socket.
Platform two_cards(const std::string& more_links) {
  return platform_of(parse_yaml(R"(
name: two
server:
  accelerator: {}
  accelerators: 2
  scale_up: {kind: links}
  sockets: 1
  pcie_switches: 1
  links:
    - {kind: pcie, bandwidth: 32 GB/s, latency: 0.5 us, between: [[gpu0, pcie_switch0], [gpu1, pcie_switch0], [pcie_switch0, cpu0]]}
)" + more_links + "  cpu: {launch_time: 4 us}\n",
                                "two.yaml"));
}

CopyPath copy(const MachinePart& part, const std::string& from, const std::string& to) {
  const auto path = part.copy(part.find(from), part.find(to));
  EXPECT_TRUE(path.has_value()) << from << " > " << to;
  return path.value_or(CopyPath{});
}

double share_of(const MachinePart& part, const CopyPath& path, const std::string& resource) {
  for (const ResourceUse& use : path.uses) {
    if (part.resources()[use.resource].name == resource) return use.per_byte;
  }
  return 0;
}

// One wire to the socket is nearer than two through the switch, and four times as narrow.
TEST(Copy, TakesTheWidestRoute) {
  const Platform machine = two_cards(
      "    - {kind: pcie, bandwidth: 8 GB/s, latency: 0.1 us, between: [[gpu0, cpu0]]}\n");
  const MachinePart part = whole(machine);
  const CopyPath wide = copy(part, "server0.gpu0", "server0.cpu0");
  EXPECT_DOUBLE_EQ(gigabytes_per_second(wide.bandwidth), 32);
  EXPECT_NEAR(microseconds_of(wide.latency), 2 * 0.5, kExact);
}

TEST(Copy, TakesTheNearestOfEquallyWideRoutes) {
  const Platform machine = two_cards(
      "    - {kind: pcie, bandwidth: 32 GB/s, latency: 0.1 us, between: [[gpu0, cpu0]]}\n");
  const MachinePart part = whole(machine);
  EXPECT_NEAR(microseconds_of(copy(part, "server0.gpu0", "server0.cpu0").latency), 0.1, kExact);
}

// NVLink comes first, even where it is slower to start and no wider.
TEST(Copy, OfTwoCardsTakesTheirOwnLinks) {
  const Platform machine = two_cards(
      "    - {kind: nvlink, bandwidth: 25 GB/s, latency: 5 us, between: [[gpu0, gpu1]]}\n");
  const MachinePart part = whole(machine);
  const CopyPath own = copy(part, "server0.gpu0", "server0.gpu1");
  EXPECT_DOUBLE_EQ(gigabytes_per_second(own.bandwidth), 25);
  EXPECT_NEAR(microseconds_of(own.latency), 5, 5 * kExact);
}

TEST(Copy, IsSpreadOverParallelLinks) {
  const Platform machine = two_cards(
      "    - {kind: nvlink, bandwidth: 25 GB/s, latency: 1 us, between: [[gpu0, gpu1], [gpu0, "
      "gpu1]]}\n"
      "    - {kind: nvlink, bandwidth: 50 GB/s, latency: 1 us, between: [[gpu1, gpu0]]}\n");
  const MachinePart part = whole(machine);
  EXPECT_DOUBLE_EQ(gigabytes_per_second(copy(part, "server0.gpu0", "server0.gpu1").bandwidth), 100);
  EXPECT_DOUBLE_EQ(gigabytes_per_second(copy(part, "server0.gpu1", "server0.gpu0").bandwidth), 100);
  // The drawing has the two alike in one line.
  EXPECT_NE(part.drawing().find("25.00 GB/s    2 x gpu1"), std::string::npos) << part.drawing();
}

// Cards 2 i and 2 i + 1 share a switch with adapters of these numbers.
TEST(Copy, BetweenServersTakesTheAdapterOfItsCard) {
  const Platform machine = platform_with({});
  const MachinePart part = whole(machine);
  for (const std::string number : {"0", "1", "6", "7"}) {
    const CopyPath path = copy(part, "server0.gpu" + number, "server1.gpu" + number);
    EXPECT_DOUBLE_EQ(share_of(part, path,
                              "server0.pcie_switch" + std::string(number < "2" ? "0" : "3") +
                                  ">server0.nic" + number),
                     1);
    EXPECT_DOUBLE_EQ(gigabytes_per_second(path.bandwidth), 25);
  }
  // To another card's: in by that card's own.
  const CopyPath across = copy(part, "server0.gpu0", "server1.gpu1");
  EXPECT_DOUBLE_EQ(share_of(part, across, "server1.nic1>server1.pcie_switch0"), 1);
  EXPECT_DOUBLE_EQ(share_of(part, across, "server1.nic0>server1.pcie_switch0"), 0);
}

TEST(Copy, OfACardWithTwoAdaptersUsesBoth) {
  const Platform machine = platform_with({{"server.nics", "16"}, {"fabric.leaf.ports", "64"}});
  const MachinePart part = whole(machine);
  const CopyPath path = copy(part, "server0.gpu0", "server1.gpu0");
  EXPECT_DOUBLE_EQ(share_of(part, path, "server0.pcie_switch0>server0.nic0"), 0.5);
  EXPECT_DOUBLE_EQ(share_of(part, path, "server0.pcie_switch0>server0.nic1"), 0.5);
  // Two of 25 GB/s behind a slot of 32.
  EXPECT_DOUBLE_EQ(gigabytes_per_second(path.bandwidth), 32);
}

// Each socket has the adapters of two switches, all as near: socket i takes the i-th of them.
TEST(Copy, FromASocketTakesOneOfTheNearestAdaptersInTurn) {
  const Platform machine = platform_with({});
  const MachinePart part = whole(machine);
  const CopyPath first = copy(part, "server0.cpu0", "server1.gpu0");
  EXPECT_DOUBLE_EQ(share_of(part, first, "server0.pcie_switch0>server0.nic0"), 1);
  const CopyPath second = copy(part, "server0.cpu1", "server1.gpu0");
  EXPECT_DOUBLE_EQ(share_of(part, second, "server0.pcie_switch2>server0.nic5"), 1);
}

// Rails that nothing joins: over NVLink to the card with the other's rail.
TEST(Copy, ToAnotherRailGoesOverTheLinksOfAServer) {
  const Platform machine = platform_with({{"fabric.rails", "true"}});
  const MachinePart part = whole(machine);
  const CopyPath path = copy(part, "server0.gpu0", "server1.gpu7");
  EXPECT_DOUBLE_EQ(gigabytes_per_second(path.bandwidth), 25);
  double nvlink = 0;
  for (const ResourceUse& use : path.uses) {
    nvlink += part.resources()[use.resource].kind == ResourceKind::ScaleUpPort ? use.per_byte : 0;
  }
  EXPECT_DOUBLE_EQ(nvlink, 2);
}

// Card 3 leaves by its own adapter and arrives at that of the other card 3, though card 2's is on
// the same switch and leads there, too.
TEST(Copy, ToAnotherRailLeavesByTheAdapterOfItsCard) {
  const Platform machine = platform_with({{"fabric.rails", "true"}});
  const MachinePart part = whole(machine);
  const CopyPath path = copy(part, "server0.gpu3", "server1.gpu0");
  EXPECT_DOUBLE_EQ(share_of(part, path, "server0.pcie_switch1>server0.nic3"), 1);
  EXPECT_DOUBLE_EQ(share_of(part, path, "server0.pcie_switch1>server0.nic2"), 0);
  EXPECT_DOUBLE_EQ(share_of(part, path, "server1.pcie_switch1>server1.gpu3"), 1);
  EXPECT_DOUBLE_EQ(share_of(part, path, "server1.gpu3>server1.nvswitch"), 1);
  EXPECT_DOUBLE_EQ(share_of(part, path, "server1.nvswitch>server1.gpu0"), 1);
}

// A PCIe wire between the cards is a way like that over the switch: the wider of the two, for
// copies and for rings.
TEST(Copy, AndARingTakeTheWiderOfAPcieWireAndTheSwitch) {
  for (const double rate : {20.0, 50.0}) {
    const Platform machine = two_cards("    - {kind: pcie, bandwidth: " + std::to_string(rate) +
                                       " GB/s, latency: 1.5 us, between: [[gpu0, gpu1]]}\n");
    const MachinePart part = whole(machine);
    const double wider = std::max(rate, 32.0);
    EXPECT_DOUBLE_EQ(gigabytes_per_second(copy(part, "server0.gpu0", "server0.gpu1").bandwidth),
                     wider);
    const GroupLinks ring =
        part.layout(std::vector<int>{0, 1}, CollectiveKind::AllReduce).within.ring;
    EXPECT_DOUBLE_EQ(gigabytes_per_second(ring.bandwidth), wider);
    EXPECT_TRUE(ring.over_host);
  }
}

}  // namespace
}  // namespace orrery::platform_test
