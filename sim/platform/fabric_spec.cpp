#include "platform/fabric_spec.hpp"

#include "platform/platform_spec.hpp"
#include "platform/server_keys.hpp"

namespace orrery {
namespace {

constexpr int kMostFlowsPerNic = 1024;

const Schema<RoutingSpec>& routing_schema() {
  using namespace schema;
  using R = RoutingSpec;
  using Kind = R::Kind;
  using Paths = R::Paths;
  static const Schema<R> result(
      "routing",
      {optional("kind", &R::kind,
                Choices<Kind>{
                    {"adaptive", Kind::Adaptive}, {"ecmp", Kind::Ecmp}, {"static", Kind::Static}},
                "adaptive: by packet, no collisions; ecmp: a hash puts every flow on a random "
                "path; static: flows are dealt out evenly but none is divided"),
       optional("flows_per_nic", &R::flows_per_nic, whole(1, kMostFlowsPerNic),
                "[q] connections (queue pairs) that a message is split over evenly; for ecmp and "
                "static"),
       optional("efficiency", &R::efficiency, schema::between(0.01, 1.0),
                "of what uplinks and global links carry"),
       optional(
           "paths", &R::paths,
           Choices<Paths>{
               {"minimal", Paths::Minimal}, {"valiant", Paths::Valiant}, {"ugal", Paths::Ugal}},
           "of a dragonfly: the direct global links; over a random third group; the better "
           "of both")});
  return result;
}

}  // namespace

const Schema<SwitchSpec>& switch_schema() {
  using namespace schema;
  using S = SwitchSpec;
  static const Schema<S> result(
      "switch",
      {label<S>(), required("ports", &S::ports, parts(2), "of one switch"),
       required("port_bandwidth", &S::port_bandwidth, positive, "of one, in each direction"),
       required("latency", &S::latency, within(Seconds(0), kLongestLatency), "from port to port"),
       entry("power", optional("power", &S::power, &draw_schema(), "of one switch")),
       optional("optics", &S::optics,
                "in one port that has a cable; the NIC's end is in the NIC's power")});
  return result;
}

const Schema<FabricSpec>& fabric_schema() {
  using namespace schema;
  using F = FabricSpec;
  using Kind = F::Kind;
  const auto of = [](Kind kind, const char* words, std::vector<Binding<F>> fields) {
    const auto holds = [kind](const F& fabric) { return fabric.kind == kind; };
    for (Binding<F>& field : fields) field = when(words, holds, field);
    return fields;
  };
  static const Schema<F> result(
      "fabric",
      std::vector{
          optional("kind", &F::kind,
                   Choices<Kind>{{"fat_tree", Kind::FatTree}, {"dragonfly", Kind::Dragonfly}},
                   "leaves joined by spines and these by cores; or routers by one "
                   "another"),
          label<F>(),
          optional("cable_latency", &F::cable_latency, within(Seconds(0), kLongestLatency),
                   "of a cable between NIC and leaf or between switches"),
          optional("in_network_reduction", &F::in_network_reduction,
                   "SHARP; the collective model uses it where `communication.scale_out` "
                   "has `collnet`"),
          entry("routing", optional("routing", &F::routing, &routing_schema(),
                                    "how flows are put on equal paths"))} +
          of(Kind::FatTree, "kind: fat_tree", fat_tree_fields()) +
          of(Kind::Dragonfly, "kind: dragonfly", dragonfly_fields()));
  return result;
}

void complete_fabric(Reader& reader, const ServerSpec& server, FabricSpec& fabric) {
  Reader routing = reader.child("routing", false);
  if (fabric.kind == FabricSpec::Kind::Dragonfly) {
    complete_dragonfly(reader, server, fabric);
    return;
  }
  if (routing.has("paths")) {
    routing.error("paths",
                  "paths: only a dragonfly has several; expected no such key in a fat_tree");
  }
  complete_fat_tree(reader, server, fabric);
}

FabricSpec bundled(FabricSpec fabric) {
  if (fabric.kind == FabricSpec::Kind::Dragonfly || fabric.spines_per_rail == 0) return fabric;
  fabric.bundled = true;
  fabric.uplinks_per_spine *= fabric.spines_per_rail;
  fabric.cables_per_spine = fabric.uplinks_per_leaf;
  fabric.spines_per_rail = 1;
  fabric.cables_per_core = fabric.uplinks_per_spine;
  fabric.cores_per_spine = fabric.uplinks_per_spine > 0 ? 1 : 0;
  return fabric;
}

void wire_fabric(FabricSpec& fabric, const PlatformSpec& platform, Reader& system) {
  fabric.units = (platform.servers + fabric.servers_per_leaf - 1) / fabric.servers_per_leaf;
  if (fabric.kind == FabricSpec::Kind::Dragonfly) {
    wire_dragonfly(fabric, platform, system);
  } else {
    wire_fat_tree(fabric, platform, system);
  }
}

}  // namespace orrery
