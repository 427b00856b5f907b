#pragma once
/// A training step in outline: routines that are built once, and the passes that run them. `event`
/// spreads each routine out into operations; `analytic` evaluates it as it is.

#include <cstdint>
#include <vector>

#include <orrery/program.hpp>

namespace orrery {

/// One step of a routine: an operation, or a run of another routine on the compute stream.
struct Step {
  static constexpr std::int32_t kNoCall = -1;
  /// In `after`: what ran on the compute stream before the routine.
  static constexpr std::uint32_t kEntry = 0xffffffffU;

  Op op;
  std::int32_t call = kNoCall;  ///< routine to run instead, `repeat` times
  std::uint32_t repeat = 1;
  std::vector<std::uint32_t> after;  ///< earlier steps that it waits for, beyond its stream's order
};

/// Steps in order. Those on one stream run in order, those on different ones side by side.
struct Routine {
  std::vector<Step> steps;
  /// First and last step on the compute stream. @pre a routine that is run has one
  std::uint32_t first_compute = 0;
  std::uint32_t last_compute = 0;
};

/// One run of a routine by a represented rank, such as a microbatch through a model chunk.
struct Pass {
  static constexpr std::int32_t kOnce = -1;
  static constexpr std::int32_t kNothing = -1;

  std::uint32_t rank = 0;
  std::uint32_t routine = 0;
  std::int32_t microbatch = kOnce;  ///< that it belongs to
  bool host_sync = false;           ///< the host waits for what came before, then launches it
  bool joins = false;               ///< starts after every stream of its rank but Send has run dry
  std::int32_t after = kNothing;    ///< pass whose output it needs, beyond the order of its rank
  std::int32_t message = -1;        ///< collective that carries its output away
  Stream message_stream = Stream::Compute;
};

/// A whole step. Passes of one rank run in the order of the list.
struct Outline : WorkTables {
  std::vector<Routine> routines;
  std::vector<RepresentedRank> ranks;
  std::vector<Pass> passes;
  /// Microbatches of the step that are left out of `passes`: they stand before the last one and
  /// repeat what `period` microbatches before them do. None for `event`.
  int microbatches_left_out = 0;
  int period = 1;

  /// Appends a routine; its index, for Step::call and Pass::routine.
  std::uint32_t add(Routine routine);
};

}  // namespace orrery
