#pragma once
/// The clock at which a kernel runs: what the board's power limit leaves for its activity.

#include "accelerator/gpu_parameters.hpp"

namespace orrery::accelerator {

/// How much a kernel asks of the clock's power loop.
struct ClockDemand {
  Dtype dtype = Dtype::Bf16;
  double tensor_duty = 0;         ///< [u] time that the matrix units are busy, [0, 1]
  Seconds duration{};             ///< of the kernel at the limited clock
  double slowest_deviations = 0;  ///< as in OperatingPoint
  double ratio = 1;               ///< OperatingPoint::clock
};

/// f = F (a0 + (1-a0) u)^(-1/3), never above boost; in a burst it starts at the burst clock and
/// decays to f with the loop's time constant. Averaged over the kernel. F is the sustained clock of
/// the slowest device of those that work in step, or the limited clock in a burst; a straggler runs
/// at `ratio` of all that.
Hertz clock(const ClockSpec& spec, OperatingPoint::Regime regime, const ClockDemand& demand);

}  // namespace orrery::accelerator
