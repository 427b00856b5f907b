// Counts what MachineGraph::add_fabric builds, without building it.
#include <algorithm>
#include <cstdint>

#include "platform/platform_spec.hpp"

namespace orrery {
namespace {

using Count = std::int64_t;

/// Switches of one kind, and the ports that cables occupy.
struct Level {
  const char* name = "";
  const SwitchSpec& kind;
  Count switches = 0;
  Count ports = 0;
};

// Every NIC has a port of a leaf or router.
Count nic_ports(const PlatformSpec& spec) { return Count{spec.servers} * spec.server.nics; }

std::vector<Level> fat_tree_levels(const PlatformSpec& spec) {
  const FabricSpec& fabric = *spec.fabric;
  const Count leaves = Count{fabric.units} * fabric.leaves_per_unit;
  const bool two = fabric.units > 1 && fabric.spine.has_value();
  const bool three = two && fabric.pods > 1 && fabric.core.has_value();
  const Count spines_per_pod = Count{fabric.leaves_per_unit} * fabric.spines_per_rail;
  const Count spines = two ? fabric.pods * spines_per_pod : 0;
  const Count leaf_cables = two ? leaves * fabric.uplinks_per_leaf : 0;
  const Count spine_cables = three ? spines * fabric.uplinks_per_spine : 0;
  std::vector<Level> levels{{"leaf", fabric.leaf, leaves, nic_ports(spec) + leaf_cables}};
  if (two) levels.push_back({"spine", *fabric.spine, spines, leaf_cables + spine_cables});
  if (three) {
    levels.push_back({"core", *fabric.core, spines_per_pod * fabric.cores_per_spine, spine_cables});
  }
  return levels;
}

// Routers without servers run too: they pass on what others send.
std::vector<Level> dragonfly_levels(const PlatformSpec& spec) {
  const FabricSpec& fabric = *spec.fabric;
  const Count groups = fabric.pods;
  const Count routers = groups * fabric.routers_per_group;
  const Count local = routers * (fabric.routers_per_group - 1) * fabric.local_links;
  const Count global = groups * (groups - 1) * fabric.links_per_group_pair;
  return {{"router", fabric.leaf, routers, nic_ports(spec) + local + global}};
}

}  // namespace

FabricPower fabric_power(const PlatformSpec& spec) {
  FabricPower power;
  if (spec.servers == 1 || !spec.fabric) return {.known = true, .tiers = {}};
  const bool dragonfly = spec.fabric->kind == FabricSpec::Kind::Dragonfly;
  const std::vector<Level> levels = dragonfly ? dragonfly_levels(spec) : fat_tree_levels(spec);
  power.known = std::all_of(levels.begin(), levels.end(),
                            [](const Level& level) { return level.kind.power.has_value(); });
  for (const Level& level : levels) {
    const DrawSpec draw = level.kind.power.value_or(DrawSpec{});
    power.tiers.push_back({.name = level.name,
                           .switches = level.switches,
                           .idle = draw.idle,
                           .busy = draw.busy,
                           .ports = level.ports,
                           .optics = level.kind.optics});
  }
  return power;
}

}  // namespace orrery
