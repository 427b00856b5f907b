#pragma once
/// What simulating one step yields.

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <orrery/accelerator.hpp>
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

/// BoardPower over time.
struct BoardEnergy {
  Joules fixed{};
  Joules leakage{};
  Joules clock{};
  Joules compute{};
  Joules memory{};
  Joules link{};
  [[nodiscard]] Joules total() const { return fixed + leakage + clock + compute + memory + link; }
  void add(const BoardPower& power, Seconds time);
  void add(const BoardEnergy& other, double times);
};

/// What one device takes for a step. Zero where its power is not known.
struct RankEnergy {
  BoardEnergy board;
  std::array<Joules, kTileCount> by_tile{};  ///< sums to board.total()
  Watts peak{};   ///< of one kernel or one collective alone: beside one another they may draw more
  Hertz clock{};  ///< mean over the time of its kernels
  double capped = 0;  ///< of the step, with the clock held down by the cap
};

/// Power of one device over a step: `power` from `time` to that of the next.
struct PowerStep {
  Seconds time{};
  Watts power{};
};
/// In the order of time, from 0; the last goes on to the end of the step.
using PowerTrace = std::vector<PowerStep>;

struct StepResult {
  Seconds step_time{};
  /// One per represented rank; each sums to step_time.
  std::vector<Tiles> rank_tiles;
  /// Mean over all ranks; sums to step_time.
  Tiles breakdown{};
  /// Kernel time by kind ("matrix multiply", "fused attention", "memory-bound"), mean over all
  /// ranks, undisturbed by communication.
  std::map<std::string, Seconds> kernel_time;
  std::vector<CollectiveSummary> collectives;  ///< sorted by label, algorithm and protocol
  /// The longest chain of dependencies at undisturbed cost: no step can beat it.
  Seconds critical_path{};
  std::uint64_t events = 0;
  std::uint64_t flows = 0;              ///< transfers that were simulated one by one
  std::uint64_t shared_flows = 0;       ///< those of them that had to share a resource
  std::vector<RankEnergy> rank_energy;  ///< one per represented rank
  RankEnergy energy;                    ///< mean over all ranks; `peak` is the highest
  /// Likewise over the ranks on each kind of device; one per Platform::kinds(), zero for kinds
  /// without ranks.
  std::vector<RankEnergy> kind_energy;
  std::vector<PowerTrace> power;  ///< one per represented rank, where it was asked for
  /// By Platform::resources(), those beyond its end zero: the ratio of its capacity that traffic of
  /// the job takes, mean over the step and all ranks. Where `energy` is known.
  std::vector<double> resource_activity;
};

}  // namespace orrery
