#include "engine/schedule.hpp"

#include <gtest/gtest.h>

#include <orrery/error.hpp>

#include "unit/engine/outline_support.hpp"

namespace orrery::engine_test {
namespace {

using List = std::vector<std::uint32_t>;

List list(std::span<const std::uint32_t> numbers) { return {numbers.begin(), numbers.end()}; }

const CollectiveCost kMessage = timed(1);

TEST(Schedule, PassesOfOneRoutineShareTheirOperations) {
  OutlineBench bench(2);
  const auto routine = bench.add({bench.compute(1), bench.compute(2)});
  const auto message = static_cast<std::int32_t>(bench.communication(kMessage));
  for (const std::uint32_t rank : {0U, 1U, 0U}) bench.pass({.rank = rank, .routine = routine});
  bench.pass({.rank = 1, .routine = routine, .message = message});
  bench.pass({.rank = 1, .routine = routine, .host_sync = true});
  const Schedule schedule(bench.outline);
  EXPECT_EQ(&schedule.ops(0), &schedule.ops(1));
  EXPECT_EQ(&schedule.ops(0), &schedule.ops(2));
  EXPECT_NE(&schedule.ops(0), &schedule.ops(3));
  EXPECT_NE(&schedule.ops(0), &schedule.ops(4));
  EXPECT_TRUE(schedule.ops(4).syncs());
  EXPECT_EQ(schedule.operations(), 5U * 2 + 1);
  EXPECT_TRUE(schedule.repeats(0)) << "rank 0 runs it twice";
  EXPECT_FALSE(schedule.repeats(3));
}

TEST(Schedule, KeepsThePassesOfEachRankInOrder) {
  OutlineBench bench(3);
  const auto routine = bench.add({bench.compute(1)});
  for (const std::uint32_t rank : {1U, 0U, 1U, 1U}) bench.pass({.rank = rank, .routine = routine});
  const Schedule schedule(bench.outline);
  EXPECT_EQ(list(schedule.of_rank(0)), (List{1}));
  EXPECT_EQ(list(schedule.of_rank(1)), (List{0, 2, 3}));
  EXPECT_EQ(list(schedule.of_rank(2)), (List{}));
  EXPECT_EQ(schedule.position(3), 2U);
}

TEST(Schedule, KnowsWhoWaitsForWhom) {
  OutlineBench bench(3);
  const auto routine = bench.add({bench.compute(1)});
  bench.pass({.rank = 0, .routine = routine, .after = 2});  // a later one of the list
  bench.pass({.rank = 1, .routine = routine, .after = 2});
  bench.pass({.rank = 2, .routine = routine});
  const Schedule schedule(bench.outline);
  EXPECT_EQ(list(schedule.before(0)), (List{2}));
  EXPECT_EQ(list(schedule.after(2)), (List{0, 1}));
  EXPECT_EQ(list(schedule.after(0)), (List{}));
}

TEST(Schedule, FindsTheNextPassOnAStreamAndWhatMayStartBeforeIts) {
  OutlineBench bench;
  const auto plain = bench.add({bench.compute(1)});
  const auto gathers =
      bench.add({bench.collective(kMessage, Stream::ParamComm, Tile::DataComm), bench.compute(1)});
  for (const auto routine : {plain, gathers, plain, gathers, plain}) {
    bench.pass({.routine = routine});
  }
  bench.pass({.routine = plain, .joins = true});
  const Schedule schedule(bench.outline);
  EXPECT_EQ(schedule.next_on(0, Stream::ParamComm, 0), 1U);
  EXPECT_EQ(schedule.next_on(0, Stream::ParamComm, 2), 3U);
  EXPECT_EQ(schedule.next_on(0, Stream::ParamComm, 4), Schedule::kNone);
  EXPECT_EQ(schedule.free_until(0, Stream::ParamComm), 4U);
  EXPECT_EQ(schedule.free_until(0, Stream::Compute), 0U);
  EXPECT_EQ(list(schedule.joins(0)), (List{5}));
}

TEST(Schedule, NumbersMeetingsByGroupAndCountsWhatTheyIssue) {
  // Ranks 0 and 1 meet in groups of kind 1, as number 1; rank 2 stands for all of its group.
  OutlineBench bench(3);
  for (const std::size_t rank : {0U, 1U}) bench.outline.ranks[rank].meetings = {-1, 1};
  bench.outline.ranks[2].meetings = {-1, -1};
  const auto met = bench.communication(kMessage, 1);
  const auto routine =
      bench.add({OutlineBench::collective(met, Stream::DataComm, Tile::DataComm), bench.compute(1),
                 OutlineBench::collective(met, Stream::Compute, Tile::DataComm)});
  for (const std::uint32_t rank : {0U, 1U, 2U, 0U}) bench.pass({.rank = rank, .routine = routine});
  const Schedule schedule(bench.outline);
  EXPECT_EQ(schedule.meetings(), 2U);
  EXPECT_EQ(schedule.meeting(0, 1), 1);
  EXPECT_EQ(schedule.meeting(2, 1), -1);
  EXPECT_EQ(schedule.meeting(0, 0), -1);
  EXPECT_EQ(schedule.meeting(0, 5), -1) << "a kind of group that nobody meets in";
  EXPECT_EQ(schedule.issued(1, Stream::DataComm), (List{1, 2}));
  EXPECT_EQ(schedule.issued(1, Stream::Compute), (List{1, 2}));
  EXPECT_EQ(schedule.issued(1, Stream::Send), (List{}));
  EXPECT_EQ(schedule.issued(0, Stream::DataComm), (List{}));
}

TEST(Schedule, NeedsEveryMicrobatch) {
  OutlineBench bench;
  bench.pass({.routine = bench.add({bench.compute(1)}), .microbatch = 0});
  bench.outline.microbatches_left_out = 1;
  EXPECT_THROW((void)Schedule(bench.outline), InternalError);
}

}  // namespace
}  // namespace orrery::engine_test
