#include "accelerator/gpu_clock.hpp"

#include <cmath>

namespace orrery::accelerator {
namespace {

Hertz burst_clock(const ClockSpec& spec, const KernelDemand& demand, double tensor_duty) {
  const LoadClock& load = spec.of(demand.dtype);
  const double power = spec.base_activity + (1.0 - spec.base_activity) * tensor_duty;
  const Hertz limit = min(spec.boost, load.limited * (1.0 / std::cbrt(power)));
  const Hertz start = max(load.burst, limit);
  const double elapsed = demand.burst / spec.settle;
  if (elapsed < 1e-6) return start;  // the mean below is 0/0
  return limit + (start - limit) * ((1.0 - std::exp(-elapsed)) / elapsed);
}

}  // namespace

Resolved run_kernel(const Spec& spec, const GpuPower& power, const OperatingPoint& point,
                    const KernelDemand& demand, double tensor_duty) {
  if (point.regime == OperatingPoint::Regime::Sustained) return power.resolve(demand, point);
  const Hertz clock = burst_clock(spec.clock, demand, tensor_duty) * point.clock;
  return {.clock = clock,
          .time = demand.time(clock),
          .power = power.at(demand, clock, point.temperature),
          .capped = false};
}

void note(const Resolved& resolved, Cost& cost) {
  cost.time = resolved.time;
  cost.clock = resolved.clock;
  cost.power = resolved.power;
  cost.capped = resolved.capped;
}

}  // namespace orrery::accelerator
