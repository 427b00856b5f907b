#pragma once
/// Everything that a scenario names, made; and steps of workloads on it.

#include <memory>
#include <vector>

#include <orrery/registry.hpp>
#include <orrery/report.hpp>
#include <orrery/scenario.hpp>

#include "engine/cost_table.hpp"
#include "job/job_spec.hpp"
#include "job/step_book.hpp"

namespace orrery {

struct Machine {
  std::unique_ptr<Platform> platform;
  std::unique_ptr<const CollectiveModel> collectives;  ///< never null
  std::unique_ptr<const Workload> workload;
  std::unique_ptr<const ServerCooling> cooling;  ///< null where the server says nothing of it
  OperationSpec operation;
};

/// Servers that the job singles out, or that hold the slowest device that the seed draws, are set
/// apart. @throws ConfigError with every mistake of the scenario.
Machine make_machine(const Scenario& scenario, const Registry& registry);

/// Every kind of device at work on a job of so many devices, without communication, under the
/// limits of the scenario.
std::vector<DevicePoint> device_points(const Machine& machine, OperatingPoint::Regime regime,
                                       int devices);

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

/// Lowers `workload` and evaluates one step. The report lacks what only a scenario knows.
/// @throws ConfigError, SimulationError
Report evaluate(const Machine& machine, const Workload& workload, const EvaluateOptions& options);

}  // namespace orrery
