#pragma once
/// A kernel small enough to be read at a glance: the oracle of the engine's.

#include <memory>
#include <vector>

#include "kernel/kernel.hpp"

namespace orrery::test {

/// A flow as the rule of kernel.hpp sees it.
struct Sharer {
  std::vector<Demand> demands;  ///< of distinct resources
  BytesPerSecond bound{};
  double weight = 1;
};

/// Rates of flows that share resources of `capacities` as kernel.hpp says, in the order of `flows`.
/// O(flows^2 x demands).
std::vector<BytesPerSecond> fair_rates(const std::vector<BytesPerSecond>& capacities,
                                       const std::vector<Sharer>& flows);

/// Activities that end within a few roundings of one another complete together.
std::unique_ptr<Kernel> make_reference_kernel();

}  // namespace orrery::test
