#pragma once
/// What a device's firmware does when it gets hot.

#include <vector>

#include <orrery/accelerator.hpp>

namespace orrery {

/// Holds the clocks of one kind of device down. Above the operating temperature of die or memory
/// the limit ramps down until that temperature holds; at slowdown it halves; at shutdown it gives
/// up.
class Governor {
 public:
  enum class State { Free, Ramped, Slowed, ShutDown };
  explicit Governor(const PowerModel& power) : power_(&power) {}

  /// Moves the limit by the hottest die and memory, `interval` after the last update, while kernels
  /// run at `clock`.
  void update(Temperature die, Temperature memory, Hertz clock, Seconds interval);
  [[nodiscard]] State state() const { return state_; }
  /// Zero: none.
  [[nodiscard]] Hertz limit() const { return limit_; }

 private:
  const PowerModel* power_;
  State state_ = State::Free;
  Hertz limit_{};
};

}  // namespace orrery
