// Ports: a leaf spends `down` ports on NICs and as many on spines as carry what the NICs may send,
// divided by the oversubscription.
#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "platform/platform_spec.hpp"

namespace orrery {
namespace {

constexpr double kRounding = 1e-9;  // of port counts, against 0.1 + 0.2
constexpr double kMostOversubscription = 1000;

SwitchSpec read_switch(Reader reader) {
  SwitchSpec spec;
  spec.ports = read_count(reader, "ports", std::nullopt, 2);
  spec.port_bandwidth = reader.positive<BytesPerSecond>("port_bandwidth");
  spec.latency = reader.quantity<Seconds>("latency");
  reader.text_or("name", "");
  ignore_prose(reader);
  reader.finish();
  return spec;
}

// Uplinks that a leaf needs for one NIC, a ratio.
double uplinks_per_nic(const FabricSpec& fabric, const ServerSpec& server) {
  if (!fabric.spine) return 0;
  const BytesPerSecond uplink = min(fabric.leaf.port_bandwidth, fabric.spine->port_bandwidth);
  const BytesPerSecond nic = min(server.nic.bandwidth, fabric.leaf.port_bandwidth);
  return nic / uplink / fabric.oversubscription;
}

int uplinks(int nics, double per_nic) {
  return static_cast<int>(std::ceil(nics * per_nic - kRounding));
}

int nics_per_server_and_leaf(const FabricSpec& fabric, const ServerSpec& server) {
  return fabric.rails ? 1 : std::max(1, server.nics);
}

// Servers that fit under a leaf together with the uplinks that they need.
int most_servers_per_leaf(const FabricSpec& fabric, const ServerSpec& server) {
  const double per_nic = uplinks_per_nic(fabric, server);
  int nics = fabric.leaf.ports;
  while (nics > 0 && nics + uplinks(nics, per_nic) > fabric.leaf.ports) --nics;
  return nics / nics_per_server_and_leaf(fabric, server);
}

void read_servers_per_leaf(Reader& reader, const ServerSpec& server, FabricSpec& fabric) {
  const int most = most_servers_per_leaf(fabric, server);
  if (most == 0) {
    reader.error("leaf",
                 fmt::format("leaf: {} ports cannot take the {} NICs of one server and their "
                             "uplinks; expected a leaf of more ports or rails: true",
                             fabric.leaf.ports, server.nics));
  }
  const int servers = read_count(reader, "servers_per_leaf", std::max(1, most));
  if (servers > most && most > 0) {
    reader.error(
        "servers_per_leaf",
        fmt::format("servers_per_leaf: expected at most {}, what a leaf of {} ports takes at "
                    "oversubscription {}; got {}",
                    most, fabric.leaf.ports, fabric.oversubscription, servers));
  }
  fabric.servers_per_leaf = servers;
}

// As few spines as reach every leaf: each takes the most cables per leaf that its ports allow.
void choose_spines(FabricSpec& fabric, const ServerSpec& server) {
  const int nics = fabric.servers_per_leaf * nics_per_server_and_leaf(fabric, server);
  const int cables = std::max(1, uplinks(nics, uplinks_per_nic(fabric, server)));
  fabric.cables_per_spine = 1;
  for (int bundle = 2; bundle <= cables; ++bundle) {
    const bool even = cables % bundle == 0;
    if (even && fabric.pods * bundle <= fabric.spine->ports) fabric.cables_per_spine = bundle;
  }
  fabric.spines_per_rail = cables / fabric.cables_per_spine;
}

std::string too_many_servers(const FabricSpec& fabric, const PlatformSpec& platform) {
  const int per_leaf = fabric.servers_per_leaf;
  if (!fabric.spine) {
    return fmt::format(
        "servers: expected at most {}, what one leaf takes; got {}; use fewer or give "
        "the fabric a 'spine'",
        per_leaf, platform.servers);
  }
  const bool rails_help = !fabric.rails && platform.server.nics > 1;
  return fmt::format(
      "servers: expected at most {}, as the spine's {} ports join as many leaves of {} servers; "
      "got {}; use fewer, switches of more ports{}",
      fabric.spine->ports * per_leaf, fabric.spine->ports, per_leaf, platform.servers,
      rails_help ? " or rails: true" : "");
}

}  // namespace

FabricSpec read_fabric(Reader reader, const ServerSpec& server) {
  FabricSpec fabric;
  reader.choice<bool>("kind", {{"fat_tree", true}}, true);
  fabric.leaf = read_switch(reader.child("leaf"));
  if (reader.has("spine")) fabric.spine = read_switch(reader.child("spine"));
  fabric.cable_latency = reader.quantity<Seconds>("cable_latency", Seconds(0));
  fabric.rails = reader.boolean_or("rails", false);
  fabric.oversubscription = reader.ratio_or("oversubscription", 1.0, 1.0, kMostOversubscription);
  fabric.in_network_reduction = reader.boolean_or("in_network_reduction", false);
  read_servers_per_leaf(reader, server, fabric);
  reader.text_or("name", "");
  ignore_prose(reader);
  reader.finish();
  return fabric;
}

void wire_fabric(FabricSpec& fabric, const PlatformSpec& platform, Reader& system) {
  fabric.leaves_per_pod = fabric.rails ? platform.server.nics : 1;
  fabric.pods = (platform.servers + fabric.servers_per_leaf - 1) / fabric.servers_per_leaf;
  const int most_pods = fabric.spine ? fabric.spine->ports : 1;
  if (fabric.pods > most_pods) {
    system.error("servers", too_many_servers(fabric, platform));
  } else if (fabric.pods > 1) {
    choose_spines(fabric, platform.server);
  }
}

}  // namespace orrery
