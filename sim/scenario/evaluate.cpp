#include "scenario/evaluate.hpp"

#include <algorithm>
#include <optional>

#include "engine/estimator.hpp"
#include "engine/executor.hpp"
#include "engine/outline_summary.hpp"
#include "engine/step_energy.hpp"
#include "folding/occupied.hpp"
#include "job/job_rows.hpp"
#include "job/operation.hpp"
#include "kernel/kernel.hpp"
#include "scenario/report_parts.hpp"
#include "scenario/transfer_report.hpp"

namespace orrery {
namespace {

// Whether there is a loop to close: long work on devices whose power is known.
bool can_operate(const Machine& machine, const LoweredWorkload& lowered) {
  if (lowered.regime != OperatingPoint::Regime::Sustained) return false;
  const auto& kinds = machine.platform->kinds();
  return std::all_of(kinds.begin(), kinds.end(),
                     [](const DeviceKind& kind) { return kind.accelerator->power() != nullptr; });
}

// Evaluates steps of one workload at operating points.
class Steps {
 public:
  Steps(const Machine& machine, const LoweredWorkload& lowered, const EvaluateOptions& options)
      : machine_(machine), lowered_(lowered), options_(options) {}

  // At the points of the machine at work, as OperatingPoint has them.
  StepResult alone() { return at(device_points(machine_, lowered_.regime, lowered_.work.devices)); }
  StepResult at(const KindPoints& points) {
    std::vector<DevicePoint> devices =
        device_points(machine_, lowered_.regime, lowered_.work.devices);
    for (std::size_t kind = 0; kind < devices.size(); ++kind) {
      OperatingPoint& point = devices[kind].point;
      point.temperature = points[kind].die;
      point.power_cap = points[kind].cap;
      point.clock_limit = points[kind].clock_limit;
      point.slowest_deviations = points[kind].deviations;
    }
    return at(std::move(devices));
  }
  // Of the last step. What it says of collectives is the same at every point.
  [[nodiscard]] const CostTable& costs() const { return *costs_; }

 private:
  StepResult at(std::vector<DevicePoint> devices) {
    costs_.emplace(lowered_.outline, std::move(devices), *machine_.collectives);
    StepResult step = options_.fidelity == Fidelity::Analytic
                          ? estimate(lowered_.outline, *costs_, lowered_.launch_time)
                          : by_events();
    summarise(lowered_.outline, *costs_, step);
    if (options_.operate) add_energy(lowered_.outline, *costs_, step);
    return step;
  }

  StepResult by_events() {
    if (!schedule_) schedule_.emplace(lowered_.outline);
    const auto kernel = make_kernel();
    return execute(*schedule_, *costs_,
                   {.launch_time = lowered_.launch_time,
                    .coalesce = options_.coalesce,
                    .power_trace = options_.operate && options_.power_trace},
                   *kernel);
  }

  const Machine& machine_;
  const LoweredWorkload& lowered_;
  const EvaluateOptions& options_;
  std::optional<CostTable> costs_;
  std::optional<Schedule> schedule_;  // the same at every point
};

void run_operation(const Machine& machine, const LoweredWorkload& lowered, bool follow_job,
                   Steps& steps, Report& report) {
  const int each = machine.platform->devices_per_server();
  check_operation(machine.operation, machine.platform->accelerator(),
                  occupied_servers(lowered.work, each).back() + 1);
  Operated operated =
      operate({.platform = *machine.platform,
               .cooling = machine.cooling.get(),
               .spec = machine.operation,
               .work = lowered.work,
               .follow_job = follow_job,
               .step = [&steps](const KindPoints& points) { return steps.at(points); }});
  report.step = std::move(operated.step);
  report.operation = std::move(operated.report);
  report.operation->step_series = step_rows(report.step, report.rank_names);
  for (std::string& warning : operated.warnings) report.warnings.push_back(std::move(warning));
}

Report report_of(const Platform& platform, const LoweredWorkload& lowered, Fidelity fidelity) {
  Report report;
  report.system = platform.name();
  report.accelerator = platform.accelerator().name();
  report.devices = lowered.work.devices;
  report.machine_devices = platform.devices();
  report.device_names = occupied_devices(lowered.work, platform);
  report.fidelity = to_text(fidelity);
  report.warnings = lowered.warnings;
  for (const RepresentedRank& rank : lowered.outline.ranks) report.rank_names.push_back(rank.name);
  if (lowered.memory) report.memory = memory_report(lowered, platform);
  return report;
}

}  // namespace

EvaluateOptions options_of(const Scenario& scenario, const Machine& machine) {
  return {.fidelity = scenario.fidelity,
          .fold = scenario.fold,
          .coalesce = scenario.coalesce,
          .ignore_memory = scenario.ignore_memory,
          .operate = true,
          .follow_job = true,
          .power_trace = machine.operation.record.step};
}

Report evaluate(const Machine& machine, const Workload& workload, const EvaluateOptions& options) {
  const Platform& platform = *machine.platform;
  const LoweredWorkload lowered = workload.lower(
      platform, {.fold = options.fold, .shorten = options.fidelity == Fidelity::Analytic});
  Report report = report_of(platform, lowered, options.fidelity);
  if (report.memory && !report.memory->fits) {
    if (!options.ignore_memory) return report;
    report.warnings.emplace_back("the job does not fit in device memory; simulated as if it did");
  }
  EvaluateOptions step_options = options;
  step_options.operate = options.operate && can_operate(machine, lowered);
  Steps steps(machine, lowered, step_options);
  if (step_options.operate) {
    run_operation(machine, lowered, options.follow_job, steps, report);
  } else {
    report.step = steps.alone();
  }
  add_caveats(platform, steps.costs(), lowered.outline.collectives.size(), report.warnings);
  report.throughput = throughput_of(lowered.work, report.step.step_time,
                                    mean_peak(lowered.outline.ranks, platform, lowered.work.dtype));
  add_transfers(lowered, steps.costs(), report);
  if (lowered.bus_bandwidth) {
    report.collective =
        collective_report(lowered.outline.collectives.front(), steps.costs().collective(0),
                          lowered.others, report.step.step_time);
  }
  return report;
}

}  // namespace orrery
