#pragma once
/// What a group of devices reaches between servers. README: configs/README.md, "fabric".

#include <span>
#include <vector>

#include "platform/paths.hpp"
#include "platform/resource_table.hpp"
#include "platform/routing.hpp"

namespace orrery {

/// Ratios of the traffic between servers that leaves a unit or a pod.
struct Crossing {
  double unit = 0;
  double pod = 0;
};

/// What one unit and one pod send out at most, in what one server sends.
struct Busiest {
  Crossing neighbours, pairs;
  Crossing servers;  ///< of the group in it, at most
};

/// How a group that spans two servers or more lies in the fabric.
struct Span {
  Reach reach = Reach::SameLeaf;  ///< of its outermost servers
  int servers = 0;
  int pods = 0;         ///< touched
  Crossing neighbours;  ///< of a ring through the servers in order
  Crossing pairs;       ///< of messages from every server to every other
  Busiest busiest;

  /// `devices` are sorted. O(size).
  Span(std::span<const int> devices, const PlatformSpec& spec);
};

/// What rates between servers are computed from; both remember what they were asked.
struct Fabric {
  const ResourceTable& table;
  const Collisions& collisions;
};

/// What the devices of one server take of its NICs.
struct NicLoad {
  const NicUse& nics;  ///< of the slowest of them
  /// What each sends for what each of the fewest in a server does: to the next server, and to all
  /// devices in other ones.
  double to_next = 1, to_all = 1;
  double nics_per_rank = 1;
  int used = 1;  ///< NICs
  /// Nothing else is under way in the fabric; otherwise all of its NICs send as much.
  bool alone = false;
};

/// A group's share of the NICs and the fabric behind them: of the server that holds it up.
class ScaleOut {
 public:
  /// Keeps the references.
  ScaleOut(const Span& span, const PlatformSpec& spec, const Fabric& fabric)
      : span_(span), spec_(spec), fabric_(fabric) {}

  void add(const NicLoad& server);
  /// `latency` is of the longest route. @pre a server has been added
  [[nodiscard]] LinksBetween links(Seconds latency) const;

 private:
  const Span& span_;
  const PlatformSpec& spec_;
  Fabric fabric_;
  std::vector<ResourceUse> out_, pairs_;
  BytesPerSecond alone_{};
};

/// What detours of non-minimal routing add to the longest minimal route.
Seconds detour_latency(Reach reach, const FabricSpec& fabric);

}  // namespace orrery
