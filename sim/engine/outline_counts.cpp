#include "engine/outline_counts.hpp"

#include <algorithm>

namespace orrery {

OutlineCounts::OutlineCounts(const Outline& outline)
    : outline_(outline),
      routines_(outline.ranks.size(), std::vector<double>(outline.routines.size())),
      collectives_(outline.ranks.size(), std::vector<double>(outline.collectives.size())),
      blocks_(outline.ranks.size(), std::vector<double>(outline.blocks.size())),
      block_tiles_(outline.blocks.size(), Tile::Compute),
      collective_tiles_(outline.collectives.size(), Tile::PipelineComm) {
  count_passes();
  for (std::size_t rank = 0; rank < routines_.size(); ++rank) count_steps(rank);
  find_tiles();
}

double OutlineCounts::most(std::size_t collective) const {
  double result = 0;
  for (const auto& of_rank : collectives_) result = std::max(result, of_rank[collective]);
  return result;
}

void OutlineCounts::count_passes() {
  std::int32_t last = 0;
  for (const Pass& pass : outline_.passes) last = std::max(last, pass.microbatch);
  for (const Pass& pass : outline_.passes) {
    // Those that are left out repeat the period before the last microbatch.
    const bool repeats = pass.microbatch < last && pass.microbatch >= last - outline_.period;
    const double times =
        1 + (repeats ? static_cast<double>(outline_.microbatches_left_out) / outline_.period : 0);
    routines_[pass.rank][pass.routine] += times;
    if (pass.message >= 0) {
      collectives_[pass.rank][static_cast<std::size_t>(pass.message)] += times;
    }
  }
}

// Routines come after those that they run: from the last to the first, callers are counted first.
void OutlineCounts::count_steps(std::size_t rank) {
  for (std::size_t i = outline_.routines.size(); i-- > 0;) {
    const double times = routines_[rank][i];
    if (times == 0) continue;
    for (const Step& step : outline_.routines[i].steps) {
      if (step.call >= 0) {
        routines_[rank][static_cast<std::size_t>(step.call)] += times * step.repeat;
      } else if (step.op.kind == Op::Kind::Collective) {
        collectives_[rank][step.op.work] += times;
      } else if (step.op.kind == Op::Kind::Compute) {
        blocks_[rank][step.op.work] += times;
      }
    }
  }
}

void OutlineCounts::find_tiles() {
  for (const Routine& routine : outline_.routines) {
    for (const Step& step : routine.steps) {
      if (step.call >= 0) continue;
      if (step.op.kind == Op::Kind::Compute) block_tiles_[step.op.work] = step.op.tile;
      if (step.op.kind == Op::Kind::Collective) collective_tiles_[step.op.work] = step.op.tile;
    }
  }
}

}  // namespace orrery
