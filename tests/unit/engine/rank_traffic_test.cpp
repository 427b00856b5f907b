// Shares of a rank's links by hand arithmetic.
#include "engine/rank_traffic.hpp"

#include <gtest/gtest.h>

#include "unit/engine/support.hpp"

namespace orrery::engine_test {
namespace {

constexpr double kRounding = 1e-12;
constexpr PortRates kPorts = {BytesPerSecond(10), BytesPerSecond(2)};

CollectiveCost on(LinkClass link, double bytes, double transfer, double latency = 0) {
  CollectiveCost cost = timed(transfer, latency, 5);
  cost.loads = {{link, Bytes(bytes)}};
  cost.memory = BytesPerSecond(3);
  return cost;
}

// To the next change, which is at `time`.
void expect_change(RankTraffic& traffic, double time) {
  EXPECT_NEAR(traffic.next().si(), time, kRounding);
  traffic.advance(traffic.next());
}

TEST(RankTraffic, HoldsMultiprocessorsFromTheStartAndMemoryFromTheEndOfTheLatency) {
  const CollectiveCost cost = on(LinkClass::ScaleUp, 20, 4, 1);
  RankTraffic traffic(kPorts);
  traffic.hold(Stream::DataComm, cost);
  traffic.begin(Stream::DataComm, Seconds(2));
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
  const CollectiveCost low = on(LinkClass::ScaleUp, 20, 10),
                       middle = on(LinkClass::ScaleUp, 44, 5.5),
                       high = on(LinkClass::ScaleUp, 20, 2);
  RankTraffic traffic(kPorts);
  const Stream streams[] = {Stream::Compute, Stream::DataComm, Stream::TensorComm};
  const CollectiveCost* costs[] = {&high, &low, &middle};
  for (int i = 0; i < 3; ++i) {
    traffic.hold(streams[i], *costs[i]);
    traffic.begin(streams[i], Seconds(0));
  }
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

TEST(RankTraffic, LinksAreApart) {
  const CollectiveCost up = on(LinkClass::ScaleUp, 30, 3), out = on(LinkClass::ScaleOut, 8, 4);
  RankTraffic traffic(kPorts);
  traffic.hold(Stream::Compute, up);
  traffic.hold(Stream::DataComm, out);
  EXPECT_TRUE(traffic.held(Stream::DataComm));
  traffic.begin(Stream::Compute, Seconds(0));
  traffic.begin(Stream::DataComm, Seconds(0));
  expect_change(traffic, 0);
  expect_change(traffic, 3);
  EXPECT_FALSE(traffic.moved(Stream::DataComm));
}

}  // namespace
}  // namespace orrery::engine_test
