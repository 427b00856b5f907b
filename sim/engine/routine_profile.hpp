#pragma once
/// What a routine costs alone on a device, in closed form.

#include <vector>

#include <orrery/outline.hpp>
#include <orrery/step_result.hpp>

#include "engine/cost_table.hpp"

namespace orrery {

/// Index into Tiles.
inline std::size_t at(Tile tile) { return static_cast<std::size_t>(tile); }

/// Communication kernels at work beside computation.
struct Beside {
  int multiprocessors = 0;
  BytesPerSecond memory{};
  double link[2] = {0, 0};  ///< share of the transfer in which a LinkClass is busy, [0, 1]
};

/// Times of a routine with nothing else under way on its rank. They add up for routines in a row.
struct RoutineProfile {
  Seconds time{};
  Seconds compute{};    ///< part of `time` bound by the matrix or vector units
  Seconds memory{};     ///< part of `time` bound by memory bandwidth
  Seconds link[2]{};    ///< part of `time` in which a collective holds a LinkClass
  Seconds launching{};  ///< host time for its launches
  /// The routine is delayed when the host is later than so much before its start: the greatest
  /// excess of launches over kernels up to any of its operations (max-plus algebra).
  Seconds host_excess{-1e30};
  Tiles tiles{};       ///< sum to `time`
  bool closed = true;  ///< nothing goes on beside it after its end, and it waits for nothing

  /// This, then `next`.
  void append(const RoutineProfile& next);
  /// This, `times` times over.
  [[nodiscard]] RoutineProfile repeated(std::uint32_t times) const;
};

/// Profiles of all routines of an outline on one kind of device.
class RoutineProfiles {
 public:
  /// Keeps references.
  RoutineProfiles(const Outline& outline, const CostTable& costs, Seconds launch_time, int kind);

  [[nodiscard]] const RoutineProfile& of(std::uint32_t routine) const { return profiles_[routine]; }
  /// Of an operation that holds the compute stream.
  [[nodiscard]] RoutineProfile of(const Op& op) const;
  [[nodiscard]] Beside beside(std::uint32_t collective) const;
  /// How much slower `profile` runs beside that; at least 1.
  [[nodiscard]] double slowdown(const RoutineProfile& profile, const Beside& with) const;

 private:
  [[nodiscard]] RoutineProfile profile(const Routine& routine) const;

  const Outline& outline_;
  const CostTable& costs_;
  Seconds launch_time_;
  int kind_;
  std::vector<RoutineProfile> profiles_;
};

}  // namespace orrery
