// Flows of one collective that ask more of a resource together than there is in its time.
#include <gtest/gtest.h>

#include "unit/engine/outline_support.hpp"

namespace orrery::engine_test {
namespace {

// 10 bytes and 6 bytes in 1 s over one link of 10 B/s, as a ring counts that closes in the server,
// too: alone the collective takes the second that its model says, with events and in closed form,
// and fills the link.
TEST(FlowsOfOneCollective, TakeAloneWhatThereIs) {
  OutlineBench bench;
  CollectiveCost cost = timed(1);
  const ResourceUses link = {{.resource = 7, .per_byte = 1, .capacity = BytesPerSecond(10)}};
  cost.flows = {{.bytes = Bytes(10), .uses = link}, {.bytes = Bytes(6), .uses = link}};
  const std::uint32_t routine =
      bench.add({bench.collective(cost, Stream::Compute, Tile::DataComm)});
  bench.pass({.routine = routine});
  EXPECT_NEAR(bench.estimated(true).step_time.si(), 1, 1e-9);
  EXPECT_NEAR(bench.estimated(false).step_time.si(), 1, 1e-9);
  EXPECT_NEAR(bench.simulated().step_time.si(), 1, 1e-9);
  const CostTable costs = bench.costs(bench.outline);
  double asked = 0;
  for (const LinkFlow& flow : costs.collective(0).flows) {
    for (const ResourceUse& use : flow.uses) asked += flow.bytes.si() * use.per_byte;
  }
  EXPECT_NEAR(asked, 10, 1e-9);
}

// Each alone is as its model says, even where it asks too much: that is the model's mistake, which
// orrery/sdk/conformance.hpp finds.
TEST(FlowsOfOneCollective, AreAsTheirModelSaysWhereTheyShareNothing) {
  OutlineBench bench;
  CollectiveCost cost = timed(1);
  cost.flows = {{.bytes = Bytes(10),
                 .uses = {{.resource = 7, .per_byte = 2, .capacity = BytesPerSecond(10)}}},
                {.bytes = Bytes(6),
                 .uses = {{.resource = 8, .per_byte = 1, .capacity = BytesPerSecond(10)}}}};
  bench.collective(cost, Stream::Compute, Tile::DataComm);
  const CostTable costs = bench.costs(bench.outline);
  EXPECT_EQ(costs.collective(0).flows[0].uses, cost.flows[0].uses);
  EXPECT_EQ(costs.collective(0).flows[1].uses, cost.flows[1].uses);
}

}  // namespace
}  // namespace orrery::engine_test
