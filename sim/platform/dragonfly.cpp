// Kim, Dally, Scott, Abts, "Technology-Driven, Highly-Scalable Dragonfly Topology", ISCA 2008: p
// servers a router, a routers a group, h global links a router, at most a h + 1 groups.
#include <algorithm>
#include <cstdint>

#include <fmt/format.h>

#include "platform/platform_spec.hpp"
#include "platform/server_keys.hpp"

namespace orrery {
namespace {

std::int64_t global_links_per_group(const FabricSpec& fabric) {
  return static_cast<std::int64_t>(fabric.routers_per_group) * fabric.global_links_per_router;
}

void check_ports(Reader& reader, const ServerSpec& server, const FabricSpec& fabric) {
  const std::int64_t down = static_cast<std::int64_t>(fabric.servers_per_leaf) * server.nics;
  const std::int64_t local =
      static_cast<std::int64_t>(fabric.routers_per_group - 1) * fabric.local_links;
  const std::int64_t needed = down + local + fabric.global_links_per_router;
  if (needed <= fabric.leaf.ports) return;
  reader.error("router",
               fmt::format("router: {} ports for NICs, {} for routers of the group and "
                           "{} for other groups are {}; expected at most its {}",
                           down, local, fabric.global_links_per_router, needed, fabric.leaf.ports));
}

}  // namespace

std::vector<Binding<FabricSpec>> dragonfly_fields() {
  using namespace schema;
  using F = FabricSpec;
  return {
      entry("switch", required("router", &F::leaf, &switch_schema(),
                               "ports for NICs, for the other routers of the group, and for global "
                               "links")),
      required("groups", &F::pods, parts(1),
               "[G] that are built, filled or not; at most `routers_per_group` · "
               "`global_links_per_router` + 1"),
      required("routers_per_group", &F::routers_per_group, parts(1), "[a]"),
      required("servers_per_router", &F::servers_per_leaf, parts(1), "[p] with all their NICs"),
      optional("global_links_per_router", &F::global_links_per_router, parts(0),
               "[h] m = floor(a · h / (G - 1)) of a group go to each other one; what is left "
               "over stays unused"),
      optional("local_links", &F::local_links, parts(1), "[l] between two routers of a group"),
      otherwise("`cable_latency`",
                optional("global_cable_latency", &F::global_cable_latency,
                         within(Seconds(0), kLongestLatency), "between groups"))};
}

void complete_dragonfly(Reader& reader, const ServerSpec& server, FabricSpec& fabric) {
  if (!reader.has("global_cable_latency")) fabric.global_cable_latency = fabric.cable_latency;
  fabric.servers_per_pod = static_cast<int>(std::min<std::int64_t>(
      static_cast<std::int64_t>(fabric.servers_per_leaf) * fabric.routers_per_group, 1'000'000));
  check_ports(reader, server, fabric);
  const std::int64_t links = global_links_per_group(fabric);
  if (fabric.pods > links + 1) {
    reader.error("groups", fmt::format("groups: expected at most {}, as the {} global links of a "
                                       "group reach as many others; got {}",
                                       links + 1, links, fabric.pods));
    return;
  }
  if (fabric.pods > 1) {
    fabric.links_per_group_pair = static_cast<int>(links / (fabric.pods - 1));
  }
}

void wire_dragonfly(FabricSpec& fabric, const PlatformSpec& platform, Reader& system) {
  const std::int64_t most = static_cast<std::int64_t>(fabric.servers_per_pod) * fabric.pods;
  if (platform.servers > most) {
    system.error("servers",
                 fmt::format("servers: expected at most {}, {} groups of {} servers; "
                             "got {}; use fewer or more groups",
                             most, fabric.pods, fabric.servers_per_pod, platform.servers));
  }
}

}  // namespace orrery
