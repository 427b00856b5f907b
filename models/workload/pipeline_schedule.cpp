#include "workload/pipeline_schedule.hpp"

#include <algorithm>

namespace orrery::workload {
namespace {

// The i-th forward (or backward) of a stage: groups of `stages` microbatches visit the chunks in
// turn.
StagePass nth_pass(int i, bool backward, int stages, int chunks) {
  const int group = i / (stages * chunks);
  const int within = i % (stages * chunks);
  const int chunk = within / stages;
  return {.backward = backward,
          .microbatch = group * stages + within % stages,
          .chunk = backward ? chunks - 1 - chunk : chunk};
}

// Forwards that a stage runs before its first backward is due.
int warm_up(int stages, int stage, int chunks, int total) {
  int passes = stages - stage - 1;
  if (chunks > 1) passes = 2 * passes + (chunks - 1) * stages;
  return std::min(passes, total);
}

}  // namespace

std::vector<StagePass> pipeline_order(int stages, int stage, int chunks, int microbatches) {
  const int total = microbatches * chunks;
  const int group = chunks == 1 ? 1 : stages;  // plain 1F1B takes microbatches one by one
  const int warmup = warm_up(stages, stage, chunks, total);
  std::vector<StagePass> order;
  order.reserve(2 * static_cast<std::size_t>(total));
  for (int i = 0; i < warmup; ++i) order.push_back(nth_pass(i, false, group, chunks));
  for (int i = warmup; i < total; ++i) {
    order.push_back(nth_pass(i, false, group, chunks));
    order.push_back(nth_pass(i - warmup, true, group, chunks));
  }
  for (int i = total - warmup; i < total; ++i) order.push_back(nth_pass(i, true, group, chunks));
  return order;
}

int in_flight(int stages, int stage, int chunks, int microbatches) {
  const int total = microbatches * chunks;
  return std::min(warm_up(stages, stage, chunks, total) + 1, total);
}

}  // namespace orrery::workload
