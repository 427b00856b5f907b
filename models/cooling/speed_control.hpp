#pragma once
/// How fast fans or pumps should run.

#include <utility>
#include <vector>

#include <orrery/cooling.hpp>
#include <orrery/schema.hpp>

namespace orrery::cooling {

/// Least speed up to `low`, full speed from `high`, straight between them.
struct Band {
  Temperature low{};
  Temperature high{};
};

/// Least speed at an inlet temperature.
struct FloorPoint {
  Temperature inlet{};
  double speed = 0;
};

struct SpeedSpec {
  Band die;
  Band memory;
  Seconds ramp{};
  std::vector<FloorPoint> floor;  ///< rising in temperature; linear between, held beyond the last
};
const Schema<SpeedSpec>& speed_schema();

/// A proportional controller of the hottest die and memory, with a floor by inlet temperature.
///
///   demand = max over die, memory of  s_min + (1 - s_min) clamp((T - low) / (high - low), 0, 1)
///   s'     = s + (max(demand, floor(T_in)) - s) / (1 + 2 g (1 - e^(-dt/tau)))
///   g      = (T - T_in) / s (1 - s_min) / (high - low)   of whichever of die and memory leads
///
/// and at most dt / ramp faster or slower than s. g is the loop's gain (a rise over the inlet goes
/// about as 1 / s) and tau the sink's time constant. With 1 + g (...) a step of any length would
/// land on the balance of a server that answers at once; the 2 leaves room for its lag.
class SpeedControl {
 public:
  SpeedControl(SpeedSpec spec, double least) : spec_(std::move(spec)), least_(least) {}
  /// The next speed, in [least, 1]. `settling` is the sink's time constant.
  [[nodiscard]] double next(double speed, const ControlInput& input, Seconds settling) const;

 private:
  [[nodiscard]] double demand(const Band& band, Temperature hottest) const;
  [[nodiscard]] double floor(Temperature inlet) const;
  SpeedSpec spec_;
  double least_;
};

/// `target` if it is at most interval / ramp away from `speed`, else as near as that allows.
double ramped(double speed, double target, Seconds interval, Seconds ramp);

}  // namespace orrery::cooling
