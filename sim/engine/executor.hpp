#pragma once
/// Event fidelity: runs a schedule on a kernel with streams, waits, shared links, and compute that
/// slows down while communication kernels hold part of its device.

#include "engine/cost_table.hpp"
#include "engine/schedule.hpp"
#include "kernel/kernel.hpp"

#include <orrery/step_result.hpp>

namespace orrery {

struct ExecuteOptions {
  /// What the host spends per kernel, in order, ahead of the device.
  Seconds launch_time{};
  /// A pass that nothing can touch is simulated once and replayed. The result does not depend on
  /// it.
  bool coalesce = true;
  /// Fill StepResult::power.
  bool power_trace = false;
};

/// Simulates one step.
/// @throws SimulationError when operations wait for one another and the step cannot end, naming
/// one.
StepResult execute(const Schedule& schedule, const CostTable& costs, const ExecuteOptions& options,
                   Kernel& kernel);

}  // namespace orrery
