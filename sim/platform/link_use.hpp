#pragma once
/// What traffic takes of links, by direction.

#include <map>
#include <vector>

#include "platform/machine_graph.hpp"

namespace orrery {

/// One direction of a link; a half-duplex link has one way only.
struct Way {
  int link = 0;
  bool back = false;  ///< from Link::to to Link::from
  friend auto operator<=>(const Way&, const Way&) = default;
};

/// Bytes over each way for every byte that somebody moves. Ordered, so that results do not depend
/// on addresses.
using LinkUse = std::map<Way, double>;

BytesPerSecond capacity_of(const Link& link, const Way& way);
/// Adds the links of a route that starts at `from`.
void add_route(const MachineGraph& machine, int from, const Route& route, double share,
               LinkUse& use);
/// What the busiest way lets through: the least capacity / use, infinite where nothing is used.
BytesPerSecond bottleneck(const MachineGraph& machine, const LinkUse& use);
/// "server0.gpu1>server0.pcie_switch0"; of a half-duplex link the name of what it leads to, and of
/// a drive "server0.ssd0.read".
std::string name_of(const MachineGraph& machine, const Way& way);

}  // namespace orrery
