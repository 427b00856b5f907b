#include "job/operation.hpp"

#include <algorithm>
#include <random>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "engine/cost_table.hpp"
#include "job/job_environment.hpp"
#include "job/job_run.hpp"
#include "job/ledger.hpp"

namespace orrery {
namespace {

// What the machine does not say and the report therefore leaves out or counts as nothing.
void add_unknowns(const OperationInputs& inputs, std::vector<std::string>& warnings) {
  const MachinePower& power = inputs.platform.power();
  if (!power.server.known) {
    warnings.emplace_back(
        "power at the wall is not known: the server has no 'supplies'; power and energy are those "
        "of the devices");
  } else if (!power.server.missing.empty()) {
    warnings.push_back(fmt::format("counted as 0 W, for the server has no power of them: {}",
                                   fmt::join(power.server.missing, ", ")));
  }
  if (power.server.known && !power.fabric.known) {
    warnings.emplace_back("switches of the fabric without 'power' are counted as 0 W");
  }
  if (inputs.cooling != nullptr) return;
  warnings.push_back(
      fmt::format("temperatures are not known: the server has no 'cooling'; dies are taken to be "
                  "at {:.0f} degC",
                  OperatingPoint{}.temperature.celsius()));
}

void add_warnings(const OperationInputs& inputs, const JobEnvironment& environment,
                  Operated& result) {
  std::vector<std::string>& warnings = result.warnings;
  add_unknowns(inputs, warnings);
  const ServerPower& server = inputs.platform.power().server;
  if (inputs.cooling != nullptr && !inputs.cooling->caveat().empty()) {
    warnings.push_back("estimate: " + inputs.cooling->caveat());
  }
  const Plant* plant = inputs.spec.environment.plant.get();
  if (plant != nullptr && !plant->caveat().empty()) {
    warnings.push_back("estimate: " + plant->caveat());
  }
  for (const ServerClass& one : environment.fleet().classes()) {
    const Watts output = one.devices + one.others + one.fans;
    if (output > server.capacity()) {
      warnings.push_back(
          fmt::format("the supplies of a server give {} without their redundant ones; it takes {}",
                      to_text(server.capacity()), to_text(output)));
      break;
    }
  }
  if (inputs.cooling == nullptr) return;
  for (std::size_t kind = 0; kind < inputs.platform.kinds().size(); ++kind) {
    const int index = static_cast<int>(kind);
    const PowerModel& power = *inputs.platform.kinds()[kind].accelerator->power();
    const Temperature die = environment.fleet().hottest_die(index);
    if (die >= power.die_limits().slowdown) {
      warnings.push_back(fmt::format(
          "dies would reach {} even at their lowest clock; the device slows down at {} and shuts "
          "down at {}",
          to_text(die), to_text(power.die_limits().slowdown),
          to_text(power.die_limits().shutdown)));
    } else if (environment.held(kind)) {
      warnings.push_back(fmt::format("clocks are held down by heat: dies at {}", to_text(die)));
    }
  }
}

void fill_steady(const OperationInputs& inputs, JobEnvironment& environment, Operated& result) {
  OperationReport& report = result.report;
  Ledger ledger(environment);
  ledger.add(environment, JobPhase::Training, result.step.step_time);
  ledger.fill(environment, report);
  EnergyReport& energy = report.energy;
  const Watts drawn = report.power.machine
                          ? report.power.facility_mean
                          : report.power.device_mean * static_cast<double>(inputs.work.devices);
  energy.step = drawn * result.step.step_time;
  if (inputs.work.tokens > 0) energy.token = energy.step / inputs.work.tokens;
  energy.device_step = result.step.energy.board;
  energy.device_step_by_phase = result.step.energy.by_tile;
}

}  // namespace

Spread spread_of(int servers, int devices_per_server, std::optional<std::uint64_t> seed) {
  Spread spread;
  if (!seed) {
    spread.slowest = spread.others = expected_slowest(servers * devices_per_server);
    return spread;
  }
  std::mt19937_64 random(*seed);
  std::normal_distribution<double> normal;
  double sum = 0;
  for (int server = 0; server < servers; ++server) {
    double slowest = 0;
    for (int device = 0; device < devices_per_server; ++device) {
      slowest = std::max(slowest, normal(random));
    }
    sum += slowest;
    if (spread.slowest_server >= 0 && slowest <= spread.slowest) continue;
    spread.slowest = slowest;
    spread.slowest_server = server;
  }
  spread.others = servers > 1 ? (sum - spread.slowest) / (servers - 1) : spread.slowest;
  return spread;
}

Operated operate(const OperationInputs& inputs) {
  JobEnvironment environment(inputs);
  environment.settle(JobPhase::Training);
  Operated result;
  result.step = environment.step();
  fill_steady(inputs, environment, result);
  add_warnings(inputs, environment, result);
  if (inputs.spec.job && inputs.follow_job) run_job(inputs, environment, result.report);
  return result;
}

}  // namespace orrery
