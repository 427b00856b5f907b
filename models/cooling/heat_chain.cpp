#include "cooling/heat_chain.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include <orrery/error.hpp>

#include "cooling/exchanger.hpp"

namespace orrery::cooling {
namespace {

constexpr Temperature kBoiling = Temperature::celsius(95);
constexpr int kWaterHalvings = 50;
// Sub-steps are this part of the quickest loop's time constant: within 0.1 K of finer ones.
constexpr double kStep = 0.2;
constexpr double kMostSteps = 20000;

// Nobody is cooled by the chain: its fans and pumps are off.
bool stands(Watts load, WattsPerKelvin stream) {
  return load <= Watts(0) && stream <= WattsPerKelvin(0);
}

}  // namespace

// What flows at one instant. All heat is booked before temperatures move, so that nothing is lost.
struct HeatChain::Flows {
  Watts to_water{};    // from the medium, or to the outdoors
  Watts from_water{};  // rejected
  Watts rejection{};   // electricity of rejecting
  Temperature supply;  // of the medium
};

HeatChain::Flows HeatChain::flows(WattsPerKelvin stream, const Weather& weather) const {
  Flows now;
  // Valves take no more than brings the medium to its set point.
  const Watts wanted = stream * max(Kelvins(0), medium_ - spec_.supply);
  if (spec_.outdoor_air) {
    const Watts most = stream * max(Kelvins(0), medium_ - weather.dry_bulb);
    now.to_water = movers_lost ? Watts(0) : min(wanted, most);
  } else {
    const Watts cold_wanted = spec_.water * max(Kelvins(0), water_ - spec_.water_supply);
    const Rejected rejected =
        chiller_lost ? Rejected{}
                     : spec_.rejection->reject(cold_wanted, water_, spec_.water, weather);
    now.from_water = rejected.heat;
    now.rejection = rejected.power;
    const Temperature cold = water_ - rejected.heat / spec_.water;
    const Watts most = exchange(spec_.ua, stream, spec_.water) * max(Kelvins(0), medium_ - cold);
    now.to_water = movers_lost ? Watts(0) : min(wanted, most);
  }
  now.supply = stream > WattsPerKelvin(0) ? medium_ - now.to_water / stream : medium_;
  return now;
}

void HeatChain::advance(Watts load, WattsPerKelvin stream, const Weather& weather,
                        Seconds interval) {
  electricity_ = rejected_ = stored_ = Joules(0);
  if (stands(load, stream)) return;
  const bool air = spec_.outdoor_air;
  const Seconds medium_time = spec_.capacity / max(stream, WattsPerKelvin(1e-3));
  const Seconds water_time = air ? medium_time : spec_.water_capacity / spec_.water;
  const double steps =
      std::clamp(std::ceil(interval / (kStep * min(medium_time, water_time))), 1.0, kMostSteps);
  const Seconds step = interval / steps;
  const Watts movers = movers_lost ? Watts(0) : spec_.mover_power;
  for (double i = 0; i < steps; i += 1) {
    const Flows now = flows(stream, weather);
    const Watts into_medium = load + movers - now.to_water;
    medium_ = medium_ + into_medium * step / spec_.capacity;
    stored_ += into_medium * step;
    electricity_ += (movers + now.rejection) * step;
    rejected_ += now.rejection * step;
    if (air) {
      rejected_ += now.to_water * step;
    } else {
      const Watts into_water = now.to_water + spec_.water_pump - now.from_water;
      water_ = water_ + into_water * step / spec_.water_capacity;
      stored_ += into_water * step;
      electricity_ += spec_.water_pump * step;
      rejected_ += now.from_water * step;
    }
  }
  const Flows now = flows(stream, weather);
  supply_ = now.supply;
  power_ = movers + now.rejection + (air ? Watts(0) : spec_.water_pump);
}

// Water as warm as it must be to reject all, then the medium as warm as it must be to pass all on.
Temperature HeatChain::medium_at_rest(Watts load, WattsPerKelvin stream, const Weather& weather) {
  const Temperature held = spec_.supply + load / stream;
  if (spec_.outdoor_air) return max(held, weather.dry_bulb + load / stream);
  const Watts through = load + spec_.water_pump;
  const Temperature needed = spec_.water_supply + through / spec_.water;
  Temperature low = needed, high = kBoiling;
  const auto enough = [&](Temperature at) {
    return spec_.rejection->reject(through, at, spec_.water, weather).heat >= 0.999999 * through;
  };
  if (!enough(high)) {
    throw SimulationError(fmt::format(
        "the building cannot reject {}: its heat rejection is too small for it, at {} outdoors",
        to_text(through), to_text(weather.dry_bulb)));
  }
  if (enough(low)) {
    high = low;
  } else {
    for (int i = 0; i < kWaterHalvings; ++i) {
      const Temperature middle = low + (high - low) * 0.5;
      (enough(middle) ? high : low) = middle;
    }
  }
  water_ = high;
  const Temperature cold = water_ - through / spec_.water;
  return max(held, cold + load / exchange(spec_.ua, stream, spec_.water));
}

void HeatChain::settle(Watts load, WattsPerKelvin stream, const Weather& weather) {
  if (stands(load, stream)) {
    supply_ = medium_ = spec_.supply;
    power_ = Watts(0);
    return;
  }
  const Watts all = load + spec_.mover_power;
  const WattsPerKelvin rate = max(stream, WattsPerKelvin(1e-3));
  medium_ = medium_at_rest(all, rate, weather);
  if (medium_ > kBoiling) {
    throw SimulationError(fmt::format(
        "the building cannot take up {}: its coolant or air would leave at {}; expected "
        "a larger exchanger or more flow",
        to_text(all), to_text(medium_)));
  }
  const Flows now = flows(rate, weather);
  supply_ = now.supply;
  power_ = spec_.mover_power + now.rejection + (spec_.outdoor_air ? Watts(0) : spec_.water_pump);
}

}  // namespace orrery::cooling
