// What the switches of a fabric draw, counted from its links without building its graph.
#include <algorithm>

#include "platform/fabric_links.hpp"

namespace orrery {
namespace {

FabricPower::Tier tier(const char* name, const SwitchSpec& kind, std::int64_t switches) {
  const DrawSpec draw = kind.power.value_or(DrawSpec{});
  return {.name = name,
          .switches = switches,
          .idle = draw.idle,
          .busy = draw.busy,
          .nic_ports = 0,
          .link_ports = {},
          .optics = kind.optics};
}

// One tier above another for each kind of links; routers without servers run too: they pass on what
// others send.
std::vector<FabricPower::Tier> tiers_of(const PlatformSpec& spec,
                                        const std::vector<LinkBundle>& links) {
  const FabricSpec& fabric = *spec.fabric;
  const std::int64_t pods = fabric.pods;
  if (fabric.kind == FabricSpec::Kind::Dragonfly) {
    return {tier("router", fabric.leaf, pods * fabric.routers_per_group)};
  }
  std::vector tiers{tier("leaf", fabric.leaf, std::int64_t{fabric.units} * fabric.leaves_per_unit)};
  const std::int64_t spines = std::int64_t{fabric.leaves_per_unit} * fabric.spines_per_rail;
  if (!links.empty()) tiers.push_back(tier("spine", *fabric.spine, pods * spines));
  if (links.size() > 1) {
    tiers.push_back(tier("core", *fabric.core, spines * fabric.cores_per_spine));
  }
  return tiers;
}

bool says_power(const PlatformSpec& spec, std::size_t tiers) {
  const FabricSpec& fabric = *spec.fabric;
  return fabric.leaf.power && (tiers < 2 || fabric.spine->power) &&
         (tiers < 3 || fabric.core->power);
}

}  // namespace

FabricPower fabric_power(const PlatformSpec& spec) {
  FabricPower power;
  if (spec.servers == 1 || !spec.fabric) return {.known = true, .tiers = {}};
  const std::vector<LinkBundle> links = link_bundles(spec);
  power.tiers = tiers_of(spec, links);
  power.known = says_power(spec, power.tiers.size());
  power.tiers.front().nic_ports = std::int64_t{spec.servers} * spec.server.nics;
  for (std::size_t i = 0; i < links.size(); ++i) {
    const std::int64_t cables = links[i].cables * links[i].bundles;
    const auto kind = static_cast<std::size_t>(links[i].kind);
    // Those of a dragonfly are between routers: each way's bundle counts the ports of one end.
    const bool tree = spec.fabric->kind == FabricSpec::Kind::FatTree;
    power.tiers[tree ? i : 0].link_ports[kind] += cables;
    if (tree) power.tiers[i + 1].link_ports[kind] += cables;
  }
  return power;
}

}  // namespace orrery
