#include "scenario/machine.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "engine/estimator.hpp"
#include "engine/executor.hpp"
#include "engine/outline_summary.hpp"
#include "engine/step_energy.hpp"
#include "folding/occupied.hpp"
#include "job/job_rows.hpp"
#include "job/operation.hpp"
#include "kernel/kernel.hpp"
#include "scenario/transfer_report.hpp"

namespace orrery {
namespace {

// Stands in where the system says nothing about communication: nothing may ask it.
class NoCollectives final : public CollectiveModel {
 public:
  CollectiveCost cost(const CollectiveRequest&) const override {
    throw ConfigError("system: missing key 'communication', which the workload's collectives need");
  }
};

Throughput throughput_of(const StepWork& work, Seconds step, FlopsPerSecond peak) {
  Throughput result;
  result.step_time = step;
  result.tokens_per_second = work.tokens / step.si();
  result.samples_per_second = work.samples / step.si();
  result.tokens_per_second_per_device = result.tokens_per_second / work.devices;
  result.model_per_device = work.model_flops / step / static_cast<double>(work.devices);
  result.hardware_per_device = work.hardware_flops / step / static_cast<double>(work.devices);
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
    const auto kernel = make_kernel();
    step = execute(program, costs,
                   {.launch_time = lowered.launch_time,
                    .coalesce = options.coalesce,
                    .power_trace = options.operate && options.power_trace},
                   *kernel);
  }
  summarise(lowered.outline, costs, step);
  if (options.operate) add_energy(lowered.outline, costs, step);
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

// Whether there is a loop to close: long work on devices whose power is known.
bool can_operate(const Machine& machine, const LoweredWorkload& lowered) {
  if (lowered.regime != OperatingPoint::Regime::Sustained) return false;
  const auto& kinds = machine.platform->kinds();
  return std::all_of(kinds.begin(), kinds.end(),
                     [](const DeviceKind& kind) { return kind.accelerator->power() != nullptr; });
}

// Evaluates steps at operating points, and keeps the costs of the last for what the report says of
// its collectives.
StepFunction step_function(const Machine& machine, const LoweredWorkload& lowered,
                           const EvaluateOptions& options) {
  return [&machine, &lowered, options](const KindPoints& points) {
    std::vector<DevicePoint> devices = device_points(machine, lowered.regime, lowered.work.devices);
    for (std::size_t kind = 0; kind < devices.size(); ++kind) {
      OperatingPoint& point = devices[kind].point;
      point.temperature = points[kind].die;
      point.power_cap = points[kind].cap;
      point.clock_limit = points[kind].clock_limit;
      point.slowest_deviations = points[kind].deviations;
    }
    const CostTable costs(lowered.outline, std::move(devices), *machine.collectives);
    return step_of(lowered, costs, options);
  };
}

void run_operation(const Machine& machine, const LoweredWorkload& lowered,
                   const EvaluateOptions& options, Report& report) {
  const int each = machine.platform->devices_per_server();
  check_operation(machine.operation, machine.platform->accelerator(),
                  occupied_servers(lowered.work, each).back() + 1);
  Operated operated = operate({.platform = *machine.platform,
                               .cooling = machine.cooling.get(),
                               .spec = machine.operation,
                               .work = lowered.work,
                               .follow_job = options.follow_job,
                               .step = step_function(machine, lowered, options)});
  report.step = std::move(operated.step);
  report.operation = std::move(operated.report);
  report.operation->step_series = step_rows(report.step, report.rank_names);
  for (std::string& warning : operated.warnings) report.warnings.push_back(std::move(warning));
}

// Servers that are looked at by themselves.
std::vector<int> apart(const OperationSpec& spec, const Platform& platform) {
  std::vector<int> servers = servers_apart(spec);
  const Spread spread =
      spread_of(platform.servers(), platform.devices_per_server(), spec.limits.seed);
  if (spread.slowest_server >= 0) servers.push_back(spread.slowest_server);
  std::sort(servers.begin(), servers.end());
  servers.erase(std::unique(servers.begin(), servers.end()), servers.end());
  std::erase_if(servers, [&](int server) { return server >= platform.servers(); });
  return servers;
}

std::unique_ptr<Platform> make_platform(const Scenario& scenario, const Registry& registry,
                                        std::span<const int> apart, Diagnostics& diagnostics) {
  Reader system(scenario.system, "system", diagnostics);
  return std::make_unique<Platform>(
      system,
      [&](Reader& reader) {
        return std::shared_ptr<const Accelerator>(registry.accelerators.make(reader, "model"));
      },
      apart);
}

}  // namespace

Machine make_machine(const Scenario& scenario, const Registry& registry) {
  Diagnostics diagnostics;
  Machine machine;
  machine.platform = make_platform(scenario, registry, {}, diagnostics);
  Reader workload(scenario.workload, "workload", diagnostics);
  machine.workload = registry.workloads.make(workload, "kind", "training");
  const Node& communication = machine.platform->communication();
  if (communication.kind() != Node::Kind::Null) {
    Reader reader(communication, "communication", diagnostics);
    machine.collectives = registry.collectives.make(reader, "model");
  }
  if (machine.platform->cooling().kind() != Node::Kind::Null) {
    Reader reader(machine.platform->cooling(), "cooling", diagnostics);
    machine.cooling = registry.server_cooling.make(reader, "model");
  }
  machine.operation = read_operation(
      {.environment = scenario.environment, .job = scenario.job, .record = scenario.record},
      registry.plants, diagnostics);
  machine.operation.limits = {.cap = scenario.power_cap,
                              .clock = scenario.clock,
                              .seed = scenario.seed,
                              .cap_at = scenario.cap_at,
                              .clock_at = scenario.clock_at};
  diagnostics.throw_if_any();
  const std::vector<int> servers = apart(machine.operation, *machine.platform);
  if (!servers.empty()) {
    machine.platform = make_platform(scenario, registry, servers, diagnostics);
  }
  if (!machine.collectives) machine.collectives = std::make_unique<NoCollectives>();
  return machine;
}

std::vector<DevicePoint> device_points(const Machine& machine, OperatingPoint::Regime regime,
                                       int devices) {
  std::vector<DevicePoint> points;
  for (const DeviceKind& kind : machine.platform->kinds()) {
    points.push_back({.accelerator = kind.accelerator.get(),
                      .point = {.regime = regime,
                                .slowest_deviations = expected_slowest(devices),
                                .clock = kind.clock,
                                .power_cap = machine.operation.limits.cap,
                                .clock_limit = machine.operation.limits.clock}});
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
  report.machine_devices = platform.devices();
  report.device_names = occupied_devices(lowered.work, platform);
  report.fidelity = to_text(options.fidelity);
  report.warnings = lowered.warnings;
  for (const RepresentedRank& rank : lowered.outline.ranks) report.rank_names.push_back(rank.name);
  if (lowered.memory) {
    report.memory = memory_report(lowered, platform);
    if (!report.memory->fits && !options.ignore_memory) return report;
    if (!report.memory->fits)
      report.warnings.push_back("the job does not fit in device memory; simulated as if it did");
  }
  EvaluateOptions step_options = options;
  step_options.operate = options.operate && can_operate(machine, lowered);
  const CostTable costs(lowered.outline,
                        device_points(machine, lowered.regime, lowered.work.devices),
                        *machine.collectives);
  if (step_options.operate) {
    run_operation(machine, lowered, step_options, report);
  } else {
    report.step = step_of(lowered, costs, step_options);
  }
  add_caveats(platform, costs, lowered.outline.collectives.size(), report.warnings);
  report.throughput = throughput_of(lowered.work, report.step.step_time,
                                    mean_peak(lowered.outline.ranks, platform, lowered.work.dtype));
  add_transfers(lowered, costs, report);
  if (lowered.bus_bandwidth) {
    report.collective = collective_report(lowered.outline.collectives.front(), costs.collective(0),
                                          report.step.step_time);
  }
  return report;
}

}  // namespace orrery
