#pragma once
/// How fast fans or pumps should run.

#include <vector>

#include <orrery/cooling.hpp>
#include <orrery/reader.hpp>

namespace orrery::cooling {

/// Least speed up to `low`, full speed from `high`, straight between them.
struct Band {
  Temperature low{};
  Temperature high{};
};

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
  /// Reads `die`, `memory` (bands), `ramp` and `inlet` (points of the floor; may be absent).
  static SpeedControl read(Reader reader, double least);
  /// The next speed, in [least, 1]. `settling` is the sink's time constant.
  [[nodiscard]] double next(double speed, const ControlInput& input, Seconds settling) const;

 private:
  struct Point {
    Temperature inlet{};
    double speed = 0;
  };
  [[nodiscard]] double demand(const Band& band, Temperature hottest) const;
  [[nodiscard]] double floor(Temperature inlet) const;
  static Band read_band(Reader reader);
  void read_floor(Reader& reader);
  double least_ = 0;
  Band die_;
  Band memory_;
  Seconds ramp_{};
  std::vector<Point> floor_;
};

/// `target` if it is at most interval / ramp away from `speed`, else as near as that allows.
double ramped(double speed, double target, Seconds interval, Seconds ramp);

}  // namespace orrery::cooling
