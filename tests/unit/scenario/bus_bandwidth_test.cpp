#include <gtest/gtest.h>

#include "scenario/bus_bandwidth.hpp"

namespace orrery {
namespace {

// nccl-tests, doc/PERFORMANCE.md, for n ranks.
TEST(BusBandwidth, IsThatOfNcclTests) {
  EXPECT_DOUBLE_EQ(bus_factor(CollectiveKind::AllReduce, 8), 2 * 7 / 8.0);
  EXPECT_DOUBLE_EQ(bus_factor(CollectiveKind::AllGather, 8), 7 / 8.0);
  EXPECT_DOUBLE_EQ(bus_factor(CollectiveKind::ReduceScatter, 16), 15 / 16.0);
  EXPECT_DOUBLE_EQ(bus_factor(CollectiveKind::AllToAll, 2), 0.5);
  EXPECT_DOUBLE_EQ(bus_factor(CollectiveKind::Broadcast, 8), 1);
  EXPECT_DOUBLE_EQ(bus_factor(CollectiveKind::SendRecv, 2), 1);
}

}  // namespace
}  // namespace orrery
