#include "cooling/speed_control.hpp"

#include <algorithm>
#include <cmath>

namespace orrery::cooling {

double ramped(double speed, double target, Seconds interval, Seconds ramp) {
  const double most = interval / ramp;
  return std::clamp(target, speed - most, speed + most);
}

namespace {

using namespace schema;

void check_band(Reader& reader, const Band& band) {
  if (!reader.diagnostics().empty() || band.high > band.low) return;
  reader.error("high", "full speed must be at a higher temperature than 'low'; expected above " +
                           to_text(band.low) + "; got '" + to_text(band.high) + "'");
}

const Schema<Band>& band_schema() {
  static const Schema<Band> result("band",
                                   {required("low", &Band::low, "least speed up to it"),
                                    required("high", &Band::high, "full speed from it on")},
                                   check_band);
  return result;
}

const Schema<FloorPoint>& floor_schema() {
  using F = FloorPoint;
  static const Schema<F> result(
      "floor", {required("at", &F::inlet, "of the inlet; rising"),
                required("speed", &F::speed, between(0.0, 1.0), "at least, of the highest")});
  return result;
}

void check_floor(Reader& reader, const SpeedSpec& spec) {
  std::vector<Reader> points = reader.children("inlet", false);
  for (std::size_t i = 1; i < spec.floor.size(); ++i) {
    if (spec.floor[i].inlet > spec.floor[i - 1].inlet) continue;
    points[i].error("at",
                    "inlet temperatures must rise; got '" + to_text(spec.floor[i].inlet) + "'");
  }
}

}  // namespace

const Schema<SpeedSpec>& speed_schema() {
  using S = SpeedSpec;
  static const Schema<S> result(
      "control",
      {required("die", &S::die, &band_schema(), "of the hottest die"),
       required("memory", &S::memory, &band_schema(), "of the hottest HBM"),
       required("ramp", &S::ramp, positive, "from standstill to full speed"),
       optional("inlet", &S::floor, &floor_schema(), "a floor of the speed by inlet temperature")},
      check_floor);
  return result;
}

double SpeedControl::demand(const Band& band, Temperature hottest) const {
  const double share = (hottest - band.low) / (band.high - band.low);
  return least_ + (1 - least_) * std::clamp(share, 0.0, 1.0);
}

double SpeedControl::floor(Temperature inlet) const {
  if (spec_.floor.empty() || inlet < spec_.floor.front().inlet) return least_;
  for (std::size_t i = 1; i < spec_.floor.size(); ++i) {
    const FloorPoint &from = spec_.floor[i - 1], &to = spec_.floor[i];
    if (inlet < to.inlet)
      return from.speed +
             (to.speed - from.speed) * ((inlet - from.inlet) / (to.inlet - from.inlet));
  }
  return spec_.floor.back().speed;
}

double SpeedControl::next(double speed, const ControlInput& input, Seconds settling) const {
  const double die = demand(spec_.die, input.die), memory = demand(spec_.memory, input.memory);
  const bool die_leads = die >= memory;
  const Band& band = die_leads ? spec_.die : spec_.memory;
  const Kelvins rise = max((die_leads ? input.die : input.memory) - input.inlet, Kelvins{});
  const double gain = (1 - least_) * (rise / (band.high - band.low)) / speed;
  const double settled = 1 - std::exp(-(input.interval / settling));
  const double target = std::max({die, memory, floor(input.inlet)});
  const double eased = speed + (target - speed) / (1 + 2 * gain * settled);
  return std::clamp(ramped(speed, eased, input.interval, spec_.ramp), least_, 1.0);
}

}  // namespace orrery::cooling
