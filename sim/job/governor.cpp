#include "job/governor.hpp"

#include <algorithm>
#include <cmath>

namespace orrery {
namespace {

// A heated device cools by seconds: the limit moves by this share of the clock for every kelvin and
// second, and no faster than the second one.
constexpr double kGain = 0.005;
constexpr double kFastest = 0.02;
// The limit is let go when there is that much room again.
constexpr Kelvins kRoom(1.0);
constexpr Kelvins kRoomAfterSlowdown(3.0);

}  // namespace

void Governor::update(Temperature die, Temperature memory, Hertz clock, Seconds interval) {
  const ThermalLimits& of_die = power_->die_limits();
  const ThermalLimits& of_memory = power_->memory_limits();
  if (state_ == State::ShutDown) return;
  if (die >= of_die.shutdown || memory >= of_memory.shutdown) {
    state_ = State::ShutDown;
    return;
  }
  const Hertz top = power_->highest_clock();
  const Kelvins above = max(die - of_die.operating, memory - of_memory.operating);
  if (die >= of_die.slowdown || memory >= of_memory.slowdown) {
    state_ = State::Slowed;
    // Never up from where the ramp has come.
    const Hertz half = 0.5 * top;
    limit_ = max(power_->lowest_clock(), limit_ > Hertz(0) ? min(limit_, half) : half);
    return;
  }
  if (state_ == State::Slowed && above > -kRoomAfterSlowdown) return;
  if (state_ == State::Slowed) state_ = State::Ramped;
  if (state_ == State::Free) {
    if (above <= Kelvins(0)) return;
    state_ = State::Ramped;
    limit_ = clock > Hertz(0) ? min(clock, top) : top;
  }
  const double wanted = kGain * (above + 0.5 * kRoom).si() * interval.si();
  const double change = std::clamp(wanted, -kFastest, kFastest);
  limit_ = max(power_->lowest_clock(), limit_ - change * top);
  if (limit_ >= top) {
    state_ = State::Free;
    limit_ = Hertz(0);
  }
}

}  // namespace orrery
