// Shares of a rank's links by hand arithmetic.
#include "engine/rank_traffic.hpp"

#include <gtest/gtest.h>

#include "unit/engine/outline_support.hpp"

namespace orrery::engine_test {
namespace {

constexpr double kRounding = 1e-12;

CollectiveCost moving(LinkFlow flow, double transfer, double latency = 0) {
  CollectiveCost cost = timed(transfer, latency, 5);
  cost.flows = {std::move(flow)};
  cost.memory = BytesPerSecond(3);
  return cost;
}

/// A rank that issues these collectives.
class Rank {
 public:
  explicit Rank(const std::vector<CollectiveCost>& costs) : bench_(bench(costs)) {}

  // Collective `index` begins its latency on a stream.
  void begin(Stream stream, std::uint32_t index, double now = 0) {
    traffic.hold(stream, index, costs_.collective(index));
    traffic.begin(stream, Seconds(now));
  }

 private:
  static OutlineBench bench(const std::vector<CollectiveCost>& costs) {
    OutlineBench result;
    for (const CollectiveCost& cost : costs) {
      (void)result.collective(cost, Stream::DataComm, Tile::DataComm);
    }
    return result;
  }

  OutlineBench bench_;
  CostTable costs_{bench_.costs(bench_.outline)};
  LinkSlots links_{bench_.outline, costs_};

 public:
  RankTraffic traffic{links_};
};

// To the next change, which is at `time`.
void expect_change(RankTraffic& traffic, double time) {
  EXPECT_NEAR(traffic.next().si(), time, kRounding);
  traffic.advance(traffic.next());
}

TEST(RankTraffic, HoldsMultiprocessorsFromTheStartAndMemoryFromTheEndOfTheLatency) {
  Rank rank({moving(within(20), 4, 1)});
  RankTraffic& traffic = rank.traffic;
  rank.begin(Stream::DataComm, 0, 2);
  EXPECT_EQ(traffic.multiprocessors(), 5);
  EXPECT_EQ(traffic.memory(), BytesPerSecond(0));
  expect_change(traffic, 3);
  EXPECT_EQ(traffic.memory(), BytesPerSecond(3));
  expect_change(traffic, 7);
  EXPECT_TRUE(traffic.moved(Stream::DataComm));
  traffic.release(Stream::DataComm);
  EXPECT_EQ(traffic.multiprocessors(), 0);
  EXPECT_EQ(traffic.memory(), BytesPerSecond(0));
  EXPECT_TRUE(traffic.free());
  EXPECT_EQ(traffic.next(), RankTraffic::kNever);
}

TEST(RankTraffic, SharesALinkMaxMin) {
  // 2 B/s, 8 B/s and 10 B/s alone on 10 B/s: the first keeps 2, the others get 4 each until 5 s,
  // when 20 of 24 B and all of 20 B are there; then 8.
  Rank rank({moving(within(20), 2), moving(within(20), 10), moving(within(44), 5.5)});
  RankTraffic& traffic = rank.traffic;
  rank.begin(Stream::Compute, 0);
  rank.begin(Stream::DataComm, 1);
  rank.begin(Stream::TensorComm, 2);
  expect_change(traffic, 0);
  expect_change(traffic, 5);
  EXPECT_TRUE(traffic.moved(Stream::Compute));
  traffic.release(Stream::Compute);
  expect_change(traffic, 5 + (44 - 4 * 5) / 8.0);
  EXPECT_TRUE(traffic.moved(Stream::TensorComm));
  traffic.release(Stream::TensorComm);
  expect_change(traffic, 10);
  EXPECT_TRUE(traffic.moved(Stream::DataComm));
}

TEST(RankTraffic, OverADegradedLinkTakesMoreOfIt) {
  // The first takes 2.5 of the link for each byte: equal rates r with 2.5 r + r = 10 B/s, below the
  // 4 and 8 B/s that they have alone. After 20 / r = 7 s the second is there, the first has 20 B
  // left at 4 B/s.
  const ResourceUses bad{{0, 2.5, BytesPerSecond(10)}}, good{{0, 1, BytesPerSecond(10)}};
  Rank rank({moving({Bytes(40), bad}, 10), moving({Bytes(20), good}, 2.5)});
  RankTraffic& traffic = rank.traffic;
  rank.begin(Stream::Compute, 0);
  rank.begin(Stream::DataComm, 1);
  expect_change(traffic, 0);
  expect_change(traffic, 7);
  EXPECT_TRUE(traffic.moved(Stream::DataComm));
  traffic.release(Stream::DataComm);
  expect_change(traffic, 7 + 20 / 4.0);
  EXPECT_TRUE(traffic.moved(Stream::Compute));
}

TEST(RankTraffic, OverTwoLinksIsHeldUpByTheFuller) {
  // The first takes both links, of 10 and 4 B/s, the others one each: the second link gives 2 B/s
  // to each of its flows, the first what is left, 8, to the other. Equal shares of the first link
  // alone would be 5.
  const ResourceUse wide{0, 1, BytesPerSecond(10)}, narrow{1, 1, BytesPerSecond(4)};
  Rank rank({moving({Bytes(4), {wide, narrow}}, 1), moving({Bytes(8), {wide}}, 0.8),
             moving({Bytes(4), {narrow}}, 1)});
  RankTraffic& traffic = rank.traffic;
  rank.begin(Stream::Compute, 0);
  rank.begin(Stream::DataComm, 1);
  rank.begin(Stream::TensorComm, 2);
  expect_change(traffic, 0);
  expect_change(traffic, 1);
  EXPECT_TRUE(traffic.moved(Stream::DataComm));
  traffic.release(Stream::DataComm);
  expect_change(traffic, 2);
  EXPECT_TRUE(traffic.moved(Stream::Compute));
  EXPECT_TRUE(traffic.moved(Stream::TensorComm));
}

// 10 B/s alone, each, of a link that nobody has named.
TEST(RankTraffic, WithoutResourcesSharesWithNobody) {
  Rank rank({moving({Bytes(20)}, 2), moving({Bytes(20)}, 2), moving(within(20), 2)});
  RankTraffic& traffic = rank.traffic;
  rank.begin(Stream::Compute, 0);
  rank.begin(Stream::DataComm, 1);
  rank.begin(Stream::TensorComm, 2);
  expect_change(traffic, 0);
  expect_change(traffic, 2);
  for (const Stream stream : {Stream::Compute, Stream::DataComm, Stream::TensorComm}) {
    EXPECT_TRUE(traffic.moved(stream));
  }
}

TEST(RankTraffic, LinksAreApart) {
  Rank rank({moving(within(30), 3), moving(between(8), 4)});
  RankTraffic& traffic = rank.traffic;
  rank.begin(Stream::Compute, 0);
  rank.begin(Stream::DataComm, 1);
  expect_change(traffic, 0);
  expect_change(traffic, 3);
  EXPECT_FALSE(traffic.moved(Stream::DataComm));
}

}  // namespace
}  // namespace orrery::engine_test
