#pragma once
/// Everything that a scenario names, made.

#include <memory>
#include <vector>

#include <orrery/registry.hpp>
#include <orrery/scenario.hpp>

#include "engine/cost_table.hpp"
#include "job/job_spec.hpp"

namespace orrery {

/// A machine, its surroundings, its limits and what it does. Threads may evaluate workloads on one.
struct Machine {
  std::unique_ptr<Platform> platform;
  std::unique_ptr<const CollectiveModel> collectives;  ///< never null
  std::unique_ptr<const Workload> workload;
  std::unique_ptr<const ServerCooling> cooling;  ///< null where the server says nothing of it
  OperationSpec operation;
};

/// Servers that the job singles out, or that hold the slowest device that the seed draws, are
/// singled out. @throws ConfigError with every mistake of the scenario.
Machine make_machine(const Scenario& scenario, const Registry& registry);
/// The same without a workload: that of the scenario is not looked at.
Machine make_idle_machine(const Scenario& scenario, const Registry& registry);
/// The workload of a resolved `workload` map. @throws ConfigError with every mistake of the map.
std::unique_ptr<const Workload> make_workload(const Node& workload, const Registry& registry);

/// Every kind of device at work on a job of so many devices, without communication, under the
/// limits of the scenario.
std::vector<DevicePoint> device_points(const Machine& machine, OperatingPoint::Regime regime,
                                       int devices);

}  // namespace orrery
