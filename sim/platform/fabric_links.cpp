#include "platform/fabric_links.hpp"

namespace orrery {
namespace {

std::vector<LinkBundle> tree_bundles(const PlatformSpec& spec) {
  const FabricSpec& fabric = *spec.fabric;
  std::vector<LinkBundle> result;
  if (fabric.units == 1 || !fabric.spine) return result;
  const double leaf_nics =
      static_cast<double>(fabric.servers_per_leaf) * (fabric.rails ? 1 : spec.server.nics);
  result.push_back({.kind = FabricLinks::LeafUplinks,
                    .cable = cable(fabric.leaf, *fabric.spine, fabric.cable_latency),
                    .cables = fabric.uplinks_per_leaf,
                    .bundles = std::int64_t{fabric.units} * fabric.leaves_per_unit,
                    .nics = leaf_nics});
  if (fabric.pods == 1 || !fabric.core) return result;
  const std::int64_t spines = std::int64_t{fabric.leaves_per_unit} * fabric.spines_per_rail;
  // Each spine takes its part of the NICs of a pod's rail.
  result.push_back({.kind = FabricLinks::SpineUplinks,
                    .cable = cable(*fabric.spine, *fabric.core, fabric.cable_latency),
                    .cables = fabric.uplinks_per_spine,
                    .bundles = fabric.pods * spines,
                    .nics = leaf_nics * fabric.units_per_pod() / fabric.spines_per_rail});
  return result;
}

std::vector<LinkBundle> dragonfly_bundles(const PlatformSpec& spec) {
  const FabricSpec& fabric = *spec.fabric;
  const std::int64_t groups = fabric.pods, each = fabric.routers_per_group;
  const double nics = static_cast<double>(fabric.servers_per_leaf) * spec.server.nics;
  std::vector<LinkBundle> result;
  if (each > 1) {
    result.push_back({.kind = FabricLinks::RouterLinks,
                      .cable = cable(fabric.leaf, fabric.leaf, fabric.cable_latency),
                      .cables = fabric.local_links,
                      .bundles = groups * each * (each - 1),
                      .nics = nics});
  }
  if (groups > 1) {
    result.push_back({.kind = FabricLinks::GroupLinks,
                      .cable = cable(fabric.leaf, fabric.leaf, fabric.global_cable_latency),
                      .cables = fabric.links_per_group_pair,
                      .bundles = groups * (groups - 1),
                      .nics = nics * static_cast<double>(each)});
  }
  return result;
}

}  // namespace

WireSpec cable(const SwitchSpec& below, const SwitchSpec& above, Seconds cable_latency) {
  return {.bandwidth = min(below.port_bandwidth, above.port_bandwidth),
          .latency = (below.latency + above.latency) / 2 + cable_latency};
}

std::vector<LinkBundle> link_bundles(const PlatformSpec& spec) {
  if (!spec.fabric) return {};
  return spec.fabric->kind == FabricSpec::Kind::Dragonfly ? dragonfly_bundles(spec)
                                                          : tree_bundles(spec);
}

}  // namespace orrery
