// Outlines of a few steps, and by hand the operations and dependencies that they stand for.
#include <algorithm>
#include <set>

#include <gtest/gtest.h>

#include <orrery/error.hpp>

#include "unit/engine/outline_support.hpp"

namespace orrery::engine_test {
namespace {

using Edges = std::set<std::pair<std::uint32_t, std::uint32_t>>;  // operation, before

Edges edges_of(const Program& program) {
  Edges edges;
  for (const auto& edge : program.edges()) edges.emplace(edge.op, edge.before);
  return edges;
}

std::vector<std::uint32_t> works(const Program& program) {
  std::vector<std::uint32_t> result;
  for (const Op& op : program.ops()) result.push_back(op.work);
  return result;
}

const CollectiveCost kMessage = timed(1);

TEST(Flatten, OneRoutineIsItsStepsInOrder) {
  OutlineBench bench;
  const auto routine = bench.add({bench.compute(1), bench.host(2), bench.compute(3)});
  bench.pass({.routine = routine});
  const Program program = flatten(bench.outline);
  ASSERT_EQ(program.ops().size(), 3U);
  EXPECT_EQ(program.ranks, 1U);
  EXPECT_EQ(program.ops()[0].kind, Op::Kind::Compute);
  EXPECT_EQ(program.ops()[1].kind, Op::Kind::Host);
  EXPECT_EQ(works(program), (std::vector<std::uint32_t>{0, 0, 1}));
  EXPECT_TRUE(program.edges().empty()) << "the order of the stream is enough";
  EXPECT_TRUE(program.instances.empty()) << "nothing is called";
  EXPECT_TRUE(program.meetings.empty());
}

TEST(Flatten, StepsWaitForTheStepsThatTheyName) {
  // 0 compute, 1 beside after 0, 2 compute, 3 beside, 4 compute after 1 and 3.
  OutlineBench bench;
  bench.pass(
      {.routine = bench.add(
           {bench.compute(1), bench.collective(kMessage, Stream::DataComm, Tile::DataComm, {0}),
            bench.compute(1), bench.collective(kMessage, Stream::ParamComm, Tile::DataComm),
            bench.compute(1, {1, 3})})});
  const Program program = flatten(bench.outline);
  EXPECT_EQ(edges_of(program), (Edges{{1, 0}, {4, 1}, {4, 3}}));
  EXPECT_EQ(program.ops()[1].stream, Stream::DataComm);
  EXPECT_EQ(program.ops()[1].tile, Tile::DataComm);
}

TEST(Flatten, ACallIsRepeatedAndEveryRunIsAnInstance) {
  OutlineBench bench;
  const auto layer =
      bench.add({bench.compute(1), bench.collective(kMessage, Stream::Compute, Tile::TensorComm)});
  const auto chunk = bench.add({bench.compute(1), OutlineBench::run(layer, 3), bench.compute(1)});
  bench.pass({.routine = chunk});
  const Program program = flatten(bench.outline);
  // Blocks: 0 of the layer, 1 and 2 of the chunk.
  EXPECT_EQ(works(program), (std::vector<std::uint32_t>{1, 0, 0, 0, 0, 0, 0, 2}));
  ASSERT_EQ(program.instances.size(), 3U);
  for (std::uint32_t i = 0; i < 3; ++i) {
    EXPECT_EQ(program.instances[i].first, 1 + 2 * i);
    EXPECT_EQ(program.instances[i].count, 2U);
    EXPECT_EQ(program.instances[i].routine, layer);
  }
}

TEST(Flatten, WhoWaitsForACallWaitsForItsLastRun) {
  OutlineBench bench;
  const auto layer = bench.add({bench.compute(1)});
  bench.pass(
      {.routine = bench.add({OutlineBench::run(layer, 3),
                             bench.collective(kMessage, Stream::DataComm, Tile::DataComm, {0})})});
  EXPECT_EQ(edges_of(flatten(bench.outline)), (Edges{{3, 2}}));
}

TEST(Flatten, ACallThatWaitsWaitsWithItsFirstRun) {
  OutlineBench bench;
  const auto layer = bench.add({bench.compute(1)});
  bench.pass({.routine = bench.add({bench.collective(kMessage, Stream::DataComm, Tile::DataComm),
                                    bench.compute(1), OutlineBench::run(layer, 2, {0})})});
  EXPECT_EQ(edges_of(flatten(bench.outline)), (Edges{{2, 0}}));
}

TEST(Flatten, EntryIsWhatRanBeforeTheRoutine) {
  // The layer's communication starts with its compute: after the embedding, then after the layer
  // before.
  OutlineBench bench;
  const auto layer =
      bench.add({bench.collective(kMessage, Stream::TensorComm, Tile::TensorComm, {Step::kEntry}),
                 bench.compute(1), bench.compute(1, {0})});
  bench.pass({.routine = bench.add({bench.compute(1), OutlineBench::run(layer, 2)})});
  // 0 embedding; 1 comm, 2, 3; 4 comm, 5, 6.
  EXPECT_EQ(edges_of(flatten(bench.outline)), (Edges{{1, 0}, {3, 1}, {4, 3}, {6, 4}}));
}

TEST(Flatten, EntryOfAPassIsTheLastComputeOfTheOneBefore) {
  OutlineBench bench;
  const auto routine =
      bench.add({bench.collective(kMessage, Stream::DataComm, Tile::DataComm, {Step::kEntry}),
                 bench.compute(1)});
  bench.pass({.routine = routine});
  bench.pass({.routine = routine});
  // Nothing ran before the first.
  EXPECT_EQ(edges_of(flatten(bench.outline)), (Edges{{2, 1}}));
}

TEST(Flatten, APassWaitsForAMessageWithWhatStartsAtItsEntry) {
  OutlineBench bench(2);
  const auto sender = bench.add({bench.compute(1), bench.compute(1)});
  const auto layer =
      bench.add({bench.collective(kMessage, Stream::TensorComm, Tile::TensorComm, {Step::kEntry}),
                 bench.compute(1, {0})});
  const auto receiver =
      bench.add({bench.collective(kMessage, Stream::DataComm, Tile::DataComm),  // waits for nobody
                 bench.collective(kMessage, Stream::ParamComm, Tile::DataComm, {Step::kEntry}),
                 OutlineBench::run(layer, 2)});
  const auto message = static_cast<std::int32_t>(bench.communication(kMessage));
  const auto first = bench.pass(
      {.rank = 0, .routine = sender, .message = message, .message_stream = Stream::Send});
  bench.pass({.rank = 1, .routine = receiver, .after = first});
  const Program program = flatten(bench.outline);
  // 0, 1 sender; 2 message; 3 DataComm, 4 ParamComm; 5 comm, 6 compute; 7 comm, 8 compute.
  ASSERT_EQ(program.ops().size(), 9U);
  EXPECT_EQ(program.ops()[2].kind, Op::Kind::Collective);
  EXPECT_EQ(program.ops()[2].stream, Stream::Send);
  EXPECT_EQ(program.ops()[2].tile, Tile::PipelineComm);
  EXPECT_EQ(program.ops()[2].work, static_cast<std::uint32_t>(message));
  EXPECT_EQ(edges_of(program), (Edges{{2, 1}, {4, 2}, {5, 2}, {6, 5}, {6, 2}, {7, 6}, {8, 7}}));
}

TEST(Flatten, APassWithoutMessageHandsOnItsLastCompute) {
  OutlineBench bench(2);
  const auto routine = bench.add({bench.compute(1), bench.compute(1)});
  const auto first = bench.pass({.rank = 0, .routine = routine});
  bench.pass({.rank = 1, .routine = routine, .after = first});
  EXPECT_EQ(edges_of(flatten(bench.outline)), (Edges{{2, 1}}));
}

TEST(Flatten, APassMayWaitForOneLaterInTheList) {
  OutlineBench bench(2);
  const auto routine = bench.add({bench.compute(1)});
  bench.pass({.rank = 0, .routine = routine, .after = 1});
  bench.pass({.rank = 1, .routine = routine});
  EXPECT_EQ(edges_of(flatten(bench.outline)), (Edges{{0, 1}}));
}

TEST(Flatten, AMessageOnTheComputeStreamHoldsTheNextPass) {
  OutlineBench bench;
  const auto routine =
      bench.add({bench.collective(kMessage, Stream::DataComm, Tile::DataComm, {Step::kEntry}),
                 bench.compute(1)});
  const auto message = static_cast<std::int32_t>(bench.communication(kMessage));
  bench.pass({.routine = routine, .message = message});
  bench.pass({.routine = routine});
  // 0, 1, 2 message on Compute; 3 starts after it.
  EXPECT_EQ(edges_of(flatten(bench.outline)), (Edges{{2, 1}, {3, 2}}));
}

TEST(Flatten, SynchronisesTheHostWithTheFirstCompute) {
  OutlineBench bench;
  const auto routine = bench.add({bench.collective(kMessage, Stream::DataComm, Tile::DataComm),
                                  bench.compute(1), bench.compute(1)});
  bench.pass({.routine = routine});
  bench.pass({.routine = routine, .host_sync = true});
  const Program program = flatten(bench.outline);
  for (std::uint32_t op = 0; op < 6; ++op) EXPECT_EQ(program.ops()[op].host_sync, op == 4) << op;
}

TEST(Flatten, APassThatJoinsWaitsForTheStreamsOfItsRank) {
  OutlineBench bench(2);
  const auto routine = bench.add(
      {bench.compute(1), bench.collective(kMessage, Stream::DataComm, Tile::DataComm, {0}),
       bench.collective(kMessage, Stream::ParamComm, Tile::DataComm, {0})});
  const auto tail = bench.add({bench.compute(1)});
  bench.pass({.rank = 0, .routine = routine});
  bench.pass({.rank = 1, .routine = routine});
  bench.pass({.rank = 0, .routine = tail, .joins = true});
  // 0 to 2 of rank 0, 3 to 5 of rank 1, 6 the tail.
  Edges edges = edges_of(flatten(bench.outline));
  edges.erase({6, 0});  // the order of the stream says it, too
  EXPECT_EQ(edges, (Edges{{1, 0}, {2, 0}, {4, 3}, {5, 3}, {6, 1}, {6, 2}}));
}

TEST(Flatten, NthCollectivesOfAGroupMeet) {
  // Ranks 0 and 1 meet in groups of kind 1, as number 7; rank 2 stands for all of its group.
  OutlineBench bench(3);
  for (const std::size_t rank : {0U, 1U}) bench.outline.ranks[rank].meetings = {-1, 7};
  bench.outline.ranks[2].meetings = {-1, -1};
  const auto met = bench.communication(kMessage, 1);
  const auto alone = bench.communication(kMessage, 0);
  const auto routine =
      bench.add({OutlineBench::collective(met, Stream::DataComm, Tile::DataComm), bench.compute(1),
                 OutlineBench::collective(met, Stream::Compute, Tile::DataComm),
                 OutlineBench::collective(met, Stream::DataComm, Tile::DataComm),
                 OutlineBench::collective(alone, Stream::DataComm, Tile::DataComm)});
  for (const std::uint32_t rank : {0U, 1U, 2U}) bench.pass({.rank = rank, .routine = routine});
  const Program program = flatten(bench.outline);
  ASSERT_EQ(program.meetings.size(), 3U);
  EXPECT_EQ(program.meetings[0], (std::vector<std::uint32_t>{0, 5}));
  EXPECT_EQ(program.meetings[1], (std::vector<std::uint32_t>{2, 7}));  // another stream
  EXPECT_EQ(program.meetings[2], (std::vector<std::uint32_t>{3, 8}));
  for (std::uint32_t op = 0; op < program.ops().size(); ++op) {
    const bool meets = std::any_of(
        program.meetings.begin(), program.meetings.end(),
        [&](const auto& of) { return std::find(of.begin(), of.end(), op) != of.end(); });
    EXPECT_EQ(program.ops()[op].meeting >= 0, meets) << op;
  }
}

TEST(Flatten, MeetingsOfOneKindInOtherGroupsAreApart) {
  OutlineBench bench(4);
  for (std::size_t rank = 0; rank < 4; ++rank) {
    bench.outline.ranks[rank].meetings = {static_cast<std::int32_t>(rank / 2)};
  }
  const auto met = bench.communication(kMessage, 0);
  const auto routine = bench.add(
      {bench.compute(1), OutlineBench::collective(met, Stream::Compute, Tile::TensorComm)});
  for (const std::uint32_t rank : {0U, 1U, 2U, 3U}) bench.pass({.rank = rank, .routine = routine});
  const Program program = flatten(bench.outline);
  ASSERT_EQ(program.meetings.size(), 2U);
  EXPECT_EQ(program.meetings[0], (std::vector<std::uint32_t>{1, 3}));
  EXPECT_EQ(program.meetings[1], (std::vector<std::uint32_t>{5, 7}));
}

TEST(Flatten, KeepsTheRepresentedRanks) {
  OutlineBench bench(2);
  bench.outline.ranks[0] = {.name = "a", .weight = 3, .kind = 1, .meetings = {}};
  bench.pass({.rank = 1, .routine = bench.add({bench.compute(1)})});
  const Program program = flatten(bench.outline);
  EXPECT_EQ(program.ranks, 2U);
  EXPECT_EQ(program.weight(0), 3);
  EXPECT_EQ(program.kind(0), 1);
  EXPECT_EQ(program.kind(1), 0);
  EXPECT_EQ(program.ops()[0].rank, 1U);
}

TEST(Flatten, NeedsEveryMicrobatch) {
  OutlineBench bench;
  bench.pass({.routine = bench.add({bench.compute(1)}), .microbatch = 0});
  bench.outline.microbatches_left_out = 1;
  EXPECT_THROW((void)flatten(bench.outline), InternalError);
}

}  // namespace
}  // namespace orrery::engine_test
