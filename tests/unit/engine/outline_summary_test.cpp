// Kernel times and collectives counted on an outline, by hand and against those of its operations.
#include "engine/outline_summary.hpp"

#include <gtest/gtest.h>

#include "unit/engine/outline_support.hpp"

namespace orrery::engine_test {
namespace {

constexpr double kRounding = 1e-12;

StepResult summary_of(const OutlineBench& bench) {
  StepResult result;
  summarise(bench.outline, bench.costs(bench.outline), result);
  return result;
}

double kernel_seconds(const StepResult& result, const char* kind) {
  return result.kernel_time.at(kind).si();
}

// Of the collective whose group has that name; 0 where there is none.
int count_of(const StepResult& result, const std::string& group) {
  for (const CollectiveSummary& line : result.collectives) {
    if (line.label.rfind(group + " ", 0) == 0) return line.count;
  }
  return 0;
}

void expect_equal(const StepResult& a, const StepResult& b) {
  ASSERT_EQ(a.kernel_time.size(), b.kernel_time.size());
  for (const auto& [kind, time] : b.kernel_time) {
    EXPECT_NEAR(a.kernel_time.at(kind).si(), time.si(), 1e-9 * time.si()) << kind;
  }
  ASSERT_EQ(a.collectives.size(), b.collectives.size());
  for (std::size_t i = 0; i < b.collectives.size(); ++i) {
    EXPECT_EQ(a.collectives[i].label, b.collectives[i].label);
    EXPECT_EQ(a.collectives[i].count, b.collectives[i].count);
    EXPECT_EQ(a.collectives[i].alone, b.collectives[i].alone);
    EXPECT_EQ(a.collectives[i].algorithm, b.collectives[i].algorithm);
    EXPECT_EQ(a.collectives[i].protocol, b.collectives[i].protocol);
  }
}

TEST(OutlineSummary, MultipliesRepeatsOfCallsWithinCalls) {
  // Layer: product of 2 s, attention of 1 s, all-reduce. Half: two layers and 3 s of memory. Whole:
  // two halves and a layer, in two passes.
  OutlineBench bench;
  const auto reduce = bench.communication(timed(1, 0.5), 0, "reduce");
  (void)bench.communication(timed(1), 0, "never");
  const auto layer =
      bench.add({bench.compute(Block{gemm(2), Work{.name = "flash", .shape = FlashAttention{}}}),
                 OutlineBench::collective(reduce, Stream::Compute, Tile::TensorComm)});
  const auto half = bench.add({OutlineBench::run(layer, 2), bench.compute(Block{memory_bound(3)})});
  const auto whole = bench.add({OutlineBench::run(half, 2), OutlineBench::run(layer)});
  bench.pass({.routine = whole});
  bench.pass({.routine = whole});
  const StepResult result = summary_of(bench);
  const int layers = 2 * (2 * 2 + 1);
  EXPECT_NEAR(kernel_seconds(result, "matrix multiply"), 2 * layers, kRounding);
  EXPECT_NEAR(kernel_seconds(result, "fused attention"), layers, kRounding);
  EXPECT_NEAR(kernel_seconds(result, "memory-bound"), 3 * 2 * 2, kRounding);
  EXPECT_EQ(count_of(result, "reduce"), layers);
  EXPECT_EQ(count_of(result, "never"), 0);
  EXPECT_EQ(result.collectives.size(), 1U) << "what is never issued is left out";
}

TEST(OutlineSummary, CountsWhatThePeriodStandsFor) {
  // Microbatches 0 to 3 are shown of 9, the period is 2: 1 and 2... are run 1 + 5 / 2 times each.
  OutlineBench bench;
  const auto reduce = bench.communication(timed(1), 0, "reduce");
  const auto message = bench.communication(timed(1), 1, "message");
  const auto routine = bench.add(
      {bench.compute(2), OutlineBench::collective(reduce, Stream::Compute, Tile::TensorComm)});
  for (int microbatch = 0; microbatch < 4; ++microbatch) {
    bench.pass({.routine = routine,
                .microbatch = microbatch,
                .message = static_cast<std::int32_t>(message)});
  }
  bench.pass({.routine = bench.add({bench.compute(Block{memory_bound(7)})}), .joins = true});
  bench.outline.microbatches_left_out = 5;
  bench.outline.period = 2;
  const StepResult result = summary_of(bench);
  EXPECT_NEAR(kernel_seconds(result, "matrix multiply"), 2 * 9, kRounding);
  EXPECT_NEAR(kernel_seconds(result, "memory-bound"), 7, kRounding) << "once";
  EXPECT_EQ(count_of(result, "reduce"), 9);
  EXPECT_EQ(count_of(result, "message"), 9);
}

TEST(OutlineSummary, LeftOutMicrobatchesAreThoseOfTheWhole) {
  const auto pipeline_of = [](int microbatches) {
    OutlineBench bench(4);
    Pipeline pipeline{.stages = 4, .microbatches = microbatches, .message_stream = Stream::Send};
    pipeline.forward = bench.add({bench.compute(1)});
    pipeline.backward = bench.add({bench.compute(Block{gemm(1), memory_bound(1)})});
    pipeline.message = static_cast<std::int32_t>(bench.communication(timed(1)));
    add_passes(bench, pipeline);
    return bench;
  };
  OutlineBench shown = pipeline_of(12);
  shown.outline.microbatches_left_out = 20;
  shown.outline.period = 4;
  expect_equal(summary_of(shown), summary_of(pipeline_of(32)));
}

TEST(OutlineSummary, IsTheMeanOfRanksByWeightAndTheMostOfCollectives) {
  // Rank 0 stands for three; the device of rank 1 takes twice as long.
  OutlineBench bench(2);
  bench.clocks = {1, 0.5};
  bench.outline.ranks[0].weight = 3;
  bench.outline.ranks[1].kind = 1;
  const auto reduce = bench.communication(timed(1), 0, "reduce");
  const auto routine = bench.add(
      {bench.compute(4), OutlineBench::collective(reduce, Stream::Compute, Tile::TensorComm)});
  bench.pass({.rank = 0, .routine = routine});
  bench.pass({.rank = 1, .routine = routine});
  bench.pass({.rank = 1, .routine = routine});
  const StepResult result = summary_of(bench);
  EXPECT_NEAR(kernel_seconds(result, "matrix multiply"), (3 * 4 + 2 * 8) / 4.0, kRounding);
  EXPECT_EQ(count_of(result, "reduce"), 2);
}

}  // namespace
}  // namespace orrery::engine_test
