// collective.torus against closed forms: rings round every axis, bisection, hops, rings of slices.
#include <gtest/gtest.h>

#include <orrery/node.hpp>

#include "collective/torus.hpp"
#include "support/links.hpp"

namespace orrery::collective {
namespace {

constexpr double kExact = 1e-12;  // relative; a few additions of doubles
constexpr Bytes kBuffer{1e9};

std::unique_ptr<const CollectiveModel> model(const std::string& extra = "") {
  Diagnostics diagnostics;
  Reader reader(parse_yaml("scale_up: {launch: 5 us, hop: 1 us, efficiency: 0.8}\n" + extra, "t"),
                "communication", diagnostics);
  auto result = make_torus(reader);
  diagnostics.throw_if_any();
  return result;
}

constexpr const char* kDcn = "scale_out: {hop: 100 us, efficiency: 0.5}\n";

// A slice with 50 GB/s a link and direction.
GroupLayout slice(std::vector<TorusAxis> axes) {
  GroupLayout layout;
  for (const TorusAxis& axis : axes) layout.ranks *= axis.ranks;
  layout.ranks_per_server = layout.ranks;
  layout.devices_per_server = layout.ranks;
  layout.within.ring =
      orrery::test::links_within(BytesPerSecond(2 * 50e9 * static_cast<double>(axes.size())));
  if (!axes.empty()) layout.torus = {.axes = std::move(axes), .link = BytesPerSecond(50e9)};
  return layout;
}

GroupLayout slices(int count, std::vector<TorusAxis> axes) {
  GroupLayout layout = slice(std::move(axes));
  layout.servers = count;
  layout.ranks *= count;
  layout.between.ring = orrery::test::links_between(BytesPerSecond(2e9));
  layout.between.alone = BytesPerSecond(2e9);
  layout.between.ring.latency = microseconds(10);
  return layout;
}

TorusAxis ring(int ranks) { return {.ranks = ranks, .wrap = true}; }
TorusAxis line(int ranks) { return {.ranks = ranks}; }

CollectiveCost cost(CollectiveKind kind, const GroupLayout& layout, const std::string& extra = "") {
  return model(extra)->cost({.kind = kind, .bytes = kBuffer, .layout = layout});
}

void expect_time(const CollectiveCost& cost, double latency, double transfer) {
  EXPECT_NEAR(cost.latency.si(), latency, latency * kExact);
  EXPECT_NEAR(cost.transfer.si(), transfer, transfer * kExact);
}

TEST(Torus, GathersRoundARingInBothDirections) {
  expect_time(cost(CollectiveKind::AllGather, slice({ring(16)})), 5e-6 + 8e-6,
              1e9 * 15 / 16 / (0.8 * 2 * 50e9));
}

TEST(Torus, LosesHalfWithoutTheWrap) {
  expect_time(cost(CollectiveKind::AllGather, slice({line(16)})), 5e-6 + 15e-6,
              1e9 * 15 / 16 / (0.8 * 50e9));
}

TEST(Torus, UsesTheLinksOfAllAxes) {
  // Shards of one part go round x first and of the other y first: 2 axes x 2 directions.
  expect_time(cost(CollectiveKind::ReduceScatter, slice({ring(16), ring(16)})), 5e-6 + 16e-6,
              1e9 * 255 / 256 / (0.8 * 4 * 50e9));
}

TEST(Torus, EqualsTheStagesOfTheBucketAlgorithmOnACube) {
  // A third of the buffer: 3/4 of it on the first axis, 3/16 on the second, 3/64 on the third.
  const double stages = 1e9 / 3 * (3.0 / 4 + 3.0 / 16 + 3.0 / 64) / (0.8 * 2 * 50e9);
  expect_time(cost(CollectiveKind::AllGather, slice({ring(4), ring(4), ring(4)})), 5e-6 + 6e-6,
              stages);
}

TEST(Torus, ReducesAsScatterThenGather) {
  const GroupLayout layout = slice({ring(8), line(4)});
  const CollectiveCost half = cost(CollectiveKind::AllGather, layout);
  expect_time(cost(CollectiveKind::AllReduce, layout), 2 * half.latency.si() - 5e-6,
              2 * half.transfer.si());
}

TEST(Torus, SharesLinksWithTheGroupsInBetween) {
  // Every second device of a line: two such groups take turns on every link, and hops are longer.
  expect_time(cost(CollectiveKind::AllGather, slice({{.ranks = 4, .hops = 2, .wrap = true}})),
              5e-6 + 2 * 2e-6, 1e9 * 3 / 4 / (0.8 * 50e9));
}

TEST(Torus, ExchangesThroughTheNarrowestCut) {
  // Half of the ranks send half of their buffers across 2 x 4 links: 8 x 1e9 / 2 ... a ring of 8:
  // (n/2)(n/2) S/n bytes over 2 n/k links.
  const double n = 8.0 * 4.0;
  expect_time(cost(CollectiveKind::AllToAll, slice({ring(8), ring(4)})), 5e-6 + 4e-6 + 2e-6,
              n / 4 * 1e9 / (2 * n / 8) / (0.8 * 50e9));
}

TEST(Torus, TwistedExchangesOverAllLinks) {
  // 4 x 4 x 8: 3.4375 hops on average over six links, against 8/8 of a link's time untwisted.
  GroupLayout layout = slice({ring(4), ring(4), ring(8)});
  const Seconds straight = cost(CollectiveKind::AllToAll, layout).transfer;
  const Seconds ring_time = cost(CollectiveKind::AllReduce, layout).transfer;
  layout.torus->twisted_mean_hops = 3.4375;
  EXPECT_NEAR(straight / cost(CollectiveKind::AllToAll, layout).transfer, 6 / 3.4375, 1e-9);
  EXPECT_EQ(cost(CollectiveKind::AllReduce, layout).transfer, ring_time);
}

TEST(Torus, SendsByHops) {
  expect_time(cost(CollectiveKind::SendRecv, slice({{.ranks = 2, .hops = 3}})), 5e-6 + 3e-6,
              1e9 * 3 / (0.8 * 50e9));
}

TEST(Torus, ReducesBetweenSlicesByChipShares) {
  // 16 chips a slice, 4 slices: scatter inside, ring of 1/16 over 0.5 x 2 GB/s, gather inside.
  const GroupLayout layout = slices(4, {ring(4), ring(4)});
  const CollectiveCost found = cost(CollectiveKind::AllReduce, layout, kDcn);
  const double inside = 2 * 1e9 * 15 / 16 / (0.8 * 4 * 50e9);
  const double between = 2 * 3.0 / 4 * (1e9 / 16) / (0.5 * 2e9);
  expect_time(found, 5e-6 + 2 * 4e-6 + 6 * 110e-6, inside + between);
  EXPECT_EQ(found.algorithm, "torus-hierarchical");
  ASSERT_EQ(found.flows.size(), 2U);
  EXPECT_NEAR(found.flows[0].bytes.si(), inside * 200e9, 1);
  EXPECT_NEAR(found.flows[1].bytes.si(), between * 2e9, 1);
}

TEST(Torus, OfOneChipASliceUsesTheNetworkAlone) {
  GroupLayout layout = slices(8, {});
  layout.ranks_per_server = 1;
  layout.ranks = 8;
  const CollectiveCost found = cost(CollectiveKind::AllReduce, layout, kDcn);
  expect_time(found, 5e-6 + 14 * 110e-6, 2 * 7.0 / 8 * 1e9 / 1e9);
  ASSERT_EQ(found.flows.size(), 1U);
  EXPECT_EQ(found.flows[0].uses, layout.between.ring.uses);
}

// Each of four slices of one chip sends 3/4 of its buffer over half of what pairs get.
TEST(Torus, ExchangesOverWhatTheFabricGivesAllPairs) {
  GroupLayout layout = slices(4, {});
  layout.between.to_all = orrery::test::links(2, BytesPerSecond(1e9));
  layout.between.to_all.latency = microseconds(20);
  const CollectiveCost found = cost(CollectiveKind::AllToAll, layout, kDcn);
  expect_time(found, 5e-6 + 120e-6, 3.0 / 4 * 1e9 / (0.5 * 1e9));
  ASSERT_EQ(found.flows.size(), 1U);
  EXPECT_EQ(found.flows[0].uses, layout.between.to_all.uses);
  EXPECT_NEAR(found.flows[0].bytes.si(), found.transfer.si() * 1e9, 1);
}

TEST(Torus, TakesNoMultiprocessors) {
  EXPECT_EQ(cost(CollectiveKind::AllReduce, slice({ring(4)})).multiprocessors, 0);
}

TEST(Torus, NeverMovesMoreThanItsLinksCarry) {
  for (const auto kind :
       {CollectiveKind::AllReduce, CollectiveKind::AllGather, CollectiveKind::ReduceScatter,
        CollectiveKind::AllToAll, CollectiveKind::Broadcast, CollectiveKind::SendRecv}) {
    const GroupLayout layout = slice({ring(8), line(4)});
    const CollectiveCost found = cost(kind, layout);
    for (const LinkFlow& flow : found.flows) {
      EXPECT_LE(flow.bytes, layout.within.ring.bandwidth * found.transfer * (1 + kExact));
    }
    EXPECT_GT(found.memory, BytesPerSecond(0));
  }
}

TEST(Torus, OfOneRankCostsNothing) {
  EXPECT_EQ(cost(CollectiveKind::AllReduce, slice({})).time(), Seconds(0));
}

TEST(Torus, SaysWhatItMisses) {
  GroupLayout switched = slice({ring(4)});
  switched.torus.reset();
  EXPECT_THROW(cost(CollectiveKind::AllReduce, switched), ConfigError);
  EXPECT_THROW(cost(CollectiveKind::AllReduce, slices(2, {ring(4)})), ConfigError);
}

}  // namespace
}  // namespace orrery::collective
