/// The bubble of a pipeline against its closed form.

#include <gtest/gtest.h>

#include "properties/support.hpp"

namespace orrery::properties_test {
namespace {

// Four stages on one server, a table too small to unbalance them, no dispatch and no messages to
// wait for: only the passes are left.
Changes pipeline(int interleave, int microbatches) {
  return {{"system.servers", "1"},
          {"workload.model.vocabulary", "128"},
          {"workload.model.max_sequence", "1"},
          {"workload.model.position", "rope"},
          {"workload.parallelism",
           "{pipeline: 4, interleave: " + std::to_string(interleave) + ", data: 1}"},
          {"workload.global_batch", std::to_string(microbatches)},
          {"workload.overlap.p2p", "true"},
          {"workload.software.cuda_graph", "true"},
          {"workload.software.step_overhead", "0 ms"},
          {"workload.software.optimizer_traffic", "0.001 B"}};
}

double tile(const StepResult& step, Tile which) {
  return step.breakdown[static_cast<std::size_t>(which)].si();
}

// Bubble over compute, messages counted as bubble.
double bubble_ratio(int interleave, int microbatches) {
  const StepResult step = run(pipeline(interleave, microbatches)).step;
  return (tile(step, Tile::Bubble) + tile(step, Tile::PipelineComm)) / tile(step, Tile::Compute);
}

// Narayanan et al. (SC21) section 2.2: (p - 1) / (m v), without messages and with equal stages.
// Here the last stage has a small head, and every pass sends 17 MB: some 3 % of a pass of two
// layers, 6 % of one.
constexpr double kPassOfTwoLayers = 0.03, kPassOfOneLayer = 0.06;

TEST(PipelineBubble, OfOneForwardOneBackwardIsStagesLessOneOverMicrobatches) {
  for (const int microbatches : {4, 8, 16, 32}) {
    const double expected = 3.0 / microbatches;
    EXPECT_NEAR(bubble_ratio(1, microbatches), expected, kPassOfTwoLayers * expected + 0.01)
        << microbatches;
  }
}

TEST(PipelineBubble, OfTwoChunksIsHalf) {
  for (const int microbatches : {4, 8, 16, 32}) {
    const double expected = 3.0 / (2 * microbatches);
    EXPECT_NEAR(bubble_ratio(2, microbatches), expected, kPassOfOneLayer * expected + 0.01)
        << microbatches;
  }
}

TEST(PipelineBubble, ShrinksWithMicrobatches) {
  double before = 1e9;
  for (const int microbatches : {4, 8, 16, 32, 64}) {
    const double now = bubble_ratio(1, microbatches);
    EXPECT_LT(now, before);
    before = now;
  }
}

}  // namespace
}  // namespace orrery::properties_test
