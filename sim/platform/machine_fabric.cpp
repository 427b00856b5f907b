// Switches between servers. Half of a switch's latency is on each wire at it.
#include <algorithm>

#include <fmt/format.h>

#include "platform/machine_graph.hpp"

namespace orrery {
namespace {

constexpr int kAllRails = -1;

// `cables` between two switches, used as one link.
WireSpec cables(const SwitchSpec& below, const SwitchSpec& above, int count, Seconds latency) {
  return {.bandwidth = min(below.port_bandwidth, above.port_bandwidth) * static_cast<double>(count),
          .latency = (below.latency + above.latency) / 2 + latency};
}

}  // namespace

void MachineGraph::add_fabric(const PlatformSpec& spec, const std::vector<Server>& servers) {
  const FabricSpec& fabric = *spec.fabric;
  if (fabric.kind == FabricSpec::Kind::Dragonfly) {
    add_dragonfly(spec, servers);
    return;
  }
  const std::vector<int> leaves = add_leaves(spec, servers);
  if (fabric.units == 1) return;
  const std::vector<int> spines = add_spines(fabric, leaves);
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

int MachineGraph::add_leaf(const PlatformSpec& spec, const std::vector<Server>& servers, int unit,
                           int rail) {
  const FabricSpec& fabric = *spec.fabric;
  const int leaf =
      add(fmt::format("leaf{}", unit * fabric.leaves_per_unit + rail), ComponentKind::LeafSwitch);
  const int first = unit * fabric.servers_per_leaf;
  const int end = std::min(spec.servers, first + fabric.servers_per_leaf);
  for (int index = first; index < end; ++index) {
    add_nic_links(spec, servers[static_cast<std::size_t>(index)], leaf,
                  fabric.rails ? rail : kAllRails);
  }
  return leaf;
}

// Unit by unit, in each rail by rail.
std::vector<int> MachineGraph::add_leaves(const PlatformSpec& spec,
                                          const std::vector<Server>& servers) {
  const FabricSpec& fabric = *spec.fabric;
  std::vector<int> leaves;
  for (int unit = 0; unit < fabric.units; ++unit) {
    for (int rail = 0; rail < fabric.leaves_per_unit; ++rail) {
      leaves.push_back(add_leaf(spec, servers, unit, rail));
    }
  }
  return leaves;
}

// Pod by pod, in each rail by rail.
std::vector<int> MachineGraph::add_spines(const FabricSpec& fabric,
                                          const std::vector<int>& leaves) {
  const WireSpec wire =
      cables(fabric.leaf, *fabric.spine, fabric.cables_per_spine, fabric.cable_latency);
  const int per_pod = fabric.leaves_per_unit * fabric.spines_per_rail;
  std::vector<int> spines;
  for (int i = 0; i < fabric.pods * per_pod; ++i) {
    spines.push_back(add(fmt::format("spine{}", i), ComponentKind::SpineSwitch));
    const int rail = i % per_pod / fabric.spines_per_rail;
    const int first = i / per_pod * fabric.units_per_pod();
    const int end = std::min(fabric.units, first + fabric.units_per_pod());
    for (int unit = first; unit < end; ++unit) {
      connect(at(leaves, unit * fabric.leaves_per_unit + rail), spines.back(), wire, "network");
    }
  }
  return spines;
}

// The spines of one number have cores of their own.
void MachineGraph::add_cores(const FabricSpec& fabric, const std::vector<int>& spines) {
  const WireSpec wire =
      cables(*fabric.spine, *fabric.core, fabric.cables_per_core, fabric.cable_latency);
  const int spines_per_pod = fabric.leaves_per_unit * fabric.spines_per_rail;
  for (int i = 0; i < spines_per_pod * fabric.cores_per_spine; ++i) {
    const int core = add(fmt::format("core{}", i), ComponentKind::CoreSwitch);
    const int spine = i / fabric.cores_per_spine;
    for (int pod = 0; pod < fabric.pods; ++pod) {
      connect(at(spines, pod * spines_per_pod + spine), core, wire, "network");
    }
  }
}

void MachineGraph::add_dragonfly(const PlatformSpec& spec, const std::vector<Server>& servers) {
  const FabricSpec& fabric = *spec.fabric;
  std::vector<int> routers;
  for (int i = 0; i < fabric.pods * fabric.routers_per_group; ++i) {
    routers.push_back(add(fmt::format("router{}", i), ComponentKind::Router));
    const int first = i * fabric.servers_per_leaf;
    const int end = std::min(spec.servers, first + fabric.servers_per_leaf);
    for (int index = first; index < end; ++index) {
      add_nic_links(spec, servers[static_cast<std::size_t>(index)], routers.back(), kAllRails);
    }
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
