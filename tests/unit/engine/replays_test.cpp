// Passes that are recorded once and replayed, against the same operation by operation.
#include <random>

#include <gtest/gtest.h>

#include "unit/engine/outline_support.hpp"

namespace orrery::engine_test {
namespace {

// Sums in another order round differently.
constexpr double kRounding = 1e-12;

void expect_same_without_coalescing(OutlineBench bench, std::uint64_t fewer) {
  const StepResult coalesced = bench.simulated();
  bench.coalesce = false;
  const StepResult single = bench.simulated();
  const double rounding = kRounding * single.step_time.si();
  EXPECT_NEAR(coalesced.step_time.si(), single.step_time.si(), rounding);
  for (std::size_t rank = 0; rank < single.rank_tiles.size(); ++rank) {
    for (std::size_t t = 0; t < single.breakdown.size(); ++t) {
      EXPECT_NEAR(coalesced.rank_tiles[rank][t].si(), single.rank_tiles[rank][t].si(), rounding)
          << rank << " " << to_text(static_cast<Tile>(t));
    }
  }
  EXPECT_NEAR(coalesced.critical_path.si(), single.critical_path.si(), rounding);
  EXPECT_LE(fewer * coalesced.events, single.events);
}

// A layer that gathers beside its first kernel and reduces beside its last: slowed by both, waits
// for both.
std::uint32_t overlapping_layer(OutlineBench& bench) {
  CollectiveCost gather = timed(0.5, 0.125, 20), reduce = timed(2, 0.125, 10);
  gather.flows = reduce.flows = {within(4)};
  return bench.add({bench.collective(gather, Stream::TensorComm, Tile::TensorComm, {Step::kEntry}),
                    bench.compute(1), bench.compute(0.5, {0}),
                    bench.collective(reduce, Stream::TensorComm, Tile::TensorComm, {2}),
                    bench.compute(0.75), bench.compute(0.25, {3})});
}

void add_passes_of(OutlineBench& bench, std::uint32_t rank, std::uint32_t routine, int times) {
  for (int i = 0; i < times; ++i) bench.pass({.rank = rank, .routine = routine});
}

TEST(Replays, EqualPassesAreSimulatedOnce) {
  OutlineBench bench;
  const auto layer = overlapping_layer(bench);
  add_passes_of(bench, 0, bench.add({bench.compute(1), OutlineBench::run(layer, 2)}), 20);
  expect_same_without_coalescing(bench, 5);
}

TEST(Replays, AreOfAllPassesAndRanksOfAPipeline) {
  for (const Stream stream : {Stream::Compute, Stream::Send}) {
    OutlineBench bench(4);
    const auto layer = overlapping_layer(bench);
    Pipeline pipeline{.stages = 4, .microbatches = 16, .message_stream = stream};
    pipeline.forward = bench.add({bench.compute(0.5), OutlineBench::run(layer, 12)});
    pipeline.backward = bench.add({OutlineBench::run(layer, 24), bench.compute(0.5)});
    pipeline.message = static_cast<std::int32_t>(bench.communication(timed(0.5)));
    add_passes(bench, pipeline);
    expect_same_without_coalescing(bench, 5);
  }
}

TEST(Replays, AreOfAKindOfDevice) {
  OutlineBench bench(2);
  bench.clocks = {1, 0.7};
  bench.outline.ranks[1].kind = 1;
  const auto layer = overlapping_layer(bench);
  const auto routine = bench.add({OutlineBench::run(layer, 4)});
  for (const std::uint32_t rank : {0U, 1U}) add_passes_of(bench, rank, routine, 20);
  expect_same_without_coalescing(bench, 5);
}

TEST(Replays, AreNotUsedWhereTheHostIsLate) {
  // Five launches a layer take longer than its 3 s.
  OutlineBench bench;
  bench.launch_time = Seconds(0.8);
  const auto layer = overlapping_layer(bench);
  add_passes_of(bench, 0, bench.add({bench.compute(4), OutlineBench::run(layer, 2)}), 10);
  expect_same_without_coalescing(bench, 1);
}

TEST(Replays, AreNotUsedBesideOtherCommunication) {
  // A long reduction beside the passes from the third to somewhere in a later one.
  OutlineBench bench;
  CollectiveCost reduce = timed(9, 0, 30);
  reduce.flows = {within(60)};
  const auto layer = overlapping_layer(bench);
  const auto plain = bench.add({OutlineBench::run(layer, 2)});
  add_passes_of(bench, 0, plain, 2);
  bench.pass(
      {.routine = bench.add({OutlineBench::run(layer, 1),
                             bench.collective(reduce, Stream::DataComm, Tile::DataComm, {0})})});
  add_passes_of(bench, 0, plain, 20);
  expect_same_without_coalescing(bench, 3);
}

// Ranks whose layers meet in all that they communicate, on devices of two clocks.
OutlineBench meeting_bench(std::uint32_t ranks) {
  OutlineBench bench(ranks);
  bench.clocks = {1, 0.8};
  bench.outline.ranks[0].kind = 1;
  for (RepresentedRank& rank : bench.outline.ranks) rank.meetings = {0};
  return bench;
}

TEST(Replays, RanksThatMeetAreReplayedTogether) {
  // The slow rank paces the others in every layer, and ends its pass later than they do.
  OutlineBench bench = meeting_bench(3);
  const auto routine = bench.add(
      {bench.compute(1), OutlineBench::run(overlapping_layer(bench), 4), bench.compute(0.5)});
  for (const std::uint32_t rank : {0U, 1U, 2U}) add_passes_of(bench, rank, routine, 20);
  expect_same_without_coalescing(bench, 5);
}

TEST(Replays, RanksThatMeetMayStartOneAfterTheOther) {
  // Rank 3 works for 0.3 s, and only rank 1 waits for it: it starts each pass later than the
  // others.
  OutlineBench bench = meeting_bench(4);
  bench.outline.ranks[3].meetings = {-1};
  const auto source = bench.add({bench.compute(0.3)});
  const auto routine =
      bench.add({OutlineBench::run(overlapping_layer(bench), 4), bench.compute(0.5)});
  std::int32_t before = Pass::kNothing;
  for (int i = 0; i < 20; ++i) {
    const std::int32_t last = bench.pass({.rank = 1, .routine = routine, .after = before});
    before = bench.pass({.rank = 3, .routine = source, .after = last});
    for (const std::uint32_t rank : {0U, 2U}) bench.pass({.rank = rank, .routine = routine});
  }
  expect_same_without_coalescing(bench, 4);
}

TEST(Replays, PartiesWithOneLateHostAreTheSame) {
  // Two ranks launch nothing that they have no time for; the third, four times as fast, does.
  OutlineBench bench = meeting_bench(3);
  bench.clocks = {1, 4};
  bench.launch_time = Seconds(0.45);
  const auto routine =
      bench.add({OutlineBench::run(overlapping_layer(bench), 4), bench.compute(0.5)});
  for (const std::uint32_t rank : {0U, 1U, 2U}) add_passes_of(bench, rank, routine, 12);
  expect_same_without_coalescing(bench, 1);
}

TEST(Replays, RanksOfOnePartyMayRunDifferentRoutines) {
  OutlineBench bench = meeting_bench(2);
  const auto layer = overlapping_layer(bench);
  const auto one = bench.add({bench.compute(1), OutlineBench::run(layer, 4)});
  const auto other = bench.add({OutlineBench::run(layer, 4), bench.compute(2)});
  add_passes_of(bench, 0, one, 20);
  add_passes_of(bench, 1, other, 20);
  expect_same_without_coalescing(bench, 5);
}

TEST(Replays, RanksThatAreAPassApartAreNotTakenForAParty) {
  // Rank 1 runs a pass more, without collectives, in between: its routine is that of its last.
  OutlineBench bench = meeting_bench(2);
  const auto alone = bench.add({bench.compute(3)});
  const auto routine = bench.add({OutlineBench::run(overlapping_layer(bench), 2)});
  for (int i = 0; i < 10; ++i) {
    for (const std::uint32_t rank : {0U, 1U}) bench.pass({.rank = rank, .routine = routine});
    if (i % 3 == 0) bench.pass({.rank = 1, .routine = alone});
  }
  expect_same_without_coalescing(bench, 1);
}

// Routines of rank 0, and beside them collectives that rank 1 lets start: in the middle of them.
TEST(Replays, AreNotUsedWhereAnotherRankMayStartSomethingBesideThem) {
  OutlineBench bench(2);
  CollectiveCost reduce = timed(2, 0, 40);
  reduce.flows = {within(20)};
  const auto routine = bench.add({OutlineBench::run(overlapping_layer(bench), 3)});
  const auto other = bench.add({bench.compute(4)});
  const Op beside = {.kind = Op::Kind::Collective,
                     .stream = Stream::DataComm,
                     .tile = Tile::DataComm,
                     .work = bench.communication(reduce)};
  StepResult results[2];
  for (const bool coalesce : {false, true}) {
    std::vector<PassOps> kinds;
    kinds.emplace_back(bench.outline, Pass{.routine = routine});
    kinds.emplace_back(bench.outline, Pass{.routine = other});
    kinds.emplace_back(bench.outline, beside, false);
    std::vector<ScheduledPass> passes;
    std::vector<PassWait> waits;
    for (std::uint32_t i = 0; i < 8; ++i) {
      passes.push_back({0, 0});
      passes.push_back({1, 1});
      if (i >= 4) continue;  // after these nothing comes
      passes.push_back({0, 2});
      waits.push_back({3 * i + 2, 3 * i + 1});
    }
    const Schedule schedule(bench.outline, bench.outline.ranks, std::move(kinds), passes, waits);
    results[coalesce ? 1 : 0] = execute(schedule, bench.costs(bench.outline),
                                        {.coalesce = coalesce}, *test::make_reference_kernel());
  }
  const double rounding = kRounding * results[0].step_time.si();
  EXPECT_NEAR(results[1].step_time.si(), results[0].step_time.si(), rounding);
  for (std::size_t t = 0; t < results[0].breakdown.size(); ++t) {
    EXPECT_NEAR(results[1].breakdown[t].si(), results[0].breakdown[t].si(), rounding) << t;
  }
  EXPECT_LT(results[1].events, results[0].events) << "the last passes are replayed";
}

/// Routines, passes and messages at random.
class RandomOutlines {
 public:
  explicit RandomOutlines(std::uint32_t seed) : random_(seed) {}

  OutlineBench make() {
    OutlineBench bench(1 + below(4));
    bench.launch_time = Seconds(below(3) == 0 ? uniform(0, 0.4) : 0);
    bench.clocks = {1, 0.8};
    for (RepresentedRank& rank : bench.outline.ranks) rank.kind = static_cast<int>(below(2));
    if (below(3) == 0) {
      for (RepresentedRank& rank : bench.outline.ranks) rank.meetings = {0};
      meet_ = true;
    }
    std::vector<std::uint32_t> layers, chunks;
    for (int i = 0; i < 3; ++i) layers.push_back(bench.add(steps(bench, {})));
    for (int i = 0; i < 3; ++i) chunks.push_back(bench.add(steps(bench, layers)));
    for (int round = 0; round < 8; ++round) add_round(bench, chunks);
    return bench;
  }

 private:
  double uniform(double low, double high) {
    return std::uniform_real_distribution<double>(low, high)(random_);
  }
  std::uint32_t below(std::size_t count) {
    return static_cast<std::uint32_t>(
        std::uniform_int_distribution<std::size_t>(0, count - 1)(random_));
  }

  CollectiveCost cost() {
    CollectiveCost cost = timed(uniform(0, 1), uniform(0, 0.2), static_cast<int>(below(60)));
    cost.memory = BytesPerSecond(uniform(0, 40));
    if (below(2) == 0) cost.flows.push_back(within(10 * cost.transfer.si()));
    if (below(2) == 0) cost.flows.push_back(between(1.5 * cost.transfer.si()));
    return cost;
  }

  // One step at least is on the compute stream. All ranks run the same routines in the same order,
  // so those that meet do.
  std::vector<Step> steps(OutlineBench& bench, const std::vector<std::uint32_t>& layers) {
    std::vector<Step> result;
    const std::size_t count = 3 + below(5);
    for (std::size_t i = 0; i < count; ++i) {
      std::vector<std::uint32_t> after;
      if (!result.empty() && below(2) == 0) {
        after.push_back(below(result.size()));
      } else if (below(2) == 0) {
        after.push_back(Step::kEntry);
      }
      const std::uint32_t what = i == 1 ? 9 : below(10);
      if (what < 3) {
        result.push_back(bench.collective(side(), Stream::TensorComm, Tile::TensorComm, after));
      } else if (what == 3) {
        result.push_back(bench.collective(side(), Stream::DataComm, Tile::DataComm, after));
      } else if (what == 4) {
        result.push_back(bench.collective(side(), Stream::Compute, Tile::ContextComm, after));
      } else if (what < 8 && !layers.empty()) {
        result.push_back(OutlineBench::run(layers[below(layers.size())], 1 + below(6), after));
      } else {
        result.push_back(
            bench.compute(Block{gemm(uniform(0, 1)), memory_bound(uniform(0, 0.5))}, after));
      }
    }
    return result;
  }
  CollectiveCost side() { return cost(); }

  // A microbatch that goes through all ranks, forwards or backwards.
  void add_round(OutlineBench& bench, const std::vector<std::uint32_t>& chunks) {
    const auto ranks = static_cast<std::uint32_t>(bench.outline.ranks.size());
    const bool chain = !meet_ && below(2) == 0;
    const std::uint32_t chunk = chunks[below(chunks.size())];
    const bool messages = below(2) == 0, sync = below(4) == 0, joins = below(4) == 0;
    const auto message = static_cast<std::int32_t>(bench.communication(timed(uniform(0, 1)), 1));
    std::int32_t before = Pass::kNothing;
    for (std::uint32_t i = 0; i < ranks; ++i) {
      Pass pass{.rank = i, .routine = chunk, .host_sync = sync, .joins = joins};
      if (chain) pass.after = before;
      if (messages && i + 1 < ranks) {
        pass.message = message;
        pass.message_stream = below(2) == 0 ? Stream::Send : Stream::Compute;
      }
      before = bench.pass(pass);
    }
  }

  std::mt19937 random_;
  bool meet_ = false;
};

class RandomOutline : public testing::TestWithParam<std::uint32_t> {};

TEST_P(RandomOutline, TakesTheSameOperationByOperation) {
  expect_same_without_coalescing(RandomOutlines(GetParam()).make(), 1);
}

TEST_P(RandomOutline, TilesSumToTheStep) {
  const OutlineBench bench = RandomOutlines(GetParam()).make();
  for (const StepResult& result : {bench.simulated(), bench.estimated()}) {
    const double step = result.step_time.si();
    for (const Tiles& tiles : result.rank_tiles) EXPECT_NEAR(sum(tiles), step, 1e-12 * step);
    EXPECT_NEAR(sum(result.breakdown), step, 1e-12 * step);
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomOutline, testing::Range(0U, 400U));

}  // namespace
}  // namespace orrery::engine_test
