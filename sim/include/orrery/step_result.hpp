#pragma once
/// What simulating one step yields.

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <orrery/program.hpp>

namespace orrery {

/// Seconds by tile; indexed by `static_cast<int>(Tile)`.
using Tiles = std::array<Seconds, kTileCount>;

/// A kind of collective of the step, with what was chosen for it.
struct CollectiveSummary {
  std::string label;
  std::string algorithm;
  std::string protocol;
  int count = 0;    ///< in the step, on one represented rank (the one that issues most)
  Seconds alone{};  ///< time of one with nothing else on its links
};

struct StepResult {
  Seconds step_time{};
  /// One per represented rank; each sums to step_time.
  std::vector<Tiles> rank_tiles;
  /// Mean over all ranks; sums to step_time.
  Tiles breakdown{};
  /// Kernel time by kind ("matrix multiply", "attention", "memory-bound", "launch"), mean over
  /// all ranks, undisturbed by communication.
  std::map<std::string, Seconds> kernel_time;
  std::vector<CollectiveSummary> collectives;
  /// The longest chain of dependencies at undisturbed cost: no step can beat it.
  Seconds critical_path{};
  std::uint64_t events = 0;
};

}  // namespace orrery
