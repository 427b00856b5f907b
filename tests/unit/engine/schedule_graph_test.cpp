#include "engine/schedule_graph.hpp"

#include <gtest/gtest.h>

namespace orrery {
namespace {

std::vector<std::uint32_t> started_by(ScheduleGraph& graph, std::uint32_t op) {
  std::vector<std::uint32_t> started;
  graph.complete(op, [&](std::uint32_t next) { started.push_back(next); });
  return started;
}

using Ops = std::vector<std::uint32_t>;

TEST(ScheduleGraph, OpsOfOneStreamFollowOneAnother) {
  Program program;
  for (int i = 0; i < 3; ++i) program.add({});
  ScheduleGraph graph(program);
  EXPECT_TRUE(graph.ready(0));
  EXPECT_FALSE(graph.ready(1));
  EXPECT_EQ(started_by(graph, 0), (Ops{1}));
  EXPECT_EQ(started_by(graph, 1), (Ops{2}));
  EXPECT_EQ(started_by(graph, 2), (Ops{}));
}

TEST(ScheduleGraph, StreamsAndRanksRunSideBySide) {
  Program program;
  program.ranks = 2;
  program.add({.stream = Stream::Compute, .rank = 0});
  program.add({.stream = Stream::DataComm, .rank = 0});
  program.add({.stream = Stream::Compute, .rank = 1});
  const ScheduleGraph graph(program);
  for (std::uint32_t op = 0; op < 3; ++op) EXPECT_TRUE(graph.ready(op)) << op;
}

TEST(ScheduleGraph, AnOpWaitsForAllItsDependencies) {
  Program program;
  program.ranks = 3;
  const auto a = program.add({.rank = 0});
  const auto b = program.add({.rank = 1});
  const auto c = program.add({.rank = 2}, {a, b});
  ScheduleGraph graph(program);
  EXPECT_EQ(started_by(graph, b), (Ops{}));
  EXPECT_EQ(started_by(graph, a), (Ops{c}));
}

TEST(ScheduleGraph, SuccessorsComeInOrderOfCreation) {
  Program program;
  program.ranks = 4;
  const auto first = program.add({.rank = 0});
  const auto x = program.add({.rank = 1});
  const auto y = program.add({.rank = 2});
  const auto z = program.add({.rank = 3});
  for (const auto op : {z, x, y}) program.add_dependency(op, first);
  ScheduleGraph graph(program);
  EXPECT_EQ(Ops(graph.successors(first).begin(), graph.successors(first).end()), (Ops{x, y, z}));
  EXPECT_EQ(started_by(graph, first), (Ops{x, y, z}));
}

TEST(ScheduleGraph, ADependencyMayBeGivenTwiceOrBesideTheStreamsOrder) {
  Program program;
  const auto a = program.add({});
  const auto b = program.add({}, {a, a});
  ScheduleGraph graph(program);
  EXPECT_FALSE(graph.ready(b));
  EXPECT_EQ(started_by(graph, a), (Ops{b}));
}

TEST(ScheduleGraph, ADependencyMayBeOnALaterOp) {
  Program program;
  program.ranks = 2;
  const auto early = program.add({.rank = 0});
  const auto late = program.add({.rank = 1});
  program.add_dependency(early, late);
  ScheduleGraph graph(program);
  EXPECT_FALSE(graph.ready(early));
  EXPECT_EQ(started_by(graph, late), (Ops{early}));
}

}  // namespace
}  // namespace orrery
