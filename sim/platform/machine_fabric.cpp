// Switches between servers. Half of a switch's latency is on each wire at it.
#include <algorithm>

#include <fmt/format.h>

#include "platform/fabric_links.hpp"
#include "platform/index.hpp"
#include "platform/machine_graph.hpp"

namespace orrery {
namespace {

constexpr int kAllRails = -1;

// `count` cables between two switches, used as one link.
WireSpec cables(const SwitchSpec& below, const SwitchSpec& above, int count, Seconds latency) {
  WireSpec wire = cable(below, above, latency);
  wire.bandwidth = wire.bandwidth * static_cast<double>(count);
  return wire;
}

}  // namespace

void MachineGraph::add_fabric(const PlatformSpec& spec) {
  const FabricSpec& fabric = *spec.fabric;
  if (fabric.kind == FabricSpec::Kind::Dragonfly) {
    add_dragonfly(spec);
    return;
  }
  const Switches leaves = add_leaves(spec);
  if (fabric.units == 1) return;
  const Switches spines = add_spines(fabric, leaves);
  if (fabric.pods > 1) add_cores(fabric, spines);
}

void MachineGraph::add_nic_links(const PlatformSpec& spec, const Server& server, int leaf,
                                 int rail) {
  const FabricSpec& fabric = *spec.fabric;
  const WireSpec wire{
      .bandwidth = min(spec.server.nic.bandwidth, fabric.leaf.port_bandwidth),
      .latency = spec.server.nic.latency + fabric.cable_latency + fabric.leaf.latency / 2};
  for (int nic = 0; nic < spec.server.nics; ++nic) {
    if (rail == kAllRails || nic == rail) connect(at(server.nics, nic), leaf, wire, "network");
  }
}

// Unit by unit, in each rail by rail, where there are servers.
MachineGraph::Switches MachineGraph::add_leaves(const PlatformSpec& spec) {
  const FabricSpec& fabric = *spec.fabric;
  Switches leaves;
  for (std::size_t first = 0; first < servers.size();) {
    const int unit = servers[first].index / fabric.servers_per_leaf;
    std::size_t end = first;
    while (end < servers.size() && servers[end].index / fabric.servers_per_leaf == unit) ++end;
    for (int rail = 0; rail < fabric.leaves_per_unit; ++rail) {
      const int number = unit * fabric.leaves_per_unit + rail;
      const int leaf = add(fmt::format("leaf{}", number), ComponentKind::LeafSwitch);
      leaves.emplace(number, leaf);
      for (std::size_t i = first; i < end; ++i) {
        add_nic_links(spec, servers[i], leaf, fabric.rails ? rail : kAllRails);
      }
    }
    first = end;
  }
  return leaves;
}

// Pod by pod, in each rail by rail, where there are leaves.
MachineGraph::Switches MachineGraph::add_spines(const FabricSpec& fabric, const Switches& leaves) {
  WireSpec wire = cables(fabric.leaf, *fabric.spine, fabric.cables_per_spine, fabric.cable_latency);
  if (fabric.bundled) wire.bandwidth = wire.bandwidth * fabric.routing.efficiency;
  const int per_pod = fabric.leaves_per_unit * fabric.spines_per_rail;
  const int leaves_per_pod = fabric.leaves_per_unit * fabric.units_per_pod();
  Switches spines;
  for (int pod = 0; pod < fabric.pods; ++pod) {
    const auto begin = leaves.lower_bound(pod * leaves_per_pod);
    const auto end = leaves.lower_bound((pod + 1) * leaves_per_pod);
    if (begin == end) continue;
    for (int i = pod * per_pod; i < (pod + 1) * per_pod; ++i) {
      const int spine = add(fmt::format("{}{}", fabric.bundled ? "spines" : "spine", i),
                            ComponentKind::SpineSwitch);
      spines.emplace(i, spine);
      const int rail = i % per_pod / fabric.spines_per_rail;
      for (auto leaf = begin; leaf != end; ++leaf) {
        if (leaf->first % fabric.leaves_per_unit == rail) {
          connect(leaf->second, spine, wire, "network");
        }
      }
    }
  }
  return spines;
}

// The spines of one number have cores of their own.
void MachineGraph::add_cores(const FabricSpec& fabric, const Switches& spines) {
  WireSpec wire = cables(*fabric.spine, *fabric.core, fabric.cables_per_core, fabric.cable_latency);
  if (fabric.bundled) wire.bandwidth = wire.bandwidth * fabric.routing.efficiency;
  const int spines_per_pod = fabric.leaves_per_unit * fabric.spines_per_rail;
  for (int i = 0; i < spines_per_pod * fabric.cores_per_spine; ++i) {
    const int core =
        add(fmt::format("{}{}", fabric.bundled ? "cores" : "core", i), ComponentKind::CoreSwitch);
    for (const auto& [number, spine] : spines) {
      if (number % spines_per_pod == i / fabric.cores_per_spine) {
        connect(spine, core, wire, "network");
      }
    }
  }
}

// Routers of groups without servers pass on what others send: all of them are built.
void MachineGraph::add_dragonfly(const PlatformSpec& spec) {
  const FabricSpec& fabric = *spec.fabric;
  std::vector<int> routers;
  for (int i = 0; i < fabric.pods * fabric.routers_per_group; ++i) {
    routers.push_back(add(fmt::format("router{}", i), ComponentKind::Router));
  }
  for (const Server& server : servers) {
    add_nic_links(spec, server, at(routers, server.index / fabric.servers_per_leaf), kAllRails);
  }
  const WireSpec local = cables(fabric.leaf, fabric.leaf, fabric.local_links, fabric.cable_latency);
  for (int group = 0; group < fabric.pods; ++group) {
    const int first = group * fabric.routers_per_group;
    for (int i = 0; i < fabric.routers_per_group; ++i) {
      for (int j = i + 1; j < fabric.routers_per_group; ++j) {
        connect(at(routers, first + i), at(routers, first + j), local, "network");
      }
    }
  }
  add_group_links(fabric, routers);
}

// The global links of a group are dealt to its routers from the last one down, so that a group
// whose links are few has routers without; each group counts the others from its own number on.
void MachineGraph::add_group_links(const FabricSpec& fabric, const std::vector<int>& routers) {
  const WireSpec wire = cables(fabric.leaf, fabric.leaf, 1, fabric.global_cable_latency);
  const int groups = fabric.pods;
  const auto router = [&](int group, int other, int copy) {
    const int link = copy * (groups - 1) + (other - group - 1 + groups) % groups;
    const int within = fabric.routers_per_group - 1 - link % fabric.routers_per_group;
    return at(routers, group * fabric.routers_per_group + within);
  };
  for (int i = 0; i < groups; ++i) {
    for (int j = i + 1; j < groups; ++j) {
      for (int copy = 0; copy < fabric.links_per_group_pair; ++copy) {
        connect(router(i, j, copy), router(j, i, copy), wire, "network");
      }
    }
  }
}

}  // namespace orrery
