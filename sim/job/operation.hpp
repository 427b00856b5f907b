#pragma once
/// The loop between power, heat, clocks and steps: a machine at rest under its job, or followed
/// over hours and days.

#include <orrery/operation_report.hpp>
#include <orrery/platform.hpp>
#include <orrery/workload.hpp>

#include "job/job_spec.hpp"
#include "job/step_cache.hpp"

namespace orrery {

struct OperationInputs {
  const Platform& platform;
  const ServerCooling* cooling = nullptr;  ///< null where the server says nothing of it
  const OperationSpec& spec;
  const StepWork& work;
  bool follow_job = true;  ///< if the spec has one
  StepFunction step;
};

/// What settles, and what the job goes through.
struct Operated {
  StepResult step;  ///< at the settled operating point
  OperationReport report;
  std::vector<std::string> warnings;
};

/// Finds the state in which temperatures, fans, plant, clocks and step agree; then, where the
/// scenario has a job, follows it in time. Every device must have a power model.
/// @throws ConfigError, SimulationError where the plant cannot carry the load.
Operated operate(const OperationInputs& inputs);

/// How far the slowest device of every kind lies below the mean, in standard deviations. Without a
/// seed the expectation over all devices; with one, of drawn devices: `slowest_server` holds the
/// slowest, the others run as the mean of their servers' slowest.
struct Spread {
  int slowest_server = -1;  ///< none without a seed
  double slowest = 0, others = 0;
};
Spread spread_of(int servers, int devices_per_server, std::optional<std::uint64_t> seed);

}  // namespace orrery
