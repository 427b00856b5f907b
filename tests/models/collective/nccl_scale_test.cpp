// Collectives of whole clusters: the network's switches, hierarchies, and limits up to 65,536
// ranks.
#include <cmath>

#include <gtest/gtest.h>

#include "models/collective/nccl_support.hpp"

namespace orrery::collective::test {
namespace {

using enum CollectiveKind;

GroupLayout sharp(GroupLayout layout) {
  layout.between.in_network_reduction = true;
  return layout;
}

TEST(NcclSharp, MovesTheBufferOnceUpAndDown) {
  const auto model = nccl(ideal("algorithm: collnet"));
  const GroupLayout rail = sharp(cluster(64, 1, 300, 8, 25));
  expect_seconds(cost(*model, AllReduce, kGiB, rail), seconds(kGiB, 25));
  // A server still receives what the other 63 have.
  expect_seconds(cost(*model, AllGather, kGiB, rail), 63.0 / 64 * seconds(kGiB, 25));
  expect_seconds(cost(*model, ReduceScatter, kGiB, rail), 63.0 / 64 * seconds(kGiB, 25));
  // Eight ranks: 200 GB/s of NICs against a scatter and a gather at 300 GB/s.
  const GroupLayout full = sharp(cluster(64, 8, 300, 8, 25));
  expect_seconds(cost(*model, AllReduce, kGiB, full), 2 * 7.0 / 8 * seconds(kGiB, 300));
  EXPECT_EQ(cost(*model, AllReduce, kGiB, full).algorithm, "collnet");
}

TEST(NcclSharp, LeavesTheServerToNvlsWhereThereIsOne) {
  const auto model = nccl(ideal("algorithm: collnet"));
  const CollectiveCost found =
      cost(*model, AllReduce, kGiB, sharp(cluster(64, 8, 300, 8, 25, true)));
  EXPECT_EQ(found.algorithm, "collnet_nvls");
  expect_seconds(found, seconds(kGiB, 200));
}

TEST(NcclSharp, NeedsAsManyHopsForManyServersAsForTwo) {
  const auto model = nccl(ideal("algorithm: collnet", "1e-18 s", "10 us"));
  for (const int servers : {2, 1024, 65536}) {
    const CollectiveCost found =
        cost(*model, AllReduce, Bytes(8.0), sharp(cluster(servers, 1, 300, 8, 25)));
    EXPECT_NEAR(found.latency.si(), 10e-6, 1e-9);
  }
}

TEST(NcclSharp, WaitsForAFabricAndParametersThatHaveIt) {
  const std::string ndr =
      "scale_up: {use: communication/nvlink4}\nscale_out: {use: communication/infiniband-ndr}\n";
  EXPECT_NE(cost(*nccl(ndr), AllReduce, kGiB, h100_ndr(16, 8)).algorithm.substr(0, 7), "collnet");
  EXPECT_EQ(cost(*nccl(ndr), AllReduce, kGiB, sharp(h100_ndr(16, 8))).algorithm, "collnet_nvls");
  const std::string roce =
      "scale_up: {use: communication/nvlink4}\nscale_out: {use: communication/roce}\n";
  EXPECT_NE(cost(*nccl(roce), AllReduce, kGiB, sharp(h100_ndr(16, 8))).algorithm.substr(0, 7),
            "collnet");
}

TEST(NcclHierarchical, DoesServersThenRails) {
  const auto model = nccl(ideal("algorithm: hierarchical\nprotocol: simple"));
  const GroupLayout layout = cluster(4, 8, 300, 8, 25);
  const double inside = 7.0 / 8 * seconds(kGiB, 300);
  const double between = 3.0 / 4 * seconds(kGiB / 8, 25);
  expect_seconds(cost(*model, AllReduce, kGiB, layout), 2 * inside + 2 * between);
  expect_seconds(cost(*model, AllGather, kGiB, layout), inside + between);
  expect_seconds(cost(*model, ReduceScatter, kGiB, layout), inside + between);
  // Each link has its bytes and waits while the other works.
  const CollectiveCost found = cost(*model, AllReduce, kGiB, layout);
  ASSERT_EQ(found.flows.size(), 2U);
  EXPECT_NEAR(found.flows[0].bytes.si(), 2 * 7.0 / 8 * kGiB.si(), 1e3);
  EXPECT_NEAR(found.flows[1].bytes.si(), 2 * 3.0 / 4 * kGiB.si() / 8, 1e3);
}

TEST(NcclHierarchical, EntersTheChoiceOnlyWhenSwitchedOn) {
  const std::string links =
      "scale_up: {use: communication/nvlink4}\nscale_out: {use: communication/infiniband-ndr}\n";
  const auto plain = nccl(links);
  const auto on = nccl(links + "hierarchical: true\n");
  const auto pinned = nccl(links + "algorithm: hierarchical\n");
  bool taken = false;
  for (const int servers : {2, 64, 1024}) {
    for (double bytes = 1024; bytes < 1e10; bytes *= 16) {
      for (const CollectiveKind kind : {AllReduce, AllGather, ReduceScatter}) {
        const GroupLayout layout = h100_ndr(servers, 8);
        const CollectiveCost without = cost(*plain, kind, Bytes(bytes), layout);
        const CollectiveCost with = cost(*on, kind, Bytes(bytes), layout);
        const CollectiveCost only = cost(*pinned, kind, Bytes(bytes), layout);
        EXPECT_NE(without.algorithm, "hierarchical");
        EXPECT_EQ(with.time(), min(without.time(), only.time()));
        taken = taken || with.algorithm == "hierarchical";
      }
    }
  }
  EXPECT_TRUE(taken);
}

CollectiveCost exchange(const CollectiveModel& model, const GroupLayout& layout, double unique) {
  return model.cost({.kind = AllToAll, .bytes = kGiB, .layout = layout, .unique_between = unique});
}

TEST(NcclAllToAll, SendsUniqueBytesOnceToEveryServer) {
  const auto model = nccl(ideal("all_to_all: hierarchical"));
  const GroupLayout layout = cluster(4, 8, 300, 8, 25);
  // 24 of 32 parts leave the server; all that arrives, and the server's own, is handed on to seven.
  expect_seconds(exchange(*model, layout, 1), 24.0 / 32 * seconds(kGiB, 25));
  expect_seconds(exchange(*model, layout, 0.25), 0.25 * 24.0 / 32 * seconds(kGiB, 25));
  expect_seconds(exchange(*model, layout, 0.05), 7.0 / 8 * seconds(kGiB, 300));
  EXPECT_EQ(exchange(*model, layout, 1).algorithm, "hierarchical");
  // Pairs repeat every byte.
  const auto pairs = nccl(ideal(""));
  expect_seconds(exchange(*pairs, layout, 0.25), 24.0 / 32 * seconds(kGiB, 25));
}

TEST(NcclAllToAll, TakesTheFasterWayIfFree) {
  const std::string links =
      "scale_up: {use: communication/nvlink4}\nscale_out: {use: communication/infiniband-ndr}\n";
  const auto free = nccl(links + "all_to_all: auto\n");
  const auto pairs = nccl(links);
  const auto through = nccl(links + "all_to_all: hierarchical\n");
  for (const double unique : {0.2, 1.0}) {
    const GroupLayout layout = h100_ndr(8, 8);
    EXPECT_EQ(
        exchange(*free, layout, unique).time(),
        min(exchange(*pairs, layout, unique).time(), exchange(*through, layout, unique).time()));
  }
  // One rank a server has nobody to hand on to.
  EXPECT_EQ(exchange(*through, h100_ndr(8, 1), 1).time(),
            exchange(*pairs, h100_ndr(8, 1), 1).time());
}

TEST(NcclAllToAll, UsesWhatTheFabricGivesAllPairs) {
  const auto model = nccl(ideal(""));
  GroupLayout layout = cluster(4, 1, 300, 8, 25);
  layout.between.to_all = orrery::test::links(2, gigabytes_per_second(5));
  const CollectiveCost exchanged = cost(*model, AllToAll, kGiB, layout);
  expect_seconds(exchanged, 3.0 / 4 * seconds(kGiB, 5));
  // What it moves fills these links and no more.
  ASSERT_EQ(exchanged.flows.size(), 1U);
  EXPECT_EQ(exchanged.flows[0].uses, layout.between.to_all.uses);
  EXPECT_NEAR(exchanged.flows[0].bytes / exchanged.transfer / gigabytes_per_second(5), 1,
              kTolerance);
  expect_seconds(cost(*model, SendRecv, kGiB, layout), seconds(kGiB, 25));
}

TEST(NcclScale, IsNeverFasterThanTheLinks) {
  const std::string links =
      "scale_up: {use: communication/nvlink4}\nscale_out: {use: communication/infiniband-ndr}\n"
      "hierarchical: true\npat: true\n";
  const auto model = nccl(links);
  for (const int per_server : {1, 8}) {
    for (int servers = 2; servers * per_server <= 65536; servers *= 2) {
      for (double bytes = 8; bytes <= 1e10; bytes *= 10) {
        const GroupLayout layout = h100_ndr(servers, per_server);
        const double apart = (servers - 1.0) / servers;
        const double pass = seconds(Bytes(bytes), 50.0 * per_server);
        const auto time = [&](CollectiveKind kind, const GroupLayout& group) {
          return cost(*model, kind, Bytes(bytes), group).time().si();
        };
        EXPECT_GT(time(AllReduce, layout), 2 * apart * pass);
        EXPECT_GT(time(AllGather, layout), apart * pass);
        EXPECT_GT(time(ReduceScatter, layout), apart * pass);
        EXPECT_GT(time(AllToAll, layout), apart * seconds(Bytes(bytes), 50.0));
        EXPECT_GT(time(AllReduce, sharp(layout)), pass);
        EXPECT_LE(time(AllReduce, sharp(layout)), time(AllReduce, layout));
      }
    }
  }
}

TEST(NcclScale, HasARingOfLinearAndATreeOfLogarithmicLatency) {
  const auto ring = nccl(ideal("algorithm: ring\nprotocol: simple", "1e-18 s", "1 us"));
  const auto tree = nccl(ideal("algorithm: tree\nprotocol: simple", "1e-18 s", "1 us"));
  for (int log = 1; log <= 16; ++log) {
    const int servers = 1 << log;
    const GroupLayout rail = cluster(servers, 1, 300, 8, 25);
    // 1 % for the pipeline's fill.
    EXPECT_NEAR(cost(*ring, AllReduce, Bytes(8.0), rail).latency.si(), 2e-6 * (servers - 1),
                2e-8 * servers);
    EXPECT_NEAR(cost(*tree, AllReduce, Bytes(8.0), rail).latency.si(), 2e-6 * log, 2e-8 * log);
  }
}

TEST(NcclScale, GrowsWithTheGroup) {
  const auto model = nccl(
      "scale_up: {use: communication/nvlink4}\nscale_out: {use: communication/infiniband-ndr}\n"
      "protocol: simple\n");
  for (const CollectiveKind kind : {AllReduce, AllGather, ReduceScatter, AllToAll}) {
    double before = 0;
    for (int servers = 2; servers <= 8192; servers *= 2) {
      const double now = cost(*model, kind, kGiB, h100_ndr(servers, 8)).time().si();
      EXPECT_GT(now, before) << to_text(kind) << " on " << servers;
      before = now;
    }
  }
}

TEST(NcclPins, FallBackToTheRing) {
  const std::string links =
      "scale_up: {use: communication/nvlink4}\nscale_out: {use: communication/infiniband-ndr}\n";
  const auto found = [&](const std::string& pin, CollectiveKind kind, const GroupLayout& layout) {
    return cost(*nccl(links + "algorithm: " + pin + "\n"), kind, kMiB, layout).algorithm;
  };
  EXPECT_EQ(found("nvls_tree", AllReduce, h100_ndr(4, 8)), "nvls_tree");
  EXPECT_EQ(found("nvls_tree", AllReduce, h100(8)), "ring");
  EXPECT_EQ(found("collnet", AllReduce, h100_ndr(4, 8)), "ring");  // no SHARP in the fabric
  EXPECT_EQ(found("collnet", Broadcast, sharp(h100_ndr(4, 8))), "ring");
  EXPECT_EQ(found("hierarchical", AllReduce, h100(8)), "ring");
  EXPECT_EQ(found("hierarchical", AllReduce, h100_ndr(4, 1)), "ring");
  EXPECT_EQ(found("pat", AllGather, h100_ndr(4, 1)), "pat");
  EXPECT_EQ(found("pat", AllGather, h100_ndr(4, 8)), "ring");
  EXPECT_THROW((void)nccl(links + "algorithm: collnet\nprotocol: ll\n"), ConfigError);
}

}  // namespace
}  // namespace orrery::collective::test
