#include "platform/link_use.hpp"

#include <limits>

#include <fmt/format.h>

namespace orrery {
namespace {

const Link& link_at(const MachineGraph& machine, int index) {
  return machine.links[static_cast<std::size_t>(index)];
}

const Component& component_at(const MachineGraph& machine, int index) {
  return machine.components[static_cast<std::size_t>(index)];
}

}  // namespace

BytesPerSecond capacity_of(const Link& link, const Way& way) {
  return way.back ? link.back : link.bandwidth;
}

void add_route(const MachineGraph& machine, int from, const Route& route, double share,
               LinkUse& use) {
  for (const int index : route.links) {
    const Link& link = link_at(machine, index);
    const bool back = link.to == from;
    use[{index, back && !link.half_duplex}] += share;
    from = back ? link.from : link.to;
  }
}

BytesPerSecond bottleneck(const MachineGraph& machine, const LinkUse& use) {
  BytesPerSecond least{std::numeric_limits<double>::infinity()};
  for (const auto& [way, share] : use) {
    least = min(least, capacity_of(link_at(machine, way.link), way) / share);
  }
  return least;
}

std::string name_of(const MachineGraph& machine, const Way& way) {
  const Link& link = link_at(machine, way.link);
  const Component& from = component_at(machine, way.back ? link.to : link.from);
  const Component& to = component_at(machine, way.back ? link.from : link.to);
  if (link.half_duplex) return to.name;
  if (link.kind == "drive") {
    return way.back ? to.name + ".write" : from.name + ".read";
  }
  return fmt::format("{}>{}", from.name, to.name);
}

}  // namespace orrery
