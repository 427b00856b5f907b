#pragma once
/// Rings through every device of a group over links between them: Hamiltonian cycles of a small
/// directed graph with capacities.

#include <span>
#include <vector>

#include <orrery/quantity.hpp>

namespace orrery {

/// Capacities from device to device, in the order of the group; zero where no link joins them.
using DirectRates = std::vector<std::vector<BytesPerSecond>>;

struct DeviceRing {
  std::vector<int> order;  ///< places in the group; the last sends to the first
  BytesPerSecond rate{};
};

/// Rings that share no capacity, the fastest first. Greedy: each takes the highest rate that still
/// closes a ring, as far as a search of some hundred thousand steps finds one. Empty when there is
/// none.
std::vector<DeviceRing> find_rings(DirectRates rates);

}  // namespace orrery
