#include "platform/paths.hpp"

#include <algorithm>

#include <orrery/error.hpp>

namespace orrery {
namespace {

// Two servers on the first leaf, if a leaf takes two, and one on the first leaf of the second pod;
// one spine and one core.
PlatformSpec representative(const PlatformSpec& spec) {
  PlatformSpec small = spec;
  if (!spec.fabric) return small;
  FabricSpec& fabric = *small.fabric;
  fabric.servers_per_leaf = std::min(2, spec.fabric->servers_per_leaf);
  const int units_per_pod = std::min(2, spec.fabric->units_per_pod());
  fabric.servers_per_pod = fabric.servers_per_leaf * units_per_pod;
  fabric.routers_per_group = std::min(2, fabric.routers_per_group);
  fabric.pods = std::min(2, fabric.pods);
  fabric.links_per_group_pair = std::min(1, fabric.links_per_group_pair);
  fabric.spines_per_rail = std::min(1, fabric.spines_per_rail);
  fabric.cores_per_spine = std::min(1, fabric.cores_per_spine);
  if (fabric.pods > 1) {
    small.servers = fabric.servers_per_pod + 1;
  } else if (fabric.units > 1) {
    small.servers = fabric.servers_per_leaf + 1;
  } else {
    small.servers = std::min(spec.servers, fabric.servers_per_leaf);
  }
  fabric.units = (small.servers + fabric.servers_per_leaf - 1) / fabric.servers_per_leaf;
  return small;
}

FabricSpec fabric_of(const PlatformSpec& small) { return small.fabric.value_or(FabricSpec{}); }

int server_at(Reach reach, int servers_per_leaf, int servers_per_pod) {
  switch (reach) {
    case Reach::SameServer:
      return 0;
    case Reach::SameLeaf:
      return 1;
    case Reach::SamePod:
      return servers_per_leaf;
    case Reach::OtherPod:
      break;
  }
  return servers_per_pod;
}

}  // namespace

Paths::Paths(const PlatformSpec& spec)
    : devices_(spec.server.devices), machine_(representative(spec)), router_(machine_) {
  const FabricSpec fabric = fabric_of(representative(spec));
  servers_per_leaf_ = fabric.servers_per_leaf;
  servers_per_pod_ = fabric.servers_per_pod;
}

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
  const int server = server_at(reach, servers_per_leaf_, servers_per_pod_);
  const auto device = static_cast<std::size_t>(server) * static_cast<std::size_t>(devices_) +
                      static_cast<std::size_t>(to);
  ORRERY_CHECK(from < devices_ && to < devices_ && device < machine_.devices.size());
  const std::lock_guard lock(mutex_);
  auto row = known_.find(from);
  if (row == known_.end()) row = known_.emplace(from, paths_from(from)).first;
  return row->second[device];
}

}  // namespace orrery
