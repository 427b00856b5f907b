#pragma once
/// A kernel small enough to be read at a glance: the oracle of the one on SimGrid.

#include <memory>
#include <vector>

#include "kernel/kernel.hpp"

namespace orrery::test {

/// Max-min fair rates of flows that share `capacity`, none above its limit (water-filling), in the
/// order of `limits`.
std::vector<BytesPerSecond> fair_rates(BytesPerSecond capacity,
                                       const std::vector<BytesPerSecond>& limits);

/// Activities that end within a few roundings of one another complete together. O(flows) an event.
std::unique_ptr<Kernel> make_reference_kernel();

}  // namespace orrery::test
