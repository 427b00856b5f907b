#include "scenario/machine.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "engine/estimator.hpp"
#include "engine/executor.hpp"
#include "engine/outline_summary.hpp"
#include "kernel/kernel.hpp"

namespace orrery {
namespace {

// Stands in where the system says nothing about communication: nothing may ask it.
class NoCollectives final : public CollectiveModel {
 public:
  CollectiveCost cost(const CollectiveRequest&) const override {
    throw ConfigError("system: missing key 'communication', which the workload's collectives need");
  }
};

// Of the machine's devices.
FlopsPerSecond mean_peak(const Platform& platform, Dtype dtype) {
  FlopsPerSecond sum{};
  for (const DeviceKind& kind : platform.kinds()) {
    sum += kind.accelerator->peak(dtype) * static_cast<double>(kind.devices);
  }
  return sum / static_cast<double>(platform.devices());
}

Throughput throughput_of(const StepWork& work, Seconds step, const Platform& platform) {
  Throughput result;
  result.step_time = step;
  result.tokens_per_second = work.tokens / step.si();
  result.samples_per_second = work.samples / step.si();
  result.tokens_per_second_per_device = result.tokens_per_second / work.devices;
  result.model_per_device = work.model_flops / step / static_cast<double>(work.devices);
  result.hardware_per_device = work.hardware_flops / step / static_cast<double>(work.devices);
  const FlopsPerSecond peak = mean_peak(platform, work.dtype);
  if (peak.si() > 0) {
    result.mfu = result.model_per_device / peak;
    result.hfu = result.hardware_per_device / peak;
  }
  return result;
}

// What the result rests on that was never measured, each once, in order.
void add_caveats(const Platform& platform, const CostTable& costs, std::size_t collectives,
                 std::vector<std::string>& warnings) {
  std::vector<std::string> caveats;
  for (const DeviceKind& kind : platform.kinds()) caveats.push_back(kind.accelerator->caveat());
  for (std::uint32_t i = 0; i < collectives; ++i) caveats.push_back(costs.collective(i).caveat);
  for (const std::string& caveat : caveats) {
    const std::string text = "estimate: " + caveat;
    const bool known = std::find(warnings.begin(), warnings.end(), text) != warnings.end();
    if (!caveat.empty() && !known) warnings.push_back(text);
  }
}

// nccl-tests: bus bandwidth is what each link carries, whatever the number of ranks.
CollectiveReport collective_report(const CollectiveUse& use, const CollectiveCost& cost,
                                   Seconds time) {
  const double n = use.request.layout.ranks;
  const double factor = [&] {
    switch (use.request.kind) {
      case CollectiveKind::AllReduce:
        return 2 * (n - 1) / n;
      case CollectiveKind::AllGather:
      case CollectiveKind::ReduceScatter:
      case CollectiveKind::AllToAll:
        return (n - 1) / n;
      case CollectiveKind::Broadcast:
      case CollectiveKind::SendRecv:
        return 1.0;
    }
    return 1.0;
  }();
  const BytesPerSecond algorithm = use.request.bytes / time;
  return {.algorithm = cost.algorithm,
          .protocol = cost.protocol,
          .algorithm_bandwidth = algorithm,
          .bus_bandwidth = algorithm * factor};
}

StepResult step_of(const LoweredWorkload& lowered, const CostTable& costs,
                   const EvaluateOptions& options) {
  StepResult step;
  if (options.fidelity == Fidelity::Analytic) {
    step = estimate(lowered.outline, costs, lowered.launch_time);
  } else {
    const Program program = flatten(lowered.outline);
    const auto kernel = make_simgrid_kernel();
    step = execute(program, costs,
                   {.launch_time = lowered.launch_time, .coalesce = options.coalesce}, *kernel);
  }
  summarise(lowered.outline, costs, step);
  return step;
}

// Whether the job fits, and what would make it.
MemoryReport memory_report(const LoweredWorkload& lowered, const Platform& platform) {
  const bool fits = lowered.memory->total() <= platform.memory_capacity();
  return {.fits = fits,
          .capacity = platform.memory_capacity(),
          .use = *lowered.memory,
          .advice = fits ? "" : lowered.memory_advice};
}

}  // namespace

Machine make_machine(const Scenario& scenario, const Registry& registry) {
  Diagnostics diagnostics;
  Machine machine;
  Reader system(scenario.system, "system", diagnostics);
  machine.platform = std::make_unique<Platform>(system, [&](Reader& reader) {
    return std::shared_ptr<const Accelerator>(registry.accelerators.make(reader, "model"));
  });
  Reader workload(scenario.workload, "workload", diagnostics);
  machine.workload = registry.workloads.make(workload, "kind", "training");
  const Node& communication = machine.platform->communication();
  if (communication.kind() != Node::Kind::Null) {
    Reader reader(communication, "communication", diagnostics);
    machine.collectives = registry.collectives.make(reader, "model");
  }
  diagnostics.throw_if_any();
  if (!machine.collectives) machine.collectives = std::make_unique<NoCollectives>();
  return machine;
}

std::vector<DevicePoint> device_points(const Platform& platform, OperatingPoint::Regime regime,
                                       int devices) {
  std::vector<DevicePoint> points;
  for (const DeviceKind& kind : platform.kinds()) {
    points.push_back({.accelerator = kind.accelerator.get(),
                      .point = {.regime = regime,
                                .slowest_deviations = expected_slowest(devices),
                                .clock = kind.clock}});
  }
  return points;
}

Report evaluate(const Machine& machine, const Workload& workload, const EvaluateOptions& options) {
  const Platform& platform = *machine.platform;
  const LoweredWorkload lowered = workload.lower(
      platform, {.fold = options.fold, .shorten = options.fidelity == Fidelity::Analytic});
  Report report;
  report.system = platform.name();
  report.accelerator = platform.accelerator().name();
  report.devices = lowered.work.devices;
  report.fidelity = to_text(options.fidelity);
  report.warnings = lowered.warnings;
  for (const RepresentedRank& rank : lowered.outline.ranks) report.rank_names.push_back(rank.name);
  if (lowered.memory) {
    report.memory = memory_report(lowered, platform);
    if (!report.memory->fits && !options.ignore_memory) return report;
    if (!report.memory->fits)
      report.warnings.push_back("the job does not fit in device memory; simulated as if it did");
  }
  const CostTable costs(lowered.outline,
                        device_points(platform, lowered.regime, lowered.work.devices),
                        *machine.collectives);
  report.step = step_of(lowered, costs, options);
  add_caveats(platform, costs, lowered.outline.collectives.size(), report.warnings);
  report.throughput = throughput_of(lowered.work, report.step.step_time, platform);
  if (lowered.bus_bandwidth) {
    report.collective = collective_report(lowered.outline.collectives.front(), costs.collective(0),
                                          report.step.step_time);
  }
  return report;
}

}  // namespace orrery
