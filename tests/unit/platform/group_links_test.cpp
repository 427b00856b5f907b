// What groups that are uneven, alone or of pairs have of a machine's links: by hand.
#include <numeric>

#include <gtest/gtest.h>

#include "unit/platform/support.hpp"

namespace orrery::platform_test {
namespace {

Platform mesh() { return platform_of(parse_yaml(kCubeMesh, "mesh.yaml")); }

std::vector<int> numbers(int first, int count) {
  std::vector<int> result(static_cast<std::size_t>(count));
  std::iota(result.begin(), result.end(), first);
  return result;
}

const std::vector<int> kSevenAndOne = {0, 1, 2, 3, 4, 5, 6, 8};

// Each card has an adapter of 25 GB/s: what the lone one sends is all that its server sends.
TEST(UnevenGroup, IsAsFastAsTheServerWithItsFewestRanks) {
  const Platform machine = platform_with({});
  for (const Others others : {Others::Alike, Others::Idle}) {
    const GroupLayout found = machine.layout(kSevenAndOne, others);
    EXPECT_EQ(found.ranks_per_server, 7);
    EXPECT_EQ(found.fewest(), 1);
    EXPECT_DOUBLE_EQ(gigabytes_per_second(found.between.ring.bandwidth), 25);
    // It has seven others to send to, each of the seven only it.
    EXPECT_DOUBLE_EQ(gigabytes_per_second(found.between.to_all.bandwidth), 25);
  }
}

// Two cards and one adapter a switch: three of the first four share two, a lone one has one alone.
TEST(UnevenGroup, CountsTheAdaptersOfEachServer) {
  const Platform machine = platform_with({{"server.nics", "4"}});
  // Server 0: cards 0, 1 and 2 on adapters 0, 0 and 1, the slower two at 12.5: at least 37.5
  // together. Server 1: one card with 25 to itself, which is less.
  const GroupLayout alone = machine.layout(std::vector<int>{0, 1, 2, 8}, Others::Idle);
  EXPECT_DOUBLE_EQ(gigabytes_per_second(alone.between.ring.bandwidth), 25);
  // With all cards at work each has half of an adapter.
  EXPECT_DOUBLE_EQ(
      gigabytes_per_second(machine.layout(std::vector<int>{0, 1, 2, 8}).between.ring.bandwidth),
      12.5);
  // {0, 1} share one adapter: together 25. The two of server 1, cards 0 and 2, could send 50.
  const GroupLayout pairs = machine.layout(std::vector<int>{0, 1, 8, 10}, Others::Idle);
  EXPECT_EQ(pairs.fewest(), 2);
  EXPECT_DOUBLE_EQ(gigabytes_per_second(pairs.between.ring.bandwidth), 12.5);
}

TEST(UnevenGroup, OnPartsIsAsFastAsByClasses) {
  const Platform machine = platform_with({});
  for (const CollectiveKind kind : {CollectiveKind::AllReduce, CollectiveKind::AllToAll}) {
    const GroupLayout parts = whole(machine).layout(kSevenAndOne, kind);
    EXPECT_EQ(parts.fewest(), 1);
    EXPECT_NEAR(gigabytes_per_second(parts.between.ring.bandwidth), 25, 25 * kExact);
  }
}

// A group that closes a ring over links in one server and none in another goes at PCIe's pace.
TEST(UnevenGroup, LooksAtTheLinksOfEveryServer) {
  Node system = parse_yaml(kCubeMesh, "mesh.yaml");
  for (const auto& [path, value] :
       Changes{{"servers", "2"},
               {"server.nics", "4"},
               {"server.nic", "{bandwidth: 100 Gbit/s, latency: 0.3 us}"},
               {"fabric", "{leaf: {ports: 40, port_bandwidth: 100 Gbit/s, latency: 0.13 us}}"}}) {
    system = system.with_value_at(path, parse_yaml(value, "change.yaml"));
  }
  const Platform machine = platform_of(system);
  // Cards 0 and 3 are joined twice, 0 and 5 not at all: slots of 16 and sockets of 19 GB/s.
  const GroupLayout same = machine.layout(std::vector<int>{0, 3, 8, 11}, Others::Idle);
  EXPECT_DOUBLE_EQ(gigabytes_per_second(same.within.ring.bandwidth), 50);
  EXPECT_FALSE(same.within.ring.over_host);
  const GroupLayout other = machine.layout(std::vector<int>{0, 3, 8, 13}, Others::Idle);
  EXPECT_DOUBLE_EQ(gigabytes_per_second(other.within.ring.bandwidth), 16);
  EXPECT_TRUE(other.within.ring.over_host);
}

// A card has links to the three others of its half and to one of the other half; what it sends to
// the other three, 3/7, goes through the sockets: 4 x 3/7 of a card's rate fill 19 GB/s.
TEST(GroupLinks, OfACubeMeshGoThroughTheSocketsWhereNoLinkLeads) {
  const GroupLayout found = mesh().layout(numbers(0, 8));
  EXPECT_DOUBLE_EQ(gigabytes_per_second(found.within.ring.bandwidth), 6 * 25);
  EXPECT_FALSE(found.within.ring.over_host);
  EXPECT_NEAR(gigabytes_per_second(found.within.to_all.bandwidth), 19.0 * 7 / 12, 19 * kExact);
  EXPECT_TRUE(found.within.to_all.over_host);
  // Slot, switch to socket, socket, switch, slot.
  EXPECT_NEAR(microseconds_of(found.within.to_all.latency), 4 * 1 + 0.1, 5 * kExact);
  // Each to the next: 3 to 4 and 7 to 0 have no link, and a slot of 16 GB/s.
  EXPECT_DOUBLE_EQ(gigabytes_per_second(found.within.to_next.bandwidth), 16);
}

TEST(GroupLinks, TakeWhatTheRequestSends) {
  CollectiveRequest request{.layout = mesh().layout(numbers(0, 8))};
  for (const auto& [kind, rate] : {std::pair{CollectiveKind::AllReduce, 150.0},
                                   {CollectiveKind::AllToAll, 19.0 * 7 / 12},
                                   {CollectiveKind::SendRecv, 16.0}}) {
    request.kind = kind;
    EXPECT_NEAR(gigabytes_per_second(request.within().bandwidth), rate, rate * kExact);
    // The busiest of what it takes lets through as much.
    double least = 1e30;
    for (const ResourceUse& use : request.within().uses) {
      least = std::min(least, gigabytes_per_second(use.capacity) / use.per_byte);
    }
    EXPECT_NEAR(least, rate, rate * kExact);
  }
}

double use_of(const MachinePart& part, const GroupLinks& links, const std::string& resource) {
  for (const ResourceUse& use : links.uses) {
    if (part.resources()[use.resource].name == resource) return use.per_byte;
  }
  return 0;
}

// Eight cards on PCIe, two a switch, two switches a socket, one adapter on switch 0. The detour of
// the hop from card 0 to 1 over the adapter is two wires (out 2, in 2, instead of 2), of that from
// 1 to 2 and from 7 to 0 as many (2 + 4 instead of 4, 5 + 2 instead of 5); that from 2 to 3 takes
// six. So a third of the rings leaves at each of cards 0, 1 and 7.
TEST(GroupLinks, OfARingOverServersOpenAtTheAdapter) {
  const Platform machine =
      platform_with({{"server.scale_up", "{kind: pcie}"}, {"server.nics", "1"}});
  const MachinePart part = whole(machine);
  const GroupLayout found = part.layout(numbers(0, 16), CollectiveKind::AllReduce);
  // As fast as a closed ring: each slot carries all that goes around.
  EXPECT_DOUBLE_EQ(gigabytes_per_second(found.within.ring.bandwidth), 32);
  const auto inside = [&](const std::string& from, const std::string& to) {
    return use_of(part, found.within.ring, "server0." + from + ">server0." + to);
  };
  // Of eight, for what each of eight cards sends.
  const auto between = [&](const std::string& from, const std::string& to) {
    return use_of(part, found.between.ring, "server0." + from + ">server0." + to) / 8;
  };
  for (int card = 0; card < 8; ++card) {
    const std::string name = "gpu" + std::to_string(card);
    const std::string pcie = "pcie_switch" + std::to_string(card / 2);
    const bool leaves = card == 0 || card == 1 || card == 7;
    EXPECT_NEAR(between(name, pcie), leaves ? 1.0 / 3 : 0, kExact) << name;
    EXPECT_NEAR(inside(name, pcie) + between(name, pcie), 1, kExact) << name;
    EXPECT_NEAR(inside(pcie, name) + between(pcie, name), 1, kExact) << name;
  }
  EXPECT_NEAR(between("pcie_switch0", "nic0"), 1, kExact);
  EXPECT_NEAR(between("nic0", "pcie_switch0"), 1, kExact);
  for (const std::string pcie : {"pcie_switch0", "pcie_switch1", "pcie_switch2", "pcie_switch3"}) {
    const std::string socket = pcie < "pcie_switch2" ? "cpu0" : "cpu1";
    EXPECT_LE(inside(pcie, socket) + between(pcie, socket), 1 + kExact) << pcie;
    EXPECT_LE(inside(socket, pcie) + between(socket, pcie), 1 + kExact) << pcie;
  }
}

// Each card has an adapter of its own: the rings open at every hop alike.
TEST(GroupLinks, OfARingOverServersOpenAtEveryCardWithItsOwnAdapter) {
  const Platform machine = platform_with({{"server.scale_up", "{kind: pcie}"}});
  const MachinePart part = whole(machine);
  const GroupLayout found = part.layout(numbers(0, 16), CollectiveKind::AllReduce);
  for (const std::string& name : {std::string("0"), std::string("5")}) {
    const std::string slot =
        "server0.gpu" + name + ">server0.pcie_switch" + (name == "0" ? "0" : "2");
    EXPECT_NEAR(use_of(part, found.within.ring, slot), 7.0 / 8, kExact);
    EXPECT_NEAR(use_of(part, found.between.ring, slot), 1, kExact);
  }
}

// Seven cards and one on other rails: each leaves by its own adapter.
TEST(GroupLinks, BetweenRailsTakeTheAdapterOfEachCard) {
  const Platform machine = platform_with({{"fabric.rails", "true"}});
  const MachinePart part = whole(machine);
  const GroupLayout found = part.layout(kSevenAndOne, CollectiveKind::AllReduce);
  for (int card = 0; card < 7; ++card) {
    const std::string number = std::to_string(card);
    EXPECT_NEAR(use_of(part, found.between.ring,
                       "server0.pcie_switch" + std::to_string(card / 2) + ">server0.nic" + number),
                1.0 / 7, kExact)
        << card;
  }
}

// 500 cards of either socket send 500 / 999 of what they send to the other one, over 96 GB/s; a
// ring crosses once. All pairs are looked at, a million of routes: as fast as reading them.
TEST(GroupLinks, OfAThousandCardsShareTheSockets) {
  const Platform machine = platform_with({{"servers", "1"},
                                          {"server.accelerators", "1000"},
                                          {"server.nics", "0"},
                                          {"server.scale_up", "{kind: pcie}"}});
  const GroupLayout found = machine.layout(numbers(0, 1000));
  EXPECT_DOUBLE_EQ(gigabytes_per_second(found.within.ring.bandwidth), 32);
  const double to_all = 96.0 * 999 / (500.0 * 500);
  EXPECT_NEAR(gigabytes_per_second(found.within.to_all.bandwidth), to_all, to_all * 1e-9);
}

// 128 servers with an adapter a card, under rails that carry what their servers send.
TEST(GroupLinks, OfAThousandDevicesOnPartsAreThoseOfOneServer) {
  const Platform machine = platform_with({{"servers", "128"}, {"fabric.rails", "true"}});
  const MachinePart part = machine.part(numbers(0, 128));
  const GroupLayout found = part.layout(numbers(0, 1024), CollectiveKind::AllReduce);
  EXPECT_NEAR(gigabytes_per_second(found.between.ring.bandwidth), 25, 25 * 1e-9);
  EXPECT_DOUBLE_EQ(gigabytes_per_second(found.within.ring.bandwidth), 300);
}

// Four cards, every two joined, two of them at half the rate: two rings avoid that wire.
TEST(GroupLinks, OfRingsAvoidASlowWire) {
  const Platform machine = platform_of(parse_yaml(R"(
name: four
server:
  accelerator: {}
  accelerators: 4
  scale_up: {kind: links}
  links:
    - {kind: nvlink, bandwidth: 50 GB/s, latency: 0.7 us, between: [[gpu0, gpu2], [gpu0, gpu3], [gpu1, gpu2], [gpu1, gpu3], [gpu2, gpu3]]}
    - {kind: nvlink, bandwidth: 25 GB/s, latency: 0.7 us, between: [[gpu0, gpu1]]}
  cpu: {launch_time: 4 us}
)",
                                                  "four.yaml"));
  const MachinePart part = whole(machine);
  const GroupLinks ring = part.layout(numbers(0, 4), CollectiveKind::AllReduce).within.ring;
  EXPECT_DOUBLE_EQ(gigabytes_per_second(ring.bandwidth), 100);
  EXPECT_EQ(use_of(part, ring, "server0.gpu0>server0.gpu1"), 0);
  EXPECT_EQ(use_of(part, ring, "server0.gpu1>server0.gpu0"), 0);
}

TEST(GroupLinks, OnPartsAreThoseOfTheirOwnPair) {
  const Platform machine = mesh();
  const MachinePart part = whole(machine);
  const auto rate = [&](const std::vector<int>& devices, CollectiveKind kind) {
    return gigabytes_per_second(part.layout(devices, kind).within.ring.bandwidth);
  };
  EXPECT_DOUBLE_EQ(rate({0, 1}, CollectiveKind::SendRecv), 25);
  EXPECT_DOUBLE_EQ(rate({0, 3}, CollectiveKind::SendRecv), 50);
  EXPECT_DOUBLE_EQ(rate({3, 4}, CollectiveKind::SendRecv), 16);
  EXPECT_NEAR(rate(numbers(0, 8), CollectiveKind::AllToAll), 19.0 * 7 / 12, 19 * kExact);
}

// A mesh of wires: all seven together for a ring or to all, one for a message.
TEST(GroupLinks, OfAMeshWithoutSwitchesAreOneWireEach) {
  const Platform machine = platform_with({{"server.scale_up.switches", "0"}});
  CollectiveRequest request{.kind = CollectiveKind::SendRecv,
                            .layout = machine.layout(numbers(0, 8))};
  EXPECT_DOUBLE_EQ(gigabytes_per_second(request.within().bandwidth), 300.0 / 7);
  request.kind = CollectiveKind::AllToAll;
  EXPECT_DOUBLE_EQ(gigabytes_per_second(request.within().bandwidth), 300);
}

// Four servers of 8 adapters under a leaf with 8 uplinks of 25 GB/s.
TEST(GroupAlone, HasTheFabricToItself) {
  const Platform machine = platform_with({{"fabric.oversubscription", "4"}, {"servers", "8"}});
  const std::vector<int> two = {0, 32};
  EXPECT_DOUBLE_EQ(gigabytes_per_second(machine.layout(two).between.ring.bandwidth), 25.0 / 4);
  EXPECT_DOUBLE_EQ(gigabytes_per_second(machine.layout(two, Others::Idle).between.ring.bandwidth),
                   25);
  // To all: the 4 servers of a leaf send 4/7 of their 32 adapters' bytes to the other leaf.
  const GroupLayout all = machine.layout(numbers(0, 64), Others::Idle);
  EXPECT_NEAR(gigabytes_per_second(all.between.to_all.bandwidth), 25 * 8 / (32 * 4.0 / 7),
              25 * kExact);
}

TEST(GroupAlone, ThatIsTheWholeMachineHasNoMoreThanBesideNone) {
  const Platform machine = platform_with({{"fabric.oversubscription", "4"}, {"servers", "8"}});
  const GroupLayout alone = machine.layout(numbers(0, 64), Others::Idle);
  const GroupLayout among = machine.layout(numbers(0, 64));
  EXPECT_NEAR(alone.between.ring.bandwidth / among.between.ring.bandwidth, 1, kExact);
  EXPECT_NEAR(alone.between.to_all.bandwidth / among.between.to_all.bandwidth, 1, kExact);
}

TEST(GroupAlone, HasTheAdapterThatItsNeighbourWouldShare) {
  const Platform machine = platform_with({{"server.nics", "4"}});
  const std::vector<int> two = {0, 8};
  EXPECT_DOUBLE_EQ(gigabytes_per_second(machine.layout(two).between.ring.bandwidth), 12.5);
  EXPECT_DOUBLE_EQ(gigabytes_per_second(machine.layout(two, Others::Idle).between.ring.bandwidth),
                   25);
}

// Groups {0, 4} to {3, 7} cross 96 GB/s between the sockets together; alone a slot is the limit.
TEST(GroupAlone, HasTheSocketsToItself) {
  const Platform machine = platform_with({{"server.scale_up", "{kind: pcie}"},
                                          {"server.pcie.devices_per_switch", "1"},
                                          {"server.nics", "8"}});
  const std::vector<int> two = {0, 4};
  EXPECT_DOUBLE_EQ(gigabytes_per_second(machine.layout(two).within.ring.bandwidth), 24);
  EXPECT_DOUBLE_EQ(gigabytes_per_second(machine.layout(two, Others::Idle).within.ring.bandwidth),
                   32);
}

}  // namespace
}  // namespace orrery::platform_test
