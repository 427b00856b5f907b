// Ports of a folded Clos. A switch spends `down` ports on what is below and as many on what is
// above as carry what the ones below may send, divided by the oversubscription.
#include <algorithm>
#include <cmath>
#include <cstdint>

#include <fmt/format.h>

#include "platform/platform_spec.hpp"
#include "platform/server_keys.hpp"

namespace orrery {
namespace {

constexpr double kRounding = 1e-9;  // of port counts, against 0.1 + 0.2
constexpr double kMostOversubscription = 1000;

int uplinks(int below, double per_link) {
  return static_cast<int>(std::ceil(below * per_link - kRounding));
}

// Uplinks that a leaf needs for one NIC, a ratio.
double uplinks_per_nic(const FabricSpec& fabric, const ServerSpec& server) {
  if (!fabric.spine) return 0;
  const BytesPerSecond uplink = min(fabric.leaf.port_bandwidth, fabric.spine->port_bandwidth);
  const BytesPerSecond nic = min(server.nic.bandwidth, fabric.leaf.port_bandwidth);
  return nic / uplink / fabric.oversubscription;
}

// Uplinks that a spine needs for one cable to a leaf, a ratio.
double uplinks_per_cable(const FabricSpec& fabric) {
  const BytesPerSecond below = min(fabric.leaf.port_bandwidth, fabric.spine->port_bandwidth);
  const BytesPerSecond above = min(fabric.spine->port_bandwidth, fabric.core->port_bandwidth);
  return below / above / fabric.core_oversubscription;
}

int nics_per_server_and_leaf(const FabricSpec& fabric, const ServerSpec& server) {
  return fabric.rails ? 1 : std::max(1, server.nics);
}

// Links below that fit on a switch together with the uplinks that they need.
int most_below(int ports, double uplinks_per_link) {
  int below = ports;
  while (below > 0 && below + uplinks(below, uplinks_per_link) > ports) --below;
  return below;
}

void choose_servers_per_leaf(Reader& reader, const ServerSpec& server, FabricSpec& fabric) {
  const int most = most_below(fabric.leaf.ports, uplinks_per_nic(fabric, server)) /
                   nics_per_server_and_leaf(fabric, server);
  if (most == 0) {
    reader.error("leaf",
                 fmt::format("leaf: {} ports cannot take the {} NICs of one server and their "
                             "uplinks; expected a leaf of more ports or rails: true",
                             fabric.leaf.ports, server.nics));
  }
  if (!reader.has("servers_per_leaf")) fabric.servers_per_leaf = std::max(1, most);
  const int servers = fabric.servers_per_leaf;
  if (servers > most && most > 0) {
    reader.error(
        "servers_per_leaf",
        fmt::format("servers_per_leaf: expected at most {}, what a leaf of {} ports takes at "
                    "oversubscription {}; got {}",
                    most, fabric.leaf.ports, fabric.oversubscription, servers));
  }
}

// Without cores the pod is everything.
void choose_servers_per_pod(Reader& reader, FabricSpec& fabric) {
  const std::int64_t per_leaf = fabric.servers_per_leaf;
  const int leaves = fabric.core ? most_below(fabric.spine->ports, uplinks_per_cable(fabric))
                                 : (fabric.spine ? fabric.spine->ports : 1);
  const int most = static_cast<int>(std::min<std::int64_t>(leaves * per_leaf, kMostParts));
  const int servers = reader.has("servers_per_pod") ? fabric.servers_per_pod
                                                    : std::max(fabric.servers_per_leaf, most);
  fabric.servers_per_pod = std::max(fabric.servers_per_leaf, most);
  if (!fabric.core) return;
  if (leaves == 0) {
    reader.error("spine", fmt::format("spine: {} ports cannot take a leaf and its uplinks at "
                                      "core_oversubscription {}; expected a spine of more ports",
                                      fabric.spine->ports, fabric.core_oversubscription));
    return;
  }
  if (servers > most || servers % fabric.servers_per_leaf != 0) {
    reader.error("servers_per_pod",
                 fmt::format("servers_per_pod: expected a multiple of the {} servers of a leaf, at "
                             "most {}, as a spine of {} ports joins {} leaves at "
                             "core_oversubscription {}; got {}",
                             per_leaf, most, fabric.spine->ports, leaves,
                             fabric.core_oversubscription, servers));
    return;
  }
  fabric.servers_per_pod = servers;
}

bool spine_takes(const FabricSpec& fabric, int cables_per_leaf) {
  const int below = std::min(fabric.units, fabric.units_per_pod()) * cables_per_leaf;
  const int above = fabric.pods > 1 ? uplinks(below, uplinks_per_cable(fabric)) : 0;
  return below + above <= fabric.spine->ports;
}

// As few spines as reach every leaf: each takes the most cables per leaf that its ports allow.
void choose_spines(FabricSpec& fabric, const ServerSpec& server) {
  const int nics = fabric.servers_per_leaf * nics_per_server_and_leaf(fabric, server);
  const int cables = std::max(1, uplinks(nics, uplinks_per_nic(fabric, server)));
  fabric.uplinks_per_leaf = cables;
  fabric.cables_per_spine = 1;
  for (int bundle = 2; bundle <= cables; ++bundle) {
    if (cables % bundle == 0 && spine_takes(fabric, bundle)) fabric.cables_per_spine = bundle;
  }
  fabric.spines_per_rail = cables / fabric.cables_per_spine;
}

// Likewise of cores, which join the spines of one number.
void choose_cores(FabricSpec& fabric) {
  const int below = fabric.units_per_pod() * fabric.cables_per_spine;
  fabric.uplinks_per_spine = std::max(1, uplinks(below, uplinks_per_cable(fabric)));
  fabric.cables_per_core = 1;
  for (int bundle = 2; bundle <= fabric.uplinks_per_spine; ++bundle) {
    const bool even = fabric.uplinks_per_spine % bundle == 0;
    if (even && fabric.pods * bundle <= fabric.core->ports) fabric.cables_per_core = bundle;
  }
  fabric.cores_per_spine = fabric.uplinks_per_spine / fabric.cables_per_core;
}

std::string too_many_servers(const FabricSpec& fabric, const PlatformSpec& platform) {
  const int per_leaf = fabric.servers_per_leaf;
  if (!fabric.spine) {
    return fmt::format(
        "servers: expected at most {}, what one leaf takes; got {}; use fewer or give "
        "the fabric a 'spine'",
        per_leaf, platform.servers);
  }
  if (fabric.core) {
    return fmt::format(
        "servers: expected at most {}, as the core's {} ports join as many pods of {} servers; "
        "got {}; use fewer, or switches of more ports",
        static_cast<std::int64_t>(fabric.core->ports) * fabric.servers_per_pod, fabric.core->ports,
        fabric.servers_per_pod, platform.servers);
  }
  const bool rails_help = !fabric.rails && platform.server.nics > 1;
  return fmt::format(
      "servers: expected at most {}, as the spine's {} ports join as many leaves of {} servers; "
      "got {}; use fewer, switches of more ports{}",
      fabric.spine->ports * per_leaf, fabric.spine->ports, per_leaf, platform.servers,
      rails_help ? " or rails: true" : " or a 'core'");
}

}  // namespace

std::vector<Binding<FabricSpec>> fat_tree_fields() {
  using namespace schema;
  using F = FabricSpec;
  constexpr Between most = {.low = 1, .high = kMostOversubscription};
  const auto with_core = [](Binding<F> field) {
    return when("kind: fat_tree, `core`", [](const F& f) { return f.core.has_value(); }, field);
  };
  return {entry("switch", required("leaf", &F::leaf, &switch_schema(), "that NICs go to")),
          entry("switch", optional("spine", &F::spine, &switch_schema(),
                                   "required when one leaf does not take all servers")),
          entry("switch", optional("core", &F::core, &switch_schema(),
                                   "a third level above the spines (a folded Clos): spine i of "
                                   "every pod has the same cores")),
          optional("rails", &F::rails,
                   "NIC i of every server of a unit goes to leaf i of it; every rail has spines "
                   "and cores of its own: other rails are reached over NVLink"),
          otherwise("what the ports allow",
                    optional("servers_per_leaf", &F::servers_per_leaf, parts(1),
                             "with rails: of a unit of leaves, one for each rail")),
          with_core(otherwise("what the ports allow",
                              optional("servers_per_pod", &F::servers_per_pod, parts(1),
                                       "under the same spines; a multiple of "
                                       "`servers_per_leaf`"))),
          optional("oversubscription", &F::oversubscription, most,
                   "what servers may send into a leaf, to what its uplinks carry"),
          with_core(optional("core_oversubscription", &F::core_oversubscription, most,
                             "what leaves may send into a spine, to what its uplinks carry"))};
}

void complete_fat_tree(Reader& reader, const ServerSpec& server, FabricSpec& fabric) {
  if (fabric.core && !fabric.spine) {
    reader.error("core", "core: joins spines; expected key 'spine' beside it");
    fabric.core.reset();
  }
  choose_servers_per_leaf(reader, server, fabric);
  choose_servers_per_pod(reader, fabric);
}

void wire_fat_tree(FabricSpec& fabric, const PlatformSpec& platform, Reader& system) {
  fabric.leaves_per_unit = fabric.rails ? platform.server.nics : 1;
  const int per_pod = fabric.units_per_pod();
  fabric.pods = (fabric.units + per_pod - 1) / per_pod;
  const int most_pods = fabric.core ? fabric.core->ports : 1;
  if (fabric.pods > most_pods) {
    system.error("servers", too_many_servers(fabric, platform));
    return;
  }
  if (fabric.units > 1 && fabric.spine) choose_spines(fabric, platform.server);
  if (fabric.pods > 1) choose_cores(fabric);
}

}  // namespace orrery
