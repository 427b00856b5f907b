#include "platform/paths.hpp"

#include <algorithm>

#include <orrery/error.hpp>

namespace orrery {
namespace {

// Two servers on the first leaf, if a leaf takes two, one on the second, and one spine.
PlatformSpec representative(const PlatformSpec& spec) {
  PlatformSpec small = spec;
  if (!spec.fabric) return small;
  FabricSpec& fabric = *small.fabric;
  fabric.servers_per_leaf = std::min(2, fabric.servers_per_leaf);
  fabric.pods = std::min(2, fabric.pods);
  fabric.spines_per_rail = std::min(1, fabric.spines_per_rail);
  small.servers = fabric.pods == 1 ? std::min(spec.servers, fabric.servers_per_leaf)
                                   : fabric.servers_per_leaf + 1;
  return small;
}

}  // namespace

Paths::Paths(const PlatformSpec& spec)
    : devices_(spec.server.devices),
      pairs_(spec.fabric && spec.fabric->servers_per_leaf > 1),
      machine_(representative(spec)),
      router_(machine_) {}

std::vector<Path> Paths::paths_from(int from) const {
  std::vector<Path> paths;
  paths.reserve(machine_.devices.size());
  for (const Route& route :
       router_.routes(machine_.devices[static_cast<std::size_t>(from)], machine_.devices)) {
    paths.push_back({.latency = route.latency, .bandwidth = route.bandwidth});
  }
  return paths;
}

Path Paths::between(int from, int to, Reach reach) const {
  const int server = reach == Reach::SameServer ? 0 : reach == Reach::Spine && pairs_ ? 2 : 1;
  const auto device = static_cast<std::size_t>(server) * static_cast<std::size_t>(devices_) +
                      static_cast<std::size_t>(to);
  ORRERY_CHECK(from < devices_ && to < devices_ && device < machine_.devices.size());
  const std::lock_guard lock(mutex_);
  auto row = known_.find(from);
  if (row == known_.end()) row = known_.emplace(from, paths_from(from)).first;
  return row->second[device];
}

}  // namespace orrery
