#include "study/limit_bounds.hpp"

#include <fmt/format.h>

#include <orrery/report.hpp>

#include "scenario/report_parts.hpp"

namespace orrery {
namespace {

bool of_memory(const Limit& limit) { return limit.metric.starts_with("memory."); }
bool of_throughput(const Limit& limit) { return limit.metric.starts_with("throughput."); }
// All other numbers of the throughput are rates, which fall as it grows.
bool of_step(const Limit& limit) { return limit.metric == "throughput.step_time_s"; }

// The lowest of a device, for the greatest share of it.
FlopsPerSecond lowest_peak(const Platform& platform, Dtype dtype) {
  FlopsPerSecond lowest = platform.accelerator().peak(dtype);
  for (const DeviceKind& kind : platform.kinds())
    lowest = min(lowest, kind.accelerator->peak(dtype));
  return lowest;
}

// `value` is of the shortest step that there may be.
bool beyond(const Limit& limit, double value) {
  const bool too_low = limit.least && value < *limit.least;
  const bool too_high = limit.most && value > *limit.most;
  if (of_memory(limit)) return too_low || too_high;
  return of_step(limit) ? too_high : too_low;
}

}  // namespace

LimitBounds::LimitBounds(const Machine& machine, const std::vector<Limit>& limits)
    : machine_(machine) {
  Report any;
  any.memory.emplace();
  any.throughput.emplace();
  for (const Limit& limit : limits) {
    if (!of_memory(limit) && !of_throughput(limit)) continue;
    (void)value_of(any, limit);
    bounded_.push_back(&limit);
  }
}

const Limit* LimitBounds::out_of_reach(const Workload& workload, Seconds least) const {
  if (bounded_.empty()) return nullptr;
  const Platform& platform = *machine_.platform;
  Report report;
  if (const std::optional<MemoryUse> use = workload.memory(platform)) {
    report.memory = {.fits = use->total() <= platform.memory_capacity(),
                     .capacity = platform.memory_capacity(),
                     .use = *use,
                     .advice = ""};
  }
  const std::optional<StepWork> work = workload.work(platform);
  if (work && least > Seconds(0)) {
    report.throughput = throughput_of(*work, least, lowest_peak(platform, work->dtype));
  }
  for (const Limit* limit : bounded_) {
    const bool known =
        of_memory(*limit) ? report.memory.has_value() : report.throughput.has_value();
    if (known && beyond(*limit, value_of(report, *limit))) return limit;
  }
  return nullptr;
}

double value_of(const Report& report, const Limit& limit) {
  try {
    return metric(report, limit.metric);
  } catch (const ConfigError& unknown) {
    throw ConfigError(fmt::format("{}: {}", limit.where.text(), unknown.what()));
  }
}

}  // namespace orrery
