#include "accelerator/gpu_clock.hpp"

#include <cmath>

namespace orrery::accelerator {

Hertz clock(const ClockSpec& spec, OperatingPoint::Regime regime, const ClockDemand& demand) {
  const LoadClock& load = spec.of(demand.dtype);
  const bool sustained = regime == OperatingPoint::Regime::Sustained;
  const double slowest = 1.0 - spec.spread * demand.slowest_deviations;
  const double power = spec.base_activity + (1.0 - spec.base_activity) * demand.tensor_duty;
  const Hertz limit = min(
      spec.boost, (sustained ? load.sustained * slowest : load.limited) * (1.0 / std::cbrt(power)));
  if (sustained) return demand.ratio * limit;

  const Hertz start = max(load.burst, limit);
  const double elapsed = demand.duration / spec.settle;
  if (elapsed < 1e-6) return demand.ratio * start;  // the mean below is 0/0
  return demand.ratio * (limit + (start - limit) * ((1.0 - std::exp(-elapsed)) / elapsed));
}

}  // namespace orrery::accelerator
