#include "cooling/speed_control.hpp"

#include <algorithm>
#include <cmath>

#include "cooling/reading.hpp"

namespace orrery::cooling {

double ramped(double speed, double target, Seconds interval, Seconds ramp) {
  const double most = interval / ramp;
  return std::clamp(target, speed - most, speed + most);
}

Band SpeedControl::read_band(Reader reader) {
  Band band;
  band.low = reader.temperature("low");
  band.high = reader.temperature("high");
  if (reader.diagnostics().empty() && band.high <= band.low) {
    reader.error("high", "full speed must be at a higher temperature than 'low'; expected above " +
                             to_text(band.low) + "; got '" + to_text(band.high) + "'");
  }
  finish(reader);
  return band;
}

void SpeedControl::read_floor(Reader& reader) {
  for (Reader& entry : reader.children("inlet", false)) {
    const Point point{.inlet = entry.temperature("at"), .speed = entry.ratio("speed", 0.0, 1.0)};
    if (!floor_.empty() && point.inlet <= floor_.back().inlet)
      entry.error("at", "inlet temperatures must rise; got '" + to_text(point.inlet) + "'");
    floor_.push_back(point);
    finish(entry);
  }
}

SpeedControl SpeedControl::read(Reader reader, double least) {
  SpeedControl control;
  control.least_ = least;
  control.die_ = read_band(reader.child("die"));
  control.memory_ = read_band(reader.child("memory"));
  control.ramp_ = reader.positive<Seconds>("ramp");
  control.read_floor(reader);
  finish(reader);
  return control;
}

double SpeedControl::demand(const Band& band, Temperature hottest) const {
  const double share = (hottest - band.low) / (band.high - band.low);
  return least_ + (1 - least_) * std::clamp(share, 0.0, 1.0);
}

double SpeedControl::floor(Temperature inlet) const {
  if (floor_.empty() || inlet < floor_.front().inlet) return least_;
  for (std::size_t i = 1; i < floor_.size(); ++i) {
    const Point &from = floor_[i - 1], &to = floor_[i];
    if (inlet < to.inlet)
      return from.speed +
             (to.speed - from.speed) * ((inlet - from.inlet) / (to.inlet - from.inlet));
  }
  return floor_.back().speed;
}

double SpeedControl::next(double speed, const ControlInput& input, Seconds settling) const {
  const double die = demand(die_, input.die), memory = demand(memory_, input.memory);
  const bool die_leads = die >= memory;
  const Band& band = die_leads ? die_ : memory_;
  const Kelvins rise = max((die_leads ? input.die : input.memory) - input.inlet, Kelvins{});
  const double gain = (1 - least_) * (rise / (band.high - band.low)) / speed;
  const double settled = 1 - std::exp(-(input.interval / settling));
  const double target = std::max({die, memory, floor(input.inlet)});
  const double eased = speed + (target - speed) / (1 + 2 * gain * settled);
  return std::clamp(ramped(speed, eased, input.interval, ramp_), least_, 1.0);
}

}  // namespace orrery::cooling
