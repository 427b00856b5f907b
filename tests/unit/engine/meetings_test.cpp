// Collectives that several represented ranks take part in.
#include <gtest/gtest.h>

#include <orrery/error.hpp>

#include "unit/engine/support.hpp"

namespace orrery::engine_test {
namespace {

constexpr double kRounding = 1e-12;

TEST(Meetings, StartWithTheLastAndEndTogether) {
  // Rank 0 comes at 1, rank 1 at 5: 2 s later both go on.
  Bench bench(2);
  for (const std::uint32_t rank : {0U, 1U}) {
    bench.compute(rank == 0 ? 1 : 5, rank);
    bench.program.meet(bench.collective(timed(1.5, 0.5), Stream::Compute, Tile::TensorComm, rank),
                       0);
    bench.compute(rank == 0 ? 1 : 2, rank);
  }
  const StepResult result = bench.run();
  EXPECT_NEAR(result.step_time.si(), 5 + 2 + 2, kRounding);
  EXPECT_NEAR(seconds(result.rank_tiles[0], Tile::TensorComm), 7 - 1, kRounding);
  EXPECT_NEAR(seconds(result.rank_tiles[0], Tile::Compute), 2, kRounding);
  EXPECT_NEAR(seconds(result.rank_tiles[0], Tile::Bubble), 1, kRounding);
  EXPECT_NEAR(seconds(result.rank_tiles[1], Tile::TensorComm), 2, kRounding);
  EXPECT_NEAR(result.critical_path.si(), 9, kRounding);
}

TEST(Meetings, EndWithTheSlowestMember) {
  // The same collective over links of which those of rank 1 are slower.
  Bench bench(2);
  for (const std::uint32_t rank : {0U, 1U}) {
    bench.program.meet(
        bench.collective(timed(rank == 0 ? 1 : 4), Stream::Compute, Tile::DataComm, rank), 0);
    bench.compute(1, rank);
  }
  const StepResult result = bench.run();
  EXPECT_NEAR(result.step_time.si(), 5, kRounding);
  for (const Tiles& tiles : result.rank_tiles) {
    EXPECT_NEAR(seconds(tiles, Tile::DataComm), 4, kRounding);
    EXPECT_NEAR(seconds(tiles, Tile::Bubble), 0, kRounding);
  }
}

TEST(Meetings, WhoWaitsHoldsItsMultiprocessors) {
  // Rank 0 waits from 0 to 4 with half of its multiprocessors, and communicates to 5: 2.5 s of its
  // kernel are done, 3.5 s remain. Rank 1 loses half from 4 to 5.
  Bench bench(2);
  bench.compute(6, 0);
  bench.program.meet(bench.collective(timed(1, 0, 50), Stream::DataComm, Tile::DataComm, 0), 0);
  const auto first = bench.compute(4, 1);
  bench.compute(4, 1);
  bench.program.meet(
      bench.collective(timed(1, 0, 50), Stream::DataComm, Tile::DataComm, 1, {first}), 0);
  const StepResult result = bench.run();
  EXPECT_NEAR(seconds(result.rank_tiles[0], Tile::Compute), 5 + 3.5, kRounding);
  EXPECT_NEAR(seconds(result.rank_tiles[1], Tile::Compute), 4 + 1 + 3.5, kRounding);
}

TEST(Meetings, OfManyRanksPaceThem) {
  // Rank r takes 1 + r s a round; every round lasts as long as that of the last, and 1 s more.
  constexpr int kRanks = 4, kRounds = 3;
  Bench bench(kRanks);
  for (int round = 0; round < kRounds; ++round) {
    for (std::uint32_t rank = 0; rank < kRanks; ++rank) {
      bench.compute(1 + rank, rank);
      bench.program.meet(bench.collective(timed(1), Stream::Compute, Tile::TensorComm, rank),
                         round);
    }
  }
  const StepResult result = bench.run();
  EXPECT_NEAR(result.step_time.si(), kRounds * (kRanks + 1), kRounding);
  EXPECT_NEAR(result.critical_path.si(), kRounds * (kRanks + 1), kRounding);
  for (std::uint32_t rank = 0; rank < kRanks; ++rank) {
    EXPECT_NEAR(seconds(result.rank_tiles[rank], Tile::Compute), kRounds * (1 + rank), kRounding);
    EXPECT_NEAR(seconds(result.rank_tiles[rank], Tile::TensorComm), kRounds * (kRanks - rank),
                kRounding);
  }
}

TEST(Meetings, OnASideStreamDoNotHoldCompute) {
  Bench bench(2);
  bench.compute(1, 0);
  bench.program.meet(bench.collective(timed(2), Stream::DataComm, Tile::DataComm, 0), 0);
  const auto late = bench.compute(7, 1);
  bench.program.meet(bench.collective(timed(2), Stream::DataComm, Tile::DataComm, 1, {late}), 0);
  const StepResult result = bench.run();
  EXPECT_NEAR(result.step_time.si(), 9, kRounding);
  EXPECT_NEAR(seconds(result.rank_tiles[0], Tile::Compute), 1, kRounding);
  EXPECT_NEAR(seconds(result.rank_tiles[0], Tile::DataComm), 8, kRounding);  // nothing else to do
}

TEST(Meetings, EndLaterForAllWhenOneOfThemSharesItsLinks) {
  // 20 B at 10 B/s. After 1 s another 10 B come on rank 1: 5 B/s each, until 3 s.
  Bench bench(3);
  CollectiveCost met = timed(2), alone = timed(1);
  met.flows = {within(20)};
  alone.flows = {within(10)};
  for (const std::uint32_t rank : {0U, 1U, 2U}) {
    bench.program.meet(bench.collective(met, Stream::DataComm, Tile::DataComm, rank), 0);
  }
  const auto first = bench.compute(1, 1);
  bench.collective(alone, Stream::TensorComm, Tile::TensorComm, 1, {first});
  const StepResult result = bench.run();
  EXPECT_NEAR(result.step_time.si(), 3, kRounding);
  EXPECT_NEAR(seconds(result.rank_tiles[0], Tile::DataComm), 3, kRounding);
  EXPECT_NEAR(seconds(result.rank_tiles[2], Tile::DataComm), 3, kRounding);
}

TEST(Meetings, InTwoOrdersOnOneStreamNeverEnd) {
  // Rank 0 comes to meeting 0 first, rank 1 to meeting 1.
  Bench bench(2);
  for (const std::uint32_t rank : {0U, 1U}) {
    const auto first = bench.collective(timed(1), Stream::DataComm, Tile::DataComm, rank);
    const auto second = bench.collective(timed(1), Stream::DataComm, Tile::DataComm, rank);
    bench.program.meet(rank == 0 ? first : second, 0);
    bench.program.meet(rank == 0 ? second : first, 1);
  }
  try {
    (void)bench.run();
    FAIL() << "no exception";
  } catch (const SimulationError& error) {
    EXPECT_STREQ(error.what(),
                 "the step cannot end: 4 of 4 operations wait for one another; the first is "
                 "operation 0 (data_comm) of represented rank 0");
  }
}

TEST(Meetings, InTwoOrdersOnStreamsOfTheirOwnEnd) {
  // The same side by side: both come to both.
  Bench bench(2);
  for (const std::uint32_t rank : {0U, 1U}) {
    const auto data = bench.collective(timed(1), Stream::DataComm, Tile::DataComm, rank);
    const auto parameters = bench.collective(timed(1), Stream::ParamComm, Tile::DataComm, rank);
    bench.program.meet(rank == 0 ? data : parameters, rank == 0 ? 0 : 1);
    bench.program.meet(rank == 0 ? parameters : data, rank == 0 ? 1 : 0);
  }
  EXPECT_NEAR(bench.run().step_time.si(), 1, kRounding);
}

}  // namespace
}  // namespace orrery::engine_test
