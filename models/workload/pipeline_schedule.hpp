#pragma once
/// The order in which a pipeline stage runs its microbatches.

#include <vector>

namespace orrery::workload {

/// One pass of one microbatch through one model chunk of a stage.
struct StagePass {
  bool backward = false;
  int microbatch = 0;
  int chunk = 0;
};

/// One forward, one backward (1F1B), or its interleaved form when `chunks` > 1 (Narayanan et al.,
/// SC21 §2.2): warm-up of `stages - stage - 1` forwards (interleaved: 2(stages - stage - 1) +
/// (chunks - 1)·stages), then alternating, then the remaining backwards. Holds every (direction,
/// microbatch, chunk) once.
/// @pre interleaved: microbatches is a multiple of stages.
std::vector<StagePass> pipeline_order(int stages, int stage, int chunks, int microbatches);

/// The most microbatch-chunks whose forward has run and whose backward has not, by that order.
int in_flight(int stages, int stage, int chunks, int microbatches);

}  // namespace orrery::workload
