#pragma once
/// What a group of devices reaches between servers. README: configs/README.md, "fabric".

#include <span>

#include "platform/paths.hpp"
#include "platform/resource_table.hpp"
#include "platform/routing.hpp"

namespace orrery {

/// Ratios of the traffic between servers that leaves a unit or a pod.
struct Crossing {
  double unit = 0;
  double pod = 0;
};

/// How a group that spans two servers or more lies in the fabric.
struct Span {
  Reach reach = Reach::SameLeaf;  ///< of its outermost servers
  int servers = 0;
  int pods = 0;         ///< touched
  Crossing neighbours;  ///< of a ring through the servers in order
  Crossing pairs;       ///< of messages from every server to every other

  /// `devices` are sorted. O(size).
  Span(std::span<const int> devices, const PlatformSpec& spec);
};

/// What rates between servers are computed from; both remember what they were asked.
struct Fabric {
  const ResourceTable& table;
  const Collisions& collisions;
};

/// Sets the group's share of the NICs and the fabric behind them; `Reach` and latencies are the
/// caller's.
void set_scale_out_bandwidth(GroupLayout& layout, const Span& span, const PlatformSpec& spec,
                             const NicUse& nics, const Fabric& fabric);

/// What detours of non-minimal routing add to the longest minimal route.
Seconds detour_latency(Reach reach, const FabricSpec& fabric);

}  // namespace orrery
