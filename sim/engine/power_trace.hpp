#pragma once
/// The power of every represented rank over a step.

#include <vector>

#include <orrery/step_result.hpp>

#include "engine/cost_table.hpp"

namespace orrery {

/// What an operation adds to a device that waits for communication, while it runs.
struct PowerUse {
  Seconds start{}, end{};
  Watts added{};
};

/// Collects what operations draw. A block's energy is spread evenly over the time that it took.
class PowerTraces {
 public:
  /// Keeps references.
  PowerTraces(const std::vector<RepresentedRank>& ranks, const CostTable& costs)
      : ranks_(ranks), costs_(costs), uses_(ranks.size()) {}

  /// Whether every device says something of its power.
  [[nodiscard]] bool known() const;
  /// Of an operation that ran from `start` to `end`. @pre known()
  [[nodiscard]] PowerUse use(std::uint32_t rank, const Op& op, Seconds start, Seconds end) const;
  void add(std::uint32_t rank, const PowerUse& use) { uses_[rank].push_back(use); }
  /// One trace a rank, from the start to `step`. O(operations log operations).
  [[nodiscard]] std::vector<PowerTrace> finish(Seconds step);

 private:
  [[nodiscard]] const DevicePoint& device(std::uint32_t rank) const {
    return costs_.kinds()[static_cast<std::size_t>(ranks_[rank].kind)];
  }

  const std::vector<RepresentedRank>& ranks_;
  const CostTable& costs_;
  std::vector<std::vector<PowerUse>> uses_;  // by rank
};

}  // namespace orrery
