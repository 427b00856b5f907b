// What a user of collective.nccl relies on, with the entries of configs/communication.
#include <gtest/gtest.h>

#include "models/collective/nccl_support.hpp"

namespace orrery::collective::test {
namespace {

using enum CollectiveKind;

constexpr CollectiveKind kKinds[] = {AllReduce, AllGather, ReduceScatter, AllToAll, Broadcast};
const std::string kH100 =
    "{scale_up: {use: communication/nvlink4}, scale_out: {use: communication/infiniband-ndr}";

std::string h100(const std::string& pins = "") { return kH100 + pins + "}"; }
GroupLayout h100_node(int ranks) { return test::h100(ranks); }

std::string first_error(const std::string& yaml) {
  try {
    (void)nccl(yaml);
  } catch (const ConfigError& error) {
    return error.messages().front();
  }
  return "";
}

TEST(Nccl, CostsNothingForOneRankOrNoBytes) {
  const auto model = nccl("{}");
  EXPECT_EQ(cost(*model, AllReduce, kGiB, GroupLayout{}).time(), Seconds(0));
  EXPECT_TRUE(cost(*model, AllReduce, kGiB, GroupLayout{}).flows.empty());
  EXPECT_EQ(cost(*model, AllReduce, Bytes(0), h100_node(8)).time(), Seconds(0));
}

TEST(Nccl, EveryPairOfEntriesReadsAndCostsSomething) {
  for (const char* up : {"nvlink3", "nvlink4", "nvlink5", "pcie"}) {
    for (const char* out : {"infiniband-hdr", "infiniband-ndr", "roce", "efa"}) {
      const auto model = nccl(std::string("{scale_up: {use: communication/") + up +
                              "}, scale_out: {use: communication/" + out + "}}");
      for (const CollectiveKind kind : kKinds) {
        for (const GroupLayout& layout : {h100_node(2), h100_ndr(4, 8), h100_ndr(4, 1)}) {
          const CollectiveCost result = cost(*model, kind, kMiB, layout);
          EXPECT_GT(result.latency, Seconds(0));
          EXPECT_GT(result.transfer, Seconds(0));
          EXPECT_GT(result.memory, BytesPerSecond(0));
          EXPECT_GE(result.multiprocessors, 1);
          EXPECT_FALSE(result.flows.empty());
        }
      }
    }
  }
}

TEST(Nccl, LoadsFillTheSlowerLinkAndNoLinkMore) {
  const auto model = nccl(h100());
  for (const CollectiveKind kind : kKinds) {
    for (const GroupLayout& layout : {h100_node(8), h100_ndr(4, 8), h100_ndr(4, 1)}) {
      const CollectiveCost result = cost(*model, kind, kGiB, layout);
      double busiest = 0;
      for (const LinkFlow& flow : result.flows) {
        const bool within = flow.uses == layout.within.ring.uses;
        const GroupLinks& links = within ? layout.within.ring : layout.between.ring;
        EXPECT_EQ(flow.uses, links.uses);
        const double busy = flow.bytes / (result.transfer * links.bandwidth);
        busiest = std::max(busiest, busy);
      }
      EXPECT_NEAR(busiest, 1.0, 1e-12);  // by definition, but for rounding
    }
  }
}

TEST(Nccl, TakesLongerForMoreBytes) {
  // Free choice may take less for more where NCCL changes its mind late, or opens an LL channel.
  const auto pinned = nccl(h100(", algorithm: ring, protocol: simple"));
  for (const CollectiveKind kind : kKinds) {
    for (const GroupLayout& layout : {h100_node(8), h100_ndr(4, 8), h100_ndr(128, 1)}) {
      Seconds last{};
      for (Bytes bytes = kKiB; bytes <= kGiB; bytes *= 1.7) {
        const Seconds time = cost(*pinned, kind, bytes, layout).time();
        EXPECT_GT(time, last) << to_text(kind) << " of " << to_text(bytes);
        last = time;
      }
    }
  }
}

TEST(Nccl, DoublingBandwidthHalvesWhatTheLinksTake) {
  const auto model = nccl(h100(", algorithm: ring, protocol: simple"));
  GroupLayout layout = h100_ndr(16, 1);
  const Seconds slow = cost(*model, SendRecv, kGiB, layout).transfer;
  layout.between.ring.bandwidth *= 2;
  EXPECT_NEAR(cost(*model, SendRecv, kGiB, layout).transfer / slow, 0.5, 1e-12);  // rounding
}

TEST(Nccl, FasterLinksNeverSlowACollectiveWhosePathIsPinned) {
  const auto model = nccl(h100(", algorithm: ring, protocol: simple"));
  GroupLayout slow = h100_ndr(4, 8);
  GroupLayout fast = slow;
  fast.within.ring.bandwidth *= 2;
  fast.between.ring.bandwidth *= 2;
  for (const CollectiveKind kind : kKinds) {
    for (Bytes bytes = kKiB; bytes <= kGiB; bytes *= 8) {
      EXPECT_LE(cost(*model, kind, bytes, fast).time(), cost(*model, kind, bytes, slow).time());
    }
  }
}

TEST(Nccl, TreeBeatsRingForSmallBuffersOnManyServers) {
  const GroupLayout layout = h100_ndr(64, 1);
  const Seconds ring = cost(*nccl(h100(", algorithm: ring")), AllReduce, kMiB, layout).time();
  const Seconds tree = cost(*nccl(h100(", algorithm: tree")), AllReduce, kMiB, layout).time();
  const CollectiveCost free = cost(*nccl(h100()), AllReduce, kMiB, layout);
  EXPECT_LT(tree, ring);
  EXPECT_EQ(free.algorithm, "tree");
  EXPECT_EQ(free.time(), tree);
}

TEST(Nccl, FreeChoiceAcrossServersIsTheFastestPin) {
  for (const Bytes bytes : {kKiB, 64 * kKiB, kMiB, 64 * kMiB, kGiB}) {
    for (const GroupLayout& layout : {h100_ndr(2, 8), h100_ndr(16, 8), h100_ndr(16, 1)}) {
      const Seconds free = cost(*nccl(h100()), AllReduce, bytes, layout).time();
      for (const char* pin : {"algorithm: ring", "algorithm: tree", "protocol: ll",
                              "protocol: ll128", "protocol: simple", "algorithm: nvls"}) {
        const auto pinned = nccl(h100(std::string(", ") + pin));
        EXPECT_LE(free, cost(*pinned, AllReduce, bytes, layout).time()) << pin;
      }
    }
  }
}

TEST(Nccl, AllReduceCostsNoMoreThanItsTwoHalves) {
  const auto model = nccl(h100(", algorithm: ring, protocol: simple"));
  for (const GroupLayout& layout : {h100_node(8), h100_ndr(8, 1)}) {
    for (Bytes bytes = kKiB; bytes <= kGiB; bytes *= 8) {
      const Seconds halves = cost(*model, ReduceScatter, bytes, layout).time() +
                             cost(*model, AllGather, bytes, layout).time();
      EXPECT_GE(halves, cost(*model, AllReduce, bytes, layout).time());
    }
  }
}

TEST(Nccl, OneByteReductionsStayOffTheSwitch) {
  const auto model = nccl(h100());
  EXPECT_EQ(cost(*model, AllReduce, kGiB, h100_node(8)).algorithm, "nvls");
  EXPECT_EQ(cost(*model, AllReduce, kGiB, h100_node(8), Dtype::Int8).algorithm, "ring");
  EXPECT_EQ(cost(*model, AllReduce, kGiB, h100_node(8), Dtype::Fp8).algorithm, "ring");
  EXPECT_EQ(cost(*model, AllGather, kGiB, h100_node(8), Dtype::Fp8).time(),
            cost(*model, AllGather, kGiB, h100_node(8)).time());
  GroupLayout plain = h100_node(8);
  plain.within.in_switch_reduction = false;
  EXPECT_EQ(cost(*model, AllReduce, kGiB, plain).algorithm, "ring");
}

TEST(Nccl, PinsHoldWhereTheyCan) {
  const auto ll = nccl(h100(", protocol: ll"));
  EXPECT_EQ(cost(*ll, AllReduce, kGiB, h100_node(8)).protocol, "ll");
  EXPECT_EQ(cost(*ll, AllGather, kGiB, h100_ndr(4, 8)).protocol, "ll");
  const auto tree = nccl(h100(", algorithm: tree"));
  EXPECT_EQ(cost(*tree, AllReduce, kGiB, h100_node(8)).algorithm, "tree");
  EXPECT_EQ(cost(*tree, AllGather, kMiB, h100_ndr(4, 8)).algorithm, "ring");
  const auto nvls = nccl(h100(", algorithm: nvls"));
  EXPECT_EQ(cost(*nvls, AllReduce, kKiB, h100_node(8)).algorithm, "nvls");
  EXPECT_EQ(cost(*nvls, AllReduce, kKiB, h100_ndr(4, 8)).algorithm, "nvls_tree");
  EXPECT_EQ(cost(*nvls, AllReduce, kKiB, h100_node(4)).algorithm, "ring");
}

TEST(Nccl, PinnedProtocolYieldsToSimpleWhereThePathHasNone) {
  const auto efa = nccl(
      "{scale_up: {use: communication/nvlink3}, scale_out: {use: communication/efa}, protocol: "
      "ll}");
  EXPECT_EQ(cost(*efa, AllReduce, kMiB, cluster(2, 8, 300, 4, 12.5)).protocol, "simple");
  EXPECT_EQ(cost(*efa, AllReduce, kMiB, a100(8)).protocol, "ll");
  const auto pcie = nccl("{scale_up: {use: communication/pcie}, protocol: ll128}");
  EXPECT_EQ(cost(*pcie, AllReduce, kMiB, one_server(8, 32)).protocol, "simple");
}

TEST(Nccl, ReportsMistakesInTheMapWithTheirPlace) {
  EXPECT_NE(first_error("algorithm: rings\n").find("did you mean 'ring'"), std::string::npos);
  EXPECT_EQ(first_error("algorithm: rings\n").rfind("test.yaml:1:12", 0), 0U);
  EXPECT_NE(first_error("scale_out: {use: communication/efa, window: 364 us}").find("window"),
            std::string::npos);
  EXPECT_NE(first_error("scale_out: {use: communication/efa, speed: 3 GB/s}").find("speed"),
            std::string::npos);
  EXPECT_NE(first_error("{algorithm: nvls, protocol: ll}").find("nvls"), std::string::npos);
  EXPECT_NE(first_error("scale_up: {use: communication/nvlink3, channels: 400}").find("64"),
            std::string::npos);
}

TEST(Nccl, NamesTheMissingLinkOfAGroup) {
  const auto model = nccl("scale_up: {use: communication/nvlink4}");
  EXPECT_NO_THROW((void)cost(*model, AllReduce, kMiB, h100_node(8)));
  EXPECT_THROW((void)cost(*model, AllReduce, kMiB, h100_ndr(2, 8)), ConfigError);
  EXPECT_THROW((void)cost(*model, AllReduce, kMiB, one_server(8, 0)), ConfigError);
  EXPECT_THROW((void)cost(*nccl("{}"), AllReduce, kMiB, h100_node(8)), ConfigError);
}

}  // namespace
}  // namespace orrery::collective::test
