#pragma once
/// Where the time of every represented rank went, from when its operations ran.

#include <orrery/step_result.hpp>

namespace orrery {

/// When an operation ran; `end` is negative until it has.
struct OpTime {
  Seconds start{-1};
  Seconds end{-1};
  Seconds host{};  ///< at its end, spent waiting for the host to launch its kernels
};

/// Fills tiles and breakdown of `result` (step_time is set).
/// `cause[i]` is the operation whose end let `i` start.
void tile_step(const Program& program, const std::vector<OpTime>& times,
               const std::vector<std::uint32_t>& cause, StepResult& result);

}  // namespace orrery
