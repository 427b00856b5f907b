#pragma once
/// Steps that were simulated, by the operating points of the devices.

#include <functional>
#include <map>
#include <vector>

#include <orrery/step_result.hpp>

namespace orrery {

/// The state of all devices of a kind, as far as it bears on a step.
struct KindPoint {
  Temperature die = Temperature::celsius(65);
  Watts cap{};            ///< zero: the device's own
  Hertz clock_limit{};    ///< zero: none
  double deviations = 0;  ///< OperatingPoint::slowest_deviations
  friend auto operator<=>(const KindPoint&, const KindPoint&) = default;
};
/// One per Platform::kinds().
using KindPoints = std::vector<KindPoint>;

/// Simulates a step at the given points. Temperatures are whole kelvins.
using StepFunction = std::function<StepResult(const KindPoints&)>;

class StepCache {
 public:
  explicit StepCache(StepFunction step) : step_(std::move(step)) {}
  /// The step at `points`, their temperatures rounded to whole kelvins: as the last time, unless
  /// one is further than three quarters of a kelvin from there. Simulated if it is not known. Valid
  /// until the cache ends.
  const StepResult& at(const KindPoints& points);
  /// The points of the last step, rounded.
  [[nodiscard]] const KindPoints& points() const { return rounded_; }
  [[nodiscard]] int evaluations() const { return static_cast<int>(known_.size()); }

 private:
  StepFunction step_;
  std::map<KindPoints, StepResult> known_;
  KindPoints rounded_;
  const StepResult* last_ = nullptr;
};

}  // namespace orrery
