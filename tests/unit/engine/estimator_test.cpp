// Steps in closed form, against hand arithmetic and against events.
#include "engine/estimator.hpp"

#include <random>

#include <gtest/gtest.h>

#include <orrery/error.hpp>

#include "unit/engine/outline_support.hpp"

namespace orrery::engine_test {
namespace {

// Sums of a few doubles.
constexpr double kRounding = 1e-12;

void expect_tiles_sum_to_step(const StepResult& result) {
  for (const Tiles& tiles : result.rank_tiles) {
    EXPECT_NEAR(sum(tiles), result.step_time.si(), kRounding * result.step_time.si());
    for (const Seconds tile : tiles) EXPECT_GE(tile.si(), -kRounding * result.step_time.si());
  }
  EXPECT_NEAR(sum(result.breakdown), result.step_time.si(), kRounding * result.step_time.si());
}

void expect_equal(const StepResult& a, const StepResult& b, double tolerance = kRounding) {
  const double rounding = tolerance * b.step_time.si();
  EXPECT_NEAR(a.step_time.si(), b.step_time.si(), rounding);
  ASSERT_EQ(a.rank_tiles.size(), b.rank_tiles.size());
  for (std::size_t rank = 0; rank < a.rank_tiles.size(); ++rank) {
    for (std::size_t t = 0; t < a.breakdown.size(); ++t) {
      EXPECT_NEAR(a.rank_tiles[rank][t].si(), b.rank_tiles[rank][t].si(), rounding)
          << rank << " " << to_text(static_cast<Tile>(t));
    }
  }
}

TEST(Estimator, OnePassIsTheSumOfItsRoutine) {
  OutlineBench bench;
  const auto layer = bench.add(
      {bench.compute(2), bench.collective(timed(0.5, 0.25), Stream::Compute, Tile::TensorComm)});
  bench.pass(
      {.routine = bench.add({bench.compute(1), OutlineBench::run(layer, 3), bench.host(0.5)})});
  const StepResult result = bench.estimated();
  EXPECT_NEAR(result.step_time.si(), 1 + 3 * 2.75 + 0.5, kRounding);
  EXPECT_NEAR(seconds(result.breakdown, Tile::Compute), 7, kRounding);
  EXPECT_NEAR(seconds(result.breakdown, Tile::TensorComm), 3 * 0.75, kRounding);
  EXPECT_NEAR(seconds(result.breakdown, Tile::Host), 0.5, kRounding);
  EXPECT_EQ(result.events, 0U);
  expect_equal(result, bench.simulated());
}

OutlineBench one_forward_one_backward(int stages, int microbatches, double forward,
                                      double backward) {
  OutlineBench bench(static_cast<std::size_t>(stages));
  Pipeline pipeline{.stages = stages, .microbatches = microbatches};
  pipeline.forward = bench.add({bench.compute(forward)});
  pipeline.backward = bench.add({bench.compute(backward)});
  add_passes(bench, pipeline);
  return bench;
}

TEST(Estimator, TheBubbleOf1F1BIsThatOfTheFormula) {
  // Narayanan et al., SC21: (p - 1) / m of the work.
  for (const int stages : {1, 2, 4, 7}) {
    for (const int microbatches : {1, 2, 4, 9, 32}) {
      const double both = 1.5 + 2.5;
      const StepResult result =
          one_forward_one_backward(stages, microbatches, 1.5, 2.5).estimated();
      EXPECT_NEAR(result.step_time.si(), (microbatches + stages - 1) * both,
                  kRounding * result.step_time.si());
      for (const Tiles& tiles : result.rank_tiles) {
        EXPECT_NEAR(seconds(tiles, Tile::Bubble), (stages - 1) * both,
                    kRounding * result.step_time.si());
      }
      expect_tiles_sum_to_step(result);
    }
  }
}

// Messages, uneven directions and routines that are made of layers.
OutlineBench pipeline_with_messages(int stages, int microbatches, Stream stream) {
  OutlineBench bench(static_cast<std::size_t>(stages));
  Pipeline pipeline{.stages = stages, .microbatches = microbatches, .message_stream = stream};
  const auto layer = bench.add(
      {bench.compute(0.5), bench.collective(timed(0.25), Stream::Compute, Tile::TensorComm)});
  pipeline.forward = bench.add({OutlineBench::run(layer, 4)});
  pipeline.backward = bench.add({OutlineBench::run(layer, 9)});
  pipeline.message = static_cast<std::int32_t>(bench.communication(timed(0.375, 0.125)));
  add_passes(bench, pipeline);
  return bench;
}

TEST(Estimator, MessagesAreThoseOfTheEvents) {
  for (const Stream stream : {Stream::Compute, Stream::Send}) {
    for (const int stages : {1, 2, 4}) {
      for (const int microbatches : {1, 3, 12}) {
        const OutlineBench bench = pipeline_with_messages(stages, microbatches, stream);
        expect_equal(bench.estimated(), bench.simulated());
        expect_tiles_sum_to_step(bench.estimated());
      }
    }
  }
}

// As the workload does: the last microbatch is the last of those that are shown.
OutlineBench shortened(int stages, int microbatches, int shown, Stream stream) {
  OutlineBench bench = pipeline_with_messages(stages, shown, stream);
  bench.outline.microbatches_left_out = microbatches - shown;
  bench.outline.period = stages;
  return bench;
}

TEST(Estimator, MicrobatchesLeftOutRepeatAPeriod) {
  for (const Stream stream : {Stream::Compute, Stream::Send}) {
    for (const int stages : {1, 2, 4}) {
      for (const int more : {0, 1, 5}) {
        const int microbatches = (3 + more) * stages;
        const StepResult whole = pipeline_with_messages(stages, microbatches, stream).estimated();
        const StepResult result = shortened(stages, microbatches, 3 * stages, stream).estimated();
        expect_equal(result, whole, 1e-10);  // products instead of sums
        expect_tiles_sum_to_step(result);
      }
    }
  }
}

TEST(Estimator, KernelsBesideCommunicationAreSlowedByWhatItTakes) {
  // Half of the multiprocessors for 5 s: 2.5 of 10 s are done.
  OutlineBench bench;
  bench.pass(
      {.routine = bench.add({bench.collective(timed(4, 1, 50), Stream::DataComm, Tile::DataComm),
                             bench.compute(10)})});
  const StepResult result = bench.estimated();
  EXPECT_NEAR(result.step_time.si(), 5 + 7.5, kRounding);
  EXPECT_NEAR(seconds(result.breakdown, Tile::Compute), 12.5, kRounding);
}

TEST(Estimator, MemoryTrafficSlowsWhatNeedsMemory) {
  for (const bool product : {false, true}) {
    OutlineBench bench;
    CollectiveCost cost = timed(4);
    cost.memory = BytesPerSecond(50);
    bench.pass(
        {.routine = bench.add({bench.collective(cost, Stream::DataComm, Tile::DataComm),
                               bench.compute(Block{product ? gemm(10) : memory_bound(10)})})});
    EXPECT_NEAR(bench.estimated().step_time.si(), product ? 10 : 12, kRounding);
  }
}

TEST(Estimator, ABlockIsSlowedAsAWhole) {
  // All along: 6 s of products at half speed, 4 s bound by memory undisturbed.
  OutlineBench bench;
  bench.pass(
      {.routine = bench.add({bench.collective(timed(100, 0, 50), Stream::DataComm, Tile::DataComm),
                             bench.compute(Block{gemm(6), memory_bound(4)})})});
  EXPECT_NEAR(seconds(bench.estimated().breakdown, Tile::Compute), 16, kRounding);
}

TEST(Estimator, CommunicationOnOneStreamComesInOrderAndKernelsLoseToAll) {
  // As Executor.ComputeLosesToEveryCommunicationKernel: 0 to 2 at 3/4, 2 to 5 at 1/4, 5 to 6 at
  // 1/2.
  OutlineBench bench;
  bench.pass({.routine = bench.add(
                  {bench.collective(timed(2, 0, 25), Stream::DataComm, Tile::DataComm),
                   bench.collective(timed(4, 0, 50), Stream::ParamComm, Tile::DataComm, {0}),
                   bench.collective(timed(3, 0, 25), Stream::DataComm, Tile::DataComm),
                   bench.compute(10)})});
  EXPECT_NEAR(bench.estimated().step_time.si(), 6 + (10 - 1.5 - 0.75 - 0.5), kRounding);
}

TEST(Estimator, BlockingCommunicationSharesItsLink) {
  // 30 B each on a link of 10 B/s, of which either gets half: both end at 6 s.
  OutlineBench bench;
  CollectiveCost beside = timed(4, 0, 10), blocking = timed(3);
  beside.flows = blocking.flows = {within(30)};
  bench.pass(
      {.routine = bench.add({bench.collective(beside, Stream::DataComm, Tile::DataComm),
                             bench.collective(blocking, Stream::Compute, Tile::TensorComm)})});
  EXPECT_NEAR(seconds(bench.estimated().breakdown, Tile::TensorComm), 6, kRounding);
  expect_equal(bench.estimated(), bench.simulated());
}

TEST(Estimator, CommunicationIsSharedFromTheEndOfItsLatency) {
  // Blocking from 0, 20 B at 10 B/s; beside from 1, after 1 s of latency, 30 B at 6 B/s. 0 to 1:
  // 10 B. Then half of the link each: the blocking one ends at 3. Beside: 10 B by then, 20 B more.
  OutlineBench bench;
  CollectiveCost blocking = timed(2), beside = timed(5, 1);
  blocking.flows = {within(20)};
  beside.flows = {within(30)};
  bench.pass({.routine = bench.add({bench.collective(beside, Stream::DataComm, Tile::DataComm),
                                    bench.collective(blocking, Stream::Compute, Tile::TensorComm),
                                    bench.compute(1)})});
  const StepResult result = bench.estimated();
  EXPECT_NEAR(result.step_time.si(), 3 + 20 / 6.0, kRounding);
  EXPECT_NEAR(seconds(result.breakdown, Tile::TensorComm), 3, kRounding);
  expect_equal(result, bench.simulated());
}

TEST(Estimator, AWaitGoesToTheTileOfWhatIsAwaited) {
  // Ends at 3, at 6; compute from 0 to 1, 3 to 5, 6 to 7.
  for (const bool entry : {false, true}) {  // with Step::kEntry the routine is one block
    const std::vector<std::uint32_t> after =
        entry ? std::vector<std::uint32_t>{Step::kEntry} : std::vector<std::uint32_t>{};
    OutlineBench bench;
    bench.pass({.routine = bench.add(
                    {bench.collective(timed(3), Stream::DataComm, Tile::DataComm, after),
                     bench.collective(timed(6), Stream::TensorComm, Tile::ContextComm, after),
                     bench.compute(1), bench.compute(2, {0}), bench.compute(1, {1})})});
    const StepResult result = bench.estimated();
    EXPECT_NEAR(result.step_time.si(), 7, kRounding);
    EXPECT_NEAR(seconds(result.breakdown, Tile::Compute), 4, kRounding);
    EXPECT_NEAR(seconds(result.breakdown, Tile::DataComm), 2, kRounding);
    EXPECT_NEAR(seconds(result.breakdown, Tile::ContextComm), 1, kRounding);
    expect_equal(result, bench.simulated());
  }
}

TEST(Estimator, APassThatJoinsWaitsForWhatIsUnderWay) {
  // Beside from 1 to 5; the tail from 5 to 6.
  OutlineBench bench;
  bench.pass(
      {.routine = bench.add({bench.compute(1),
                             bench.collective(timed(4), Stream::DataComm, Tile::DataComm, {0}),
                             bench.compute(2)})});
  bench.pass({.routine = bench.add({bench.compute(1)}), .joins = true});
  const StepResult result = bench.estimated();
  EXPECT_NEAR(result.step_time.si(), 6, kRounding);
  EXPECT_NEAR(seconds(result.breakdown, Tile::DataComm), 2, kRounding);
  expect_equal(result, bench.simulated());
}

TEST(Estimator, CommunicationOfAPassGoesOnBesideTheNext) {
  // From 1 to 5 with half of the multiprocessors: the 10 s of the second pass are at half speed
  // for 4 s.
  OutlineBench bench;
  bench.pass(
      {.routine = bench.add({bench.compute(1), bench.collective(timed(4, 0, 50), Stream::DataComm,
                                                                Tile::DataComm, {0})})});
  bench.pass({.routine = bench.add({bench.compute(10)})});
  EXPECT_NEAR(bench.estimated().step_time.si(), 1 + 4 + 8, kRounding);
}

TEST(Estimator, CommunicationBesideALayerEndsWithinIt) {
  // Four layers of 3 s, from 0 to 7 at half speed: the third layer is half way (0.5 of 3 s) at 7.
  OutlineBench bench;
  const auto layer = bench.add({bench.compute(2), bench.compute(1)});
  bench.pass(
      {.routine = bench.add({bench.collective(timed(7, 0, 50), Stream::DataComm, Tile::DataComm),
                             OutlineBench::run(layer, 4)})});
  EXPECT_NEAR(bench.estimated().step_time.si(), 7 + (12 - 3.5), kRounding);
}

TEST(Estimator, TheHostIsExposedWhereItLaunchesSlowerThanTheDeviceRuns) {
  OutlineBench bench;
  bench.launch_time = Seconds(2);
  const auto layer = bench.add({bench.compute(1)});
  bench.pass({.routine = bench.add({OutlineBench::run(layer, 5)})});
  const StepResult result = bench.estimated();
  EXPECT_NEAR(result.step_time.si(), 10, kRounding);
  EXPECT_NEAR(seconds(result.breakdown, Tile::Compute), 5, kRounding);
  EXPECT_NEAR(seconds(result.breakdown, Tile::Host), 5, kRounding);
}

TEST(Estimator, TheHostRunsAheadWhileTheDeviceIsBusy) {
  // 10 s launched at 2; n kernels of 1 s, the last launched at 2 + 2 n: 10 + n or that, whichever
  // is later.
  for (const int count : {1, 5, 8, 10, 20}) {
    OutlineBench bench;
    bench.launch_time = Seconds(2);
    const auto layer = bench.add({bench.compute(1)});
    bench.pass(
        {.routine = bench.add(
             {bench.compute(10), OutlineBench::run(layer, static_cast<std::uint32_t>(count))})});
    const StepResult result = bench.estimated();
    EXPECT_NEAR(result.step_time.si(), std::max(10 + count, 2 + 2 * count), kRounding) << count;
    expect_equal(result, bench.simulated());
  }
}

TEST(Estimator, AHostThatWaitsCannotRunAhead) {
  // The second pass is launched from 10 on: 12 instead of 11.
  OutlineBench bench;
  bench.launch_time = Seconds(2);
  bench.pass({.routine = bench.add({bench.compute(10)})});
  bench.pass({.routine = bench.add({bench.compute(1)}), .host_sync = true});
  const StepResult result = bench.estimated();
  EXPECT_NEAR(result.step_time.si(), 12, kRounding);
  EXPECT_NEAR(seconds(result.breakdown, Tile::Host), 1, kRounding);
}

TEST(Estimator, AHostThatIsBehindStaysBehindInTheNextPass) {
  // Launches of 3 s: the kernels end at 3, 6, 9 | 12, 19 (7 s of work), 20.
  OutlineBench bench;
  bench.launch_time = Seconds(3);
  const auto first = bench.add({bench.compute(1), bench.compute(2), bench.compute(1)});
  const auto second = bench.add({bench.compute(1), bench.compute(7), bench.compute(1)});
  bench.pass({.routine = first});
  bench.pass({.routine = second});
  const StepResult result = bench.estimated();
  EXPECT_NEAR(result.step_time.si(), 20, kRounding);
  EXPECT_NEAR(seconds(result.breakdown, Tile::Host), 20 - 13, kRounding);
  expect_equal(result, bench.simulated());
}

TEST(Estimator, PassesThatWaitForOneAnotherAreAnError) {
  OutlineBench bench(2);
  const auto routine = bench.add({bench.compute(1)});
  bench.pass({.rank = 0, .routine = routine, .after = 1});
  bench.pass({.rank = 1, .routine = routine, .after = 0});
  try {
    (void)bench.estimated();
    FAIL() << "no exception";
  } catch (const SimulationError& error) {
    EXPECT_STREQ(error.what(), "the step cannot end: its passes wait for one another");
  }
  EXPECT_THROW((void)bench.simulated(), SimulationError);
}

TEST(Estimator, AStragglerPacesThoseWhoMeetIt) {
  // Tensor ranks (kind 0 of groups) meet in every layer; the clock of the second kind is half.
  for (const bool meet : {false, true}) {
    OutlineBench bench(2);
    bench.clocks = {1, 0.5};
    bench.outline.ranks[1].kind = 1;
    for (RepresentedRank& rank : bench.outline.ranks) rank.meetings = {meet ? 0 : -1};
    const auto layer = bench.add(
        {bench.compute(2), bench.collective(timed(1), Stream::Compute, Tile::TensorComm)});
    const auto routine = bench.add({OutlineBench::run(layer, 5)});
    bench.pass({.rank = 0, .routine = routine});
    bench.pass({.rank = 1, .routine = routine});
    const StepResult result = bench.estimated();
    EXPECT_NEAR(result.step_time.si(), 5 * (4 + 1), kRounding);
    EXPECT_NEAR(sum(result.rank_tiles[0]) - seconds(result.rank_tiles[0], Tile::Bubble),
                meet ? 25 : 15, kRounding);
    EXPECT_NEAR(bench.simulated().step_time.si(), 25, kRounding);
  }
}

TEST(Estimator, BreakdownIsWeightedByTheRanksRepresented) {
  OutlineBench bench(2);
  bench.outline.ranks[0].weight = 3;
  bench.pass({.rank = 0, .routine = bench.add({bench.compute(1)})});
  bench.pass({.rank = 1, .routine = bench.add({bench.compute(5)})});
  const StepResult result = bench.estimated();
  EXPECT_NEAR(seconds(result.breakdown, Tile::Compute), (3 * 1 + 5) / 4.0, kRounding);
  EXPECT_NEAR(seconds(result.breakdown, Tile::Bubble), 3 * 4 / 4.0, kRounding);
}

// Stages of random length and layers, blocking communication, a host that may be slow: nothing
// contends.
OutlineBench random_pipeline(std::uint32_t seed) {
  std::mt19937 random(seed);
  const auto uniform = [&](double low, double high) {
    return std::uniform_real_distribution<double>(low, high)(random);
  };
  const int stages = 1 + static_cast<int>(random() % 4);
  OutlineBench bench(static_cast<std::size_t>(stages));
  bench.launch_time = Seconds(random() % 2 == 0 ? 0 : uniform(0, 1));
  Pipeline pipeline{.stages = stages, .microbatches = 3 + static_cast<int>(random() % 6)};
  pipeline.message_stream = random() % 2 == 0 ? Stream::Compute : Stream::Send;
  const auto routine = [&] {
    const auto layer =
        bench.add({bench.compute(Block{gemm(uniform(0, 2)), memory_bound(uniform(0, 1), 2)}),
                   bench.collective(timed(uniform(0, 1)), Stream::Compute, Tile::TensorComm)});
    return bench.add({bench.compute(uniform(0, 1)),
                      OutlineBench::run(layer, 1 + static_cast<std::uint32_t>(random() % 5))});
  };
  pipeline.forward = routine();
  pipeline.backward = routine();
  pipeline.message = static_cast<std::int32_t>(bench.communication(timed(uniform(0, 0.5))));
  add_passes(bench, pipeline);
  return bench;
}

class RandomPipeline : public testing::TestWithParam<std::uint32_t> {};

TEST_P(RandomPipeline, TakesWhatTheEventsTake) {
  const OutlineBench bench = random_pipeline(GetParam());
  const StepResult result = bench.estimated();
  expect_tiles_sum_to_step(result);
  EXPECT_NEAR(result.step_time.si(), bench.simulated().step_time.si(),
              1e-9 * result.step_time.si());
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomPipeline, testing::Range(0U, 60U));

}  // namespace
}  // namespace orrery::engine_test
