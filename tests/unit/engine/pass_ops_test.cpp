// Routines of a few steps, and by hand the operations and waits that they stand for.
#include "engine/pass_ops.hpp"

#include <set>

#include <gtest/gtest.h>

#include "unit/engine/outline_support.hpp"

namespace orrery::engine_test {
namespace {

using Edges = std::set<std::pair<std::uint32_t, std::uint32_t>>;  // operation, before
using List = std::vector<std::uint32_t>;

// Of one operation on another of the pass, the order of streams included.
Edges edges_of(const PassOps& ops) {
  Edges edges;
  for (std::uint32_t op = 0; op < ops.size(); ++op) {
    for (const std::uint32_t next : ops.successors(op)) edges.emplace(next, op);
  }
  return edges;
}

List works(const PassOps& ops) {
  List result;
  for (const Op& op : ops.ops()) result.push_back(op.work);
  return result;
}

PassOps ops_of(OutlineBench& bench, std::vector<Step> steps, Pass pass = {}) {
  pass.routine = bench.add(std::move(steps));
  return {bench.outline, pass};
}

const CollectiveCost kMessage = timed(1);

TEST(PassOps, AreTheStepsInOrder) {
  OutlineBench bench;
  const PassOps ops = ops_of(bench, {bench.compute(1), bench.host(2), bench.compute(3)});
  ASSERT_EQ(ops.size(), 3U);
  EXPECT_EQ(ops.ops()[0].kind, Op::Kind::Compute);
  EXPECT_EQ(ops.ops()[1].kind, Op::Kind::Host);
  EXPECT_EQ(works(ops), (List{0, 0, 1}));
  EXPECT_EQ(edges_of(ops), (Edges{{1, 0}, {2, 1}}));
  EXPECT_EQ(ops.gates(), (List{0}));
  EXPECT_EQ(ops.entries(), (List{}));
  EXPECT_EQ(ops.output(), 2U);
  EXPECT_EQ(ops.own(), 3U);
}

TEST(PassOps, StepsWaitForTheStepsThatTheyName) {
  // 0 compute, 1 beside after 0, 2 compute, 3 beside, 4 compute after 1 and 3.
  OutlineBench bench;
  const PassOps ops = ops_of(
      bench, {bench.compute(1), bench.collective(kMessage, Stream::DataComm, Tile::DataComm, {0}),
              bench.compute(1), bench.collective(kMessage, Stream::ParamComm, Tile::DataComm),
              bench.compute(1, {1, 3})});
  EXPECT_EQ(edges_of(ops), (Edges{{1, 0}, {2, 0}, {4, 1}, {4, 2}, {4, 3}}));
  EXPECT_EQ(ops.waits(4), 3U);
  EXPECT_EQ(ops.ops()[1].stream, Stream::DataComm);
  EXPECT_EQ(ops.ops()[1].tile, Tile::DataComm);
  EXPECT_EQ(ops.first(Stream::ParamComm), 3U);
  EXPECT_EQ(ops.last(Stream::Compute), 4U);
  EXPECT_EQ(ops.first(Stream::Send), PassOps::kNone);
}

TEST(PassOps, ACallIsRepeated) {
  OutlineBench bench;
  const auto layer =
      bench.add({bench.compute(1), bench.collective(kMessage, Stream::Compute, Tile::TensorComm)});
  const PassOps ops =
      ops_of(bench, {bench.compute(1), OutlineBench::run(layer, 3), bench.compute(1)});
  // Blocks: 0 of the layer, 1 and 2 of the chunk.
  EXPECT_EQ(works(ops), (List{1, 0, 0, 0, 0, 0, 0, 2}));
}

TEST(PassOps, WhoWaitsForACallWaitsForItsLastRun) {
  OutlineBench bench;
  const auto layer = bench.add({bench.compute(1)});
  const PassOps ops =
      ops_of(bench, {OutlineBench::run(layer, 3),
                     bench.collective(kMessage, Stream::DataComm, Tile::DataComm, {0})});
  EXPECT_EQ(edges_of(ops), (Edges{{1, 0}, {2, 1}, {3, 2}}));
}

TEST(PassOps, ACallThatWaitsWaitsWithItsFirstRun) {
  OutlineBench bench;
  const auto layer = bench.add({bench.compute(1)});
  const PassOps ops = ops_of(bench, {bench.collective(kMessage, Stream::DataComm, Tile::DataComm),
                                     bench.compute(1), OutlineBench::run(layer, 2, {0})});
  EXPECT_EQ(edges_of(ops), (Edges{{2, 0}, {2, 1}, {3, 2}}));
}

TEST(PassOps, EntryIsWhatRanBeforeTheRoutine) {
  // The layer's communication starts with its compute: after the embedding, then after the layer
  // before.
  OutlineBench bench;
  const auto layer =
      bench.add({bench.collective(kMessage, Stream::TensorComm, Tile::TensorComm, {Step::kEntry}),
                 bench.compute(1), bench.compute(1, {0})});
  const PassOps ops = ops_of(bench, {bench.compute(1), OutlineBench::run(layer, 2)});
  // 0 embedding; 1 comm, 2, 3; 4 comm, 5, 6.
  EXPECT_EQ(edges_of(ops),
            (Edges{{1, 0}, {2, 0}, {3, 1}, {3, 2}, {4, 1}, {4, 3}, {5, 3}, {6, 4}, {6, 5}}));
  EXPECT_EQ(ops.entries(), (List{}));
}

TEST(PassOps, WhatWaitsForThePassBeforeWaitsForWhatThePassWaitsFor) {
  OutlineBench bench;
  const auto layer =
      bench.add({bench.collective(kMessage, Stream::TensorComm, Tile::TensorComm, {Step::kEntry}),
                 bench.compute(1, {0})});
  const PassOps ops = ops_of(
      bench, {bench.collective(kMessage, Stream::DataComm, Tile::DataComm),  // waits for nobody
              bench.collective(kMessage, Stream::ParamComm, Tile::DataComm, {Step::kEntry}),
              OutlineBench::run(layer, 2)});
  // 0 DataComm, 1 ParamComm; 2 comm, 3 compute; 4 comm, 5 compute.
  EXPECT_EQ(ops.entries(), (List{1, 2}));
  EXPECT_EQ(ops.gates(), (List{1, 2, 3}));
  EXPECT_EQ(edges_of(ops), (Edges{{3, 2}, {4, 2}, {4, 3}, {5, 4}, {5, 3}}));
  EXPECT_TRUE(ops.starts_freely(Stream::DataComm));
  EXPECT_FALSE(ops.starts_freely(Stream::ParamComm));
  EXPECT_FALSE(ops.starts_freely(Stream::TensorComm));
}

TEST(PassOps, AMessageFollowsTheLastCompute) {
  OutlineBench bench;
  const auto message = static_cast<std::int32_t>(bench.communication(kMessage));
  for (const Stream stream : {Stream::Send, Stream::Compute}) {
    const PassOps ops = ops_of(
        bench,
        {bench.compute(1), bench.collective(kMessage, Stream::DataComm, Tile::DataComm, {0})},
        {.message = message, .message_stream = stream});
    ASSERT_EQ(ops.size(), 3U);
    EXPECT_EQ(ops.ops()[2].kind, Op::Kind::Collective);
    EXPECT_EQ(ops.ops()[2].stream, stream);
    EXPECT_EQ(ops.ops()[2].tile, Tile::PipelineComm);
    EXPECT_EQ(ops.ops()[2].work, static_cast<std::uint32_t>(message));
    EXPECT_EQ(edges_of(ops), (Edges{{1, 0}, {2, 0}}));
    EXPECT_EQ(ops.output(), 2U);
    EXPECT_EQ(ops.own(), stream == Stream::Send ? 2U : 3U);
    EXPECT_EQ(ops.own_last(), stream == Stream::Send ? 0U : 2U);
  }
}

TEST(PassOps, CountWhatIsIssuedByGroupAndStream) {
  OutlineBench bench;
  const auto met = bench.communication(kMessage, 1);
  const auto other = bench.communication(kMessage, 0);
  const PassOps ops = ops_of(
      bench, {OutlineBench::collective(met, Stream::DataComm, Tile::DataComm), bench.compute(1),
              OutlineBench::collective(met, Stream::Compute, Tile::DataComm),
              OutlineBench::collective(met, Stream::DataComm, Tile::DataComm),
              OutlineBench::collective(other, Stream::DataComm, Tile::DataComm)});
  ASSERT_EQ(ops.issued().size(), 3U);
  for (const PassOps::Issued& issued : ops.issued()) {
    EXPECT_EQ(issued.count, issued.group == 1 && issued.stream == Stream::DataComm ? 2U : 1U);
  }
}

}  // namespace
}  // namespace orrery::engine_test
