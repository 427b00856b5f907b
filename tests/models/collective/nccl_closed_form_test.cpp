// The model against textbook costs on an ideal machine: no start, hops or copies to speak of,
// efficiency 1. Tolerance 1e-6: what remains of starts and hops is picoseconds against
// milliseconds.
#include <gtest/gtest.h>

#include "models/collective/nccl_support.hpp"

namespace orrery::collective::test {
namespace {

using enum CollectiveKind;
const std::string kRing = "algorithm: ring\nprotocol: simple";

TEST(NcclClosedForm, MovesTheTextbookVolumeInOneServer) {
  const auto model = nccl(ideal(kRing));
  const double pass = seconds(kGiB, 100);
  for (const int n : {2, 4, 8}) {
    const GroupLayout layout = one_server(n, 100);
    const double share = (n - 1.0) / n;
    expect_seconds(cost(*model, AllReduce, kGiB, layout), 2 * share * pass);
    expect_seconds(cost(*model, AllGather, kGiB, layout), share * pass);
    expect_seconds(cost(*model, ReduceScatter, kGiB, layout), share * pass);
    expect_seconds(cost(*model, AllToAll, kGiB, layout), share * pass);
    expect_seconds(cost(*model, Broadcast, kGiB, layout), pass);
  }
  expect_seconds(cost(*model, SendRecv, kGiB, one_server(2, 100)), pass);
}

TEST(NcclClosedForm, SwitchReductionMovesTheBufferOnce) {
  const auto model = nccl(ideal("algorithm: nvls"));
  expect_seconds(cost(*model, AllReduce, kGiB, one_server(8, 100, true)), seconds(kGiB, 100));
}

TEST(NcclClosedForm, RailRingRunsAtTheShareOfOneDevice) {
  const auto model = nccl(ideal(kRing));
  // Four servers, one rank each, eight 25 GB/s NICs for eight devices.
  const GroupLayout rail = cluster(4, 1, 300, 8, 25);
  expect_seconds(cost(*model, AllReduce, kGiB, rail), 2 * 0.75 * seconds(kGiB, 25));
  expect_seconds(cost(*model, AllGather, kGiB, rail), 0.75 * seconds(kGiB, 25));
  expect_seconds(cost(*model, AllToAll, kGiB, rail), 0.75 * seconds(kGiB, 25));
  expect_seconds(cost(*model, SendRecv, kGiB, cluster(2, 1, 300, 8, 25)), seconds(kGiB, 25));
}

TEST(NcclClosedForm, FullServersUseAllTheirNics) {
  const auto model = nccl(ideal(kRing));
  const GroupLayout layout = cluster(2, 8, 1e6, 4, 12.5);  // 4 x 12.5 GB/s a server, 16 ranks
  expect_seconds(cost(*model, AllReduce, kGiB, layout), 2 * 15.0 / 16 * seconds(kGiB, 50));
  // Each rank sends the half that belongs to the other server through its eighth of 50 GB/s.
  expect_seconds(cost(*model, AllToAll, kGiB, layout), 0.5 * seconds(kGiB, 6.25));
}

TEST(NcclClosedForm, SlowScaleUpLimitsTheRingThroughServers) {
  const auto model = nccl(ideal(kRing));
  const GroupLayout layout = cluster(2, 8, 20, 8, 25);
  const CollectiveCost result = cost(*model, AllReduce, kGiB, layout);
  expect_seconds(result, 2 * 15.0 / 16 * seconds(kGiB, 20));
  ASSERT_EQ(result.flows.size(), 2U);
  EXPECT_EQ(result.flows[0].uses, layout.within.ring.uses);
  EXPECT_EQ(result.flows[1].uses, layout.between.ring.uses);
  EXPECT_NEAR(result.flows[0].bytes / (result.transfer * layout.within.ring.bandwidth), 1.0,
              kTolerance);
  // The server's NICs carry 20 of 200 GB/s.
  EXPECT_NEAR(result.flows[1].bytes / (result.transfer * layout.between.ring.bandwidth), 0.1,
              kTolerance);
}

TEST(NcclClosedForm, DoubleTreeSendsTwoBuffersFromTheBusiestOfFourServers) {
  const auto model = nccl(ideal("algorithm: tree"));
  expect_seconds(cost(*model, AllReduce, kGiB, cluster(2, 8, 1e6, 8, 25)), seconds(kGiB, 200));
  expect_seconds(cost(*model, AllReduce, kGiB, cluster(4, 8, 1e6, 8, 25)), 2 * seconds(kGiB, 200));
  expect_seconds(cost(*model, AllReduce, kGiB, cluster(64, 8, 1e6, 8, 25)), 2 * seconds(kGiB, 200));
}

TEST(NcclClosedForm, RingLatencyIsOneHopAStep) {
  const auto model = nccl(ideal(kRing, "3 us", "7 us"));
  const auto latency_us = [&](CollectiveKind kind, const GroupLayout& layout) {
    return cost(*model, kind, kMiB, layout).latency.si() * 1e6;
  };
  EXPECT_NEAR(latency_us(AllReduce, one_server(8, 100)), 14 * 3, 1e-6);
  EXPECT_NEAR(latency_us(AllGather, one_server(8, 100)), 7 * 3, 1e-6);
  // 15 steps of 16 ranks in two servers: one crosses.
  EXPECT_NEAR(latency_us(AllGather, cluster(2, 8, 300, 8, 25)), 14 * 3 + 7, 1e-6);
  EXPECT_NEAR(latency_us(AllReduce, cluster(4, 1, 300, 8, 25)), 6 * 7, 1e-6);
}

TEST(NcclClosedForm, LongerWiresAddTheirExcessToEachHop) {
  const auto model = nccl(ideal(kRing, "3 us", "7 us"));
  GroupLayout layout = cluster(4, 1, 300, 8, 25);
  layout.between.ring.latency = microseconds(0.9);  // less than the 1 us that the hop includes
  EXPECT_NEAR(cost(*model, AllGather, kMiB, layout).latency.si() * 1e6, 3 * 7, 1e-6);
  layout.between.ring.latency = microseconds(3);
  EXPECT_NEAR(cost(*model, AllGather, kMiB, layout).latency.si() * 1e6, 3 * (7 + 2), 1e-6);
}

TEST(NcclClosedForm, PatNeedsLogarithmicallyManyHops) {
  const auto model = nccl(ideal("protocol: simple\npat: true", "3 us", "7 us"));
  const CollectiveCost result = cost(*model, AllGather, kMiB, cluster(128, 1, 300, 8, 25));
  EXPECT_EQ(result.algorithm, "pat");
  EXPECT_NEAR(result.latency.si() * 1e6, 7 * 7, 1e-6);  // log2(128) = 7 hops of 7 us
  EXPECT_NEAR(result.transfer.si() / (127.0 / 128 * seconds(kMiB, 25)), 1.0, kTolerance);
  EXPECT_EQ(cost(*model, AllReduce, kMiB, cluster(128, 1, 300, 8, 25)).algorithm, "tree");
}

TEST(NcclClosedForm, MemoryTrafficCountsStagedPasses) {
  const auto model = nccl(ideal(kRing));
  const CollectiveCost result = cost(*model, AllGather, kGiB, one_server(4, 100));
  // (3 n - 1) / n passes over the buffer, in 3/4 of the time that 100 GB/s need for it.
  EXPECT_NEAR(result.memory.si(), 11.0 / 4 * 100e9 / 0.75, 1e3);
}

}  // namespace
}  // namespace orrery::collective::test
