#include "workload/pipeline_schedule.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include <gtest/gtest.h>

namespace orrery::workload_test {
namespace {

using namespace orrery::workload;

struct Pipeline {
  int stages, chunks, microbatches;
};

class PipelineOrder : public testing::TestWithParam<Pipeline> {
 protected:
  [[nodiscard]] std::vector<StagePass> order(int stage) const {
    const auto& [stages, chunks, microbatches] = GetParam();
    return pipeline_order(stages, stage, chunks, microbatches);
  }
};

TEST_P(PipelineOrder, HoldsEveryPassOnce) {
  const auto& [stages, chunks, microbatches] = GetParam();
  for (int stage = 0; stage < stages; ++stage) {
    std::set<std::tuple<bool, int, int>> seen;
    for (const StagePass& pass : order(stage)) {
      EXPECT_TRUE(seen.emplace(pass.backward, pass.microbatch, pass.chunk).second);
      EXPECT_TRUE(pass.microbatch >= 0 && pass.microbatch < microbatches);
      EXPECT_TRUE(pass.chunk >= 0 && pass.chunk < chunks);
    }
    EXPECT_EQ(seen.size(), static_cast<std::size_t>(2 * chunks * microbatches));
  }
}

TEST_P(PipelineOrder, RunsABackwardAfterItsForward) {
  for (int stage = 0; stage < GetParam().stages; ++stage) {
    std::set<std::pair<int, int>> forwards;
    for (const StagePass& pass : order(stage)) {
      if (!pass.backward)
        forwards.emplace(pass.microbatch, pass.chunk);
      else
        EXPECT_TRUE(forwards.contains({pass.microbatch, pass.chunk}));
    }
  }
}

TEST_P(PipelineOrder, WarmsUpAsThePaperSays) {
  const auto& [stages, chunks, microbatches] = GetParam();
  for (int stage = 0; stage < stages; ++stage) {
    const std::vector<StagePass> passes = order(stage);
    const auto first =
        std::find_if(passes.begin(), passes.end(), [](const StagePass& p) { return p.backward; });
    const int depth = stages - stage - 1;
    const int warmup = chunks == 1 ? depth : 2 * depth + (chunks - 1) * stages;
    // One more forward than the warm-up comes before the first backward.
    EXPECT_EQ(first - passes.begin(), std::min(warmup + 1, chunks * microbatches)) << stage;
  }
}

TEST_P(PipelineOrder, KeepsAsManyInFlightAsItWarmsUpAndOne) {
  const auto& [stages, chunks, microbatches] = GetParam();
  for (int stage = 0; stage < stages; ++stage) {
    const int most =
        chunks == 1 ? stages - stage : 2 * (stages - stage - 1) + (chunks - 1) * stages + 1;
    EXPECT_EQ(in_flight(stages, stage, chunks, microbatches), std::min(most, chunks * microbatches))
        << stage;
    int now = 0, counted = 0;
    for (const StagePass& pass : order(stage)) {
      now += pass.backward ? -1 : 1;
      counted = std::max(counted, now);
    }
    EXPECT_EQ(in_flight(stages, stage, chunks, microbatches), counted) << stage;
  }
}

// Plays all stages together: a pass waits for the previous one of its stage and for the
// neighbouring part's. Times in units of a chunk's forward; a backward takes two. Returns the end,
// or -1 in a deadlock.
int makespan(const Pipeline& pipeline) {
  const auto& [stages, chunks, microbatches] = pipeline;
  const int parts = stages * chunks;
  std::map<std::tuple<bool, int, int>, int> end;  // backward, microbatch, part
  std::vector<std::vector<StagePass>> orders;
  std::vector<std::size_t> next(static_cast<std::size_t>(stages));
  std::vector<int> free(static_cast<std::size_t>(stages));
  for (int stage = 0; stage < stages; ++stage)
    orders.push_back(pipeline_order(stages, stage, chunks, microbatches));
  for (bool moved = true; moved;) {
    moved = false;
    for (std::size_t stage = 0; stage < orders.size(); ++stage) {
      if (next[stage] == orders[stage].size()) continue;
      const StagePass& pass = orders[stage][next[stage]];
      const int part = pass.chunk * stages + static_cast<int>(stage);
      int ready = 0;
      const bool turns = pass.backward && part == parts - 1;
      const bool first = !pass.backward && part == 0;
      if (!first) {
        const auto before =
            turns ? std::tuple{false, pass.microbatch, part}
                  : std::tuple{pass.backward, pass.microbatch, part + (pass.backward ? 1 : -1)};
        if (!end.contains(before)) continue;
        ready = end.at(before);
      }
      free[stage] = std::max(free[stage], ready) + (pass.backward ? 2 : 1);
      end[{pass.backward, pass.microbatch, part}] = free[stage];
      ++next[stage];
      moved = true;
    }
  }
  if (end.size() != static_cast<std::size_t>(2 * parts * microbatches)) return -1;
  return *std::max_element(free.begin(), free.end());
}

TEST_P(PipelineOrder, NeverDeadlocksAndHasTheBubbleOfThePaper) {
  const auto& [stages, chunks, microbatches] = GetParam();
  // (m v + p - 1) (f + b) with f and b of one chunk: Narayanan et al., section 2.2. From m = p on.
  if (microbatches < stages) {
    EXPECT_GT(makespan(GetParam()), 0);
  } else {
    EXPECT_EQ(makespan(GetParam()), (microbatches * chunks + stages - 1) * 3);
  }
}

INSTANTIATE_TEST_SUITE_P(Shapes, PipelineOrder,
                         testing::Values(Pipeline{1, 1, 4}, Pipeline{2, 1, 2}, Pipeline{4, 1, 2},
                                         Pipeline{4, 1, 8}, Pipeline{8, 1, 32}, Pipeline{3, 1, 7},
                                         Pipeline{2, 2, 4}, Pipeline{4, 2, 4}, Pipeline{4, 3, 16},
                                         Pipeline{8, 4, 8}));

TEST(PipelinePasses, IsOneForwardOneBackwardOnTheLastStage) {
  const std::vector<StagePass> order = pipeline_order(4, 3, 1, 3);
  for (std::size_t i = 0; i < order.size(); ++i) {
    EXPECT_EQ(order[i].backward, i % 2 == 1);
    EXPECT_EQ(order[i].microbatch, static_cast<int>(i / 2));
  }
}

TEST(PipelinePasses, InterleavedVisitsChunksInGroupsOfStages) {
  // Two stages, two chunks: microbatches 0 1 of chunk 0, then of chunk 1, then 2 3 of chunk 0.
  std::vector<std::pair<int, int>> forwards;
  for (const StagePass& pass : pipeline_order(2, 0, 2, 4)) {
    if (!pass.backward) forwards.emplace_back(pass.microbatch, pass.chunk);
  }
  const std::vector<std::pair<int, int>> expected{{0, 0}, {1, 0}, {0, 1}, {1, 1},
                                                  {2, 0}, {3, 0}, {2, 1}, {3, 1}};
  EXPECT_EQ(forwards, expected);
}

}  // namespace
}  // namespace orrery::workload_test
