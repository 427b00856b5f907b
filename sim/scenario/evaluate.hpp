#pragma once
/// One step of a workload on a machine, and the state in which the machine does it.

#include <orrery/report.hpp>

#include "scenario/machine.hpp"

namespace orrery {

struct EvaluateOptions {
  Fidelity fidelity = Fidelity::Event;
  bool fold = true;
  bool coalesce = true;
  bool ignore_memory = false;
  /// Let temperature, power and clocks settle; otherwise devices are as warm as OperatingPoint
  /// says.
  bool operate = false;
  bool follow_job = false;   ///< then, if the scenario has one
  bool power_trace = false;  ///< keep the power within the step, of `event`
};

/// As `orrery run` evaluates a scenario on its machine.
EvaluateOptions options_of(const Scenario& scenario, const Machine& machine);

/// Lowers `workload` and evaluates one step. The report lacks what only a scenario knows.
/// Several threads may evaluate at once.
/// @throws ConfigError, SimulationError
Report evaluate(const Machine& machine, const Workload& workload, const EvaluateOptions& options);

}  // namespace orrery
