// One represented rank for all that behave alike, and one event for operations that nothing
// touches, change no result.
#include <gtest/gtest.h>

#include "properties/support.hpp"

namespace orrery::properties_test {
namespace {

struct Case {
  std::string name;
  Changes changes;
};

// Every layout on a uniform machine, with a slow device, and with a slow link.
std::vector<Case> cases() {
  const std::vector<Case> machines = {
      {"uniform", {}},
      {"straggler", {{"system.degraded", "[{devices: server1.gpu3, clock: 0.7}]"}}},
      {"hot_position", {{"system.degraded", "[{devices: '*.gpu7', clock: 0.9}]"}}},
      {"slow_link", {{"system.degraded", "[{devices: server2.gpu0, scale_out: 0.5}]"}}},
      {"mixed", {{"system.mixed", "[{servers: 1, server: {use: servers/dgx-a100}}]"}}},
  };
  std::vector<Case> all;
  for (const Layout& layout : layouts()) {
    if (layout.name == "fp8") continue;  // an A100 has no such units
    for (const Case& machine : machines) {
      all.push_back({layout.name + "_" + machine.name, layout.changes + machine.changes});
    }
  }
  return all;
}

class Folding : public testing::TestWithParam<Case> {};

void expect_equal(const Report& a, const Report& b) {
  const double step = b.step.step_time.si();
  EXPECT_NEAR(a.step.step_time.si(), step, 1e-9 * step);
  for (std::size_t t = 0; t < b.step.breakdown.size(); ++t) {
    EXPECT_NEAR(a.step.breakdown[t].si(), b.step.breakdown[t].si(), 1e-9 * step) << t;
  }
}

TEST_P(Folding, GivesWhatEveryRankGives) {
  const Report folded = run(GetParam().changes);
  const Report unfolded = run(GetParam().changes + Changes{{"run.fold", "false"}});
  EXPECT_EQ(unfolded.rank_names.size(), 32U);
  EXPECT_LT(folded.rank_names.size(), unfolded.rank_names.size());
  expect_equal(folded, unfolded);
}

TEST_P(Folding, GivesTheSameOperationByOperation) {
  expect_equal(run(GetParam().changes),
               run(GetParam().changes + Changes{{"run.coalesce", "false"}}));
}

INSTANTIATE_TEST_SUITE_P(Layouts, Folding, testing::ValuesIn(cases()),
                         [](const auto& of) { return of.param.name; });

Changes sixty_four(const std::string& parallelism) {
  return {{"system.servers", "8"}, {"workload.parallelism", parallelism}};
}

TEST(FoldingOf64Ranks, IsExactWithAndWithoutAStraggler) {
  const Changes layout = sixty_four("{tensor: 4, pipeline: 4, sequence: true, sharding: zero1}");
  const Changes slow = {{"system.degraded", "[{devices: server5.gpu2, clock: 0.6}]"}};
  for (const Changes& changes : {layout, layout + slow}) {
    expect_equal(run(changes), run(changes + Changes{{"run.fold", "false"}}));
  }
  EXPECT_EQ(run(layout).rank_names.size(), 4U);  // its stages
  // Of every stage: the straggler's replica and the others; in each the tensor rank of the
  // straggler and its three peers.
  EXPECT_EQ(run(layout + slow).rank_names.size(), 16U);
}

// Twelve ranks share parameters: no multiple of the four of a server.
TEST(FoldingOfThreeServers, IsExactWhateverTheDataRanksAre) {
  const Changes three = {{"system.servers", "3"}, {"workload.global_batch", "96"}};
  const Changes slow = {{"system.degraded", "[{devices: server1.gpu2, clock: 0.6}]"}};
  for (const char* layout :
       {"{tensor: 4, pipeline: 2}", "{pipeline: 2}", "{tensor: 2, pipeline: 2, context: 2}",
        "{tensor: 8}", "{sharding: zero3}", "{sharding: hybrid}", "{tensor: 2, sharding: hybrid}",
        "{tensor: 2, pipeline: 4, interleave: 2, sharding: zero1}"}) {
    const Changes changes = three + Changes{{"workload.parallelism", layout}};
    for (const Changes& machine : {changes, changes + slow}) {
      SCOPED_TRACE(layout);
      expect_equal(run(machine), run(machine + Changes{{"run.fold", "false"}}));
    }
  }
}

TEST(AStraggler, SlowsTheStepByNoMoreThanItsOwnWork) {
  const Changes layout = sixty_four("{tensor: 8, pipeline: 1, sharding: zero1}");
  const double healthy = step_seconds(layout);
  const double slow =
      step_seconds(layout + Changes{{"system.degraded", "[{devices: server0.gpu0, clock: 0.8}]"}});
  EXPECT_GT(slow, 1.05 * healthy);  // most of the step is bound by the clock
  EXPECT_LT(slow, healthy / 0.8);
}

TEST(Coalescing, LeavesATenthOfTheEvents) {
  const Changes layout = sixty_four("{tensor: 4, pipeline: 4, sequence: true, sharding: zero1}") +
                         Changes{{"workload.model.layers", "64"}};
  const Report coalesced = run(layout);
  const Report single = run(layout + Changes{{"run.coalesce", "false"}});
  EXPECT_LT(10 * coalesced.step.events, single.step.events);
}

}  // namespace
}  // namespace orrery::properties_test
