#pragma once
/// What equal paths lose when flows are put on them whole.

#include <map>
#include <mutex>
#include <utility>

#include "platform/fabric_spec.hpp"

namespace orrery {

/// The expected number of flows on the busiest of `links`, when each of `flows` chooses one at
/// random: E[max] of a multinomial. Exact up to 4096 flows, beyond it mean + sqrt(2 mean ln links).
/// Both counts are at least 1. O(flows * links * spread of the maximum).
double expected_greatest_load(int flows, int links);

/// Remembers what it has computed. Thread-safe.
class Collisions {
 public:
  [[nodiscard]] double greatest_load(int flows, int links) const;

 private:
  mutable std::mutex mutex_;
  mutable std::map<std::pair<int, int>, double> known_;
};

/// Links with several equal routes over them, in all directions alike.
struct Cut {
  BytesPerSecond per_nic{};  ///< capacity of all links, for each NIC behind them
  double share = 0;          ///< ratio of the traffic of a NIC that crosses
  double nics = 1;           ///< behind the links
  double links = 1;
  double peers = 1;  ///< servers that a NIC sends to, on both sides: a flow each
};

/// More than any links carry: of those that nothing crosses.
inline constexpr BytesPerSecond kUncrossed{1e30};

/// The rate of every NIC at which the busiest link of the cut is full; kUncrossed if nothing
/// crosses.
BytesPerSecond rate_through(const Cut& cut, const RoutingSpec& routing,
                            const Collisions& collisions);

}  // namespace orrery
