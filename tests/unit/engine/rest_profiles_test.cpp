// The rest of a pass at once: what comes of it is what comes of going through every operation.
#include <random>

#include <gtest/gtest.h>

#include "engine/step_exchange.hpp"
#include "unit/engine/outline_support.hpp"

namespace orrery::engine_test {
namespace {

// Starts of a crowd are told apart to 2^-40 s, once a pass.
constexpr double kGrid = 1e-10;

void expect_same(const StepResult& a, const StepResult& b) {
  const double rounding = kGrid * b.step_time.si();
  EXPECT_NEAR(a.step_time.si(), b.step_time.si(), rounding);
  ASSERT_EQ(a.rank_tiles.size(), b.rank_tiles.size());
  for (std::size_t rank = 0; rank < a.rank_tiles.size(); ++rank) {
    for (std::size_t t = 0; t < a.breakdown.size(); ++t) {
      EXPECT_NEAR(a.rank_tiles[rank][t].si(), b.rank_tiles[rank][t].si(), rounding)
          << rank << " " << to_text(static_cast<Tile>(t));
    }
  }
}

double uniform(std::mt19937& random, double low, double high) {
  return std::uniform_real_distribution<double>(low, high)(random);
}

// On a link of 10 B/s in the server or 2 B/s out of it, with some of the multiprocessors and of the
// memory's bandwidth.
CollectiveCost random_cost(std::mt19937& random, double longest) {
  CollectiveCost cost = timed(uniform(random, 0, longest), uniform(random, 0, 0.1),
                              random() % 2 == 0 ? 0 : static_cast<int>(random() % 40));
  const bool inside = random() % 2 == 0;
  cost.flows = {inside ? within(8 * cost.transfer.si()) : between(1.5 * cost.transfer.si())};
  if (random() % 2 == 0) cost.memory = BytesPerSecond(uniform(random, 0, 40));
  return cost;
}

// Layers with blocking communication, beside kernels, and from one layer into the next.
std::uint32_t random_routine(OutlineBench& bench, std::mt19937& random) {
  const auto kernel = [&] {
    return bench.compute(
        Block{gemm(uniform(random, 0, 2)), memory_bound(uniform(random, 0, 1), 2)});
  };
  std::vector<Step> steps{kernel()};
  if (random() % 2 == 0) {
    steps.push_back(
        bench.collective(random_cost(random, 1), Stream::TensorComm, Tile::TensorComm, {0}));
    steps.push_back(kernel());
    Step waits = kernel();
    waits.after = {1};
    steps.push_back(waits);
  }
  if (random() % 3 != 0) {
    steps.push_back(bench.collective(random_cost(random, 1), Stream::Compute, Tile::TensorComm));
  }
  steps.push_back(kernel());
  const auto layer = bench.add(std::move(steps));
  std::vector<Step> all{kernel(),
                        OutlineBench::run(layer, 1 + static_cast<std::uint32_t>(random() % 4))};
  if (random() % 3 == 0) {
    all.push_back(bench.collective(random_cost(random, 2), Stream::DataComm, Tile::DataComm, {1}));
  }
  all.push_back(kernel());
  return bench.add(std::move(all));
}

// A pipeline of pairs of ranks that meet in every collective of a layer (or do not), one of which
// may be slower.
OutlineBench random_pairs(std::uint32_t seed) {
  std::mt19937 random(seed);
  const int stages = 1 + static_cast<int>(random() % 3);
  const bool meet = random() % 3 != 0;
  OutlineBench bench(static_cast<std::size_t>(2 * stages));
  bench.launch_time = Seconds(random() % 2 == 0 ? 0 : uniform(random, 0, 0.4));
  bench.clocks = {1, uniform(random, 0.5, 1)};
  const std::size_t slow = random() % (4 * static_cast<std::size_t>(stages));
  for (std::size_t rank = 0; rank < bench.outline.ranks.size(); ++rank) {
    if (meet) bench.outline.ranks[rank].meetings = {static_cast<std::int32_t>(rank / 2), -1};
    bench.outline.ranks[rank].kind = rank == slow ? 1 : 0;
  }
  Pipeline pipeline{.stages = stages, .microbatches = 3 + static_cast<int>(random() % 6)};
  pipeline.message_stream = random() % 3 == 0 ? Stream::Compute : Stream::Send;
  pipeline.forward = random_routine(bench, random);
  pipeline.backward = random_routine(bench, random);
  pipeline.message = static_cast<std::int32_t>(bench.communication(random_cost(random, 1.5), 1));
  add_passes(bench, pipeline);
  // The second rank of each pair runs what the first does.
  std::vector<Pass> passes;
  for (const Pass& pass : bench.outline.passes) {
    for (const std::int32_t second : {0, 1}) {
      passes.push_back(pass);
      passes.back().rank = 2 * pass.rank + static_cast<std::uint32_t>(second);
      if (pass.after != Pass::kNothing) passes.back().after = 2 * pass.after + second;
    }
  }
  bench.outline.passes = std::move(passes);
  return bench;
}

class RandomPairs : public testing::TestWithParam<std::uint32_t> {};

TEST_P(RandomPairs, AtOnceIsWhatOperationByOperationIs) {
  const OutlineBench bench = random_pairs(GetParam());
  expect_same(bench.estimated(true), bench.estimated(false));
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomPairs, testing::Range(0U, 200U));

// The same so many times over, with nothing between them.
OutlineBench side_by_side(const OutlineBench& one, std::size_t times) {
  OutlineBench all = one;
  const auto ranks = static_cast<std::uint32_t>(one.outline.ranks.size());
  const auto passes = static_cast<std::int32_t>(one.outline.passes.size());
  for (std::uint32_t i = 1; i < times; ++i) {
    for (RepresentedRank rank : one.outline.ranks) {
      for (std::int32_t& number : rank.meetings) {
        if (number >= 0) number += static_cast<std::int32_t>(i * ranks);
      }
      all.outline.ranks.push_back(rank);
    }
    for (Pass pass : one.outline.passes) {
      pass.rank += i * ranks;
      if (pass.after != Pass::kNothing) pass.after += static_cast<std::int32_t>(i) * passes;
      all.outline.passes.push_back(pass);
    }
  }
  return all;
}

// Of many ranks the one that changes first is found otherwise than of a few.
TEST(ManyRanks, AreAsEachReplicaAlone) {
  for (std::uint32_t seed = 0; seed < 30; ++seed) {
    const OutlineBench one = random_pairs(seed);
    const StepResult alone = one.estimated(true);
    const StepResult many = side_by_side(one, 70).estimated(true);
    EXPECT_NEAR(many.step_time / alone.step_time, 1, kGrid);
    const std::size_t ranks = alone.rank_tiles.size();
    for (std::size_t rank = 0; rank < many.rank_tiles.size(); ++rank) {
      for (std::size_t t = 0; t < alone.breakdown.size(); ++t) {
        EXPECT_NEAR(many.rank_tiles[rank][t].si(), alone.rank_tiles[rank % ranks][t].si(),
                    kGrid * alone.step_time.si());
      }
    }
  }
}

TEST(StepExchange, WakesWhoWaitsForAnOutput) {
  Outline outline;
  outline.ranks.resize(3);
  const std::vector<Pass> passes(2);
  StepExchange exchange(outline, passes);
  exchange.wait(2, 1);
  exchange.wait(0, 1);
  exchange.wait(2, 1);  // told once
  std::vector<std::uint32_t> woken;
  exchange.deliver(0, {.end = Seconds(1)});
  exchange.take_woken(woken);
  EXPECT_TRUE(woken.empty());
  exchange.deliver(1, {.end = Seconds(1)});
  exchange.take_woken(woken);
  EXPECT_EQ(woken, (std::vector<std::uint32_t>{0, 2}));
  exchange.take_woken(woken);
  EXPECT_TRUE(woken.empty());
}

TEST(StepExchange, WhoProposesTheSameAgrees) {
  Outline outline;
  outline.ranks.resize(2);
  for (RepresentedRank& rank : outline.ranks) rank.meetings = {0};
  outline.collectives.resize(1);
  Step step;
  step.op.kind = Op::Kind::Collective;
  outline.routines.push_back({.steps = {step, step, step}});
  outline.passes = {{.rank = 0, .routine = 0}, {.rank = 1, .routine = 0}};
  StepExchange exchange(outline);
  const std::int32_t crowd = exchange.together(0, 1);
  EXPECT_EQ(exchange.crowd(crowd), (std::vector<std::uint32_t>{0, 1}));
  EXPECT_EQ(exchange.together(0, 2), StepExchange::kAlone);

  const StepExchange::Proposal same{.crowd = crowd, .routine = 0, .after = 1};
  StepExchange::Proposal other = same;
  other.after = 2;
  for (const auto& second : {same, other, StepExchange::Proposal()}) {
    const std::int32_t meeting = exchange.join(0, 0, Stream::Compute, Seconds(1));
    EXPECT_EQ(exchange.join(1, 0, Stream::Compute, Seconds(2)), meeting);
    exchange.leave(meeting, Seconds(3), same);
    EXPECT_FALSE(exchange.agreed(meeting));
    exchange.leave(meeting, Seconds(3), second);
    EXPECT_EQ(exchange.agreed(meeting), second == same);
  }
}

TEST(StepExchange, AllOfACrowdSkipTheSameMeetings) {
  Outline outline;
  outline.ranks.resize(2);
  for (RepresentedRank& rank : outline.ranks) rank.meetings = {0};
  outline.collectives.resize(1);
  Step step;
  step.op.kind = Op::Kind::Collective;
  outline.routines.push_back({.steps = {step, step, step}});
  outline.passes = {{.rank = 0, .routine = 0}, {.rank = 1, .routine = 0}};
  StepExchange exchange(outline);
  StepExchange::Issued two = exchange.issued(0);
  two[static_cast<std::size_t>(Stream::Compute)] = 2;
  exchange.skip(0, two);
  const std::int32_t third = exchange.join(0, 0, Stream::Compute, Seconds(1));
  EXPECT_LT(exchange.start(third).si(), 0);
  exchange.skip(1, two);
  EXPECT_EQ(exchange.join(1, 0, Stream::Compute, Seconds(4)), third);
  EXPECT_EQ(exchange.start(third), Seconds(4));
}

}  // namespace
}  // namespace orrery::engine_test
