#include "platform/fabric_spec.hpp"

#include "platform/platform_spec.hpp"

namespace orrery {
namespace {

constexpr int kMostFlowsPerNic = 1024;

RoutingSpec read_routing(Reader reader, FabricSpec::Kind fabric) {
  using Kind = RoutingSpec::Kind;
  using Paths = RoutingSpec::Paths;
  RoutingSpec routing;
  routing.kind = reader.choice<Kind>(
      "kind", {{"adaptive", Kind::Adaptive}, {"ecmp", Kind::Ecmp}, {"static", Kind::Static}},
      Kind::Adaptive);
  routing.flows_per_nic = read_count(reader, "flows_per_nic", 1);
  if (routing.flows_per_nic > kMostFlowsPerNic) {
    reader.error("flows_per_nic", "flows_per_nic: expected at most 1024");
  }
  routing.efficiency = reader.ratio_or("efficiency", 1.0, 0.01, 1.0);
  if (fabric == FabricSpec::Kind::Dragonfly) {
    routing.paths = reader.choice<Paths>(
        "paths", {{"minimal", Paths::Minimal}, {"valiant", Paths::Valiant}, {"ugal", Paths::Ugal}},
        Paths::Minimal);
  }
  ignore_prose(reader);
  reader.finish();
  return routing;
}

}  // namespace

SwitchSpec read_switch(Reader reader) {
  SwitchSpec spec;
  spec.ports = read_count(reader, "ports", std::nullopt, 2);
  spec.port_bandwidth = reader.positive<BytesPerSecond>("port_bandwidth");
  spec.latency = reader.quantity<Seconds>("latency");
  spec.power = read_draw(reader);
  spec.optics = reader.quantity<Watts>("optics", Watts(0));
  reader.text_or("name", "");
  ignore_prose(reader);
  reader.finish();
  return spec;
}

FabricSpec read_fabric(Reader reader, const ServerSpec& server) {
  using Kind = FabricSpec::Kind;
  FabricSpec fabric;
  fabric.kind = reader.choice<Kind>(
      "kind", {{"fat_tree", Kind::FatTree}, {"dragonfly", Kind::Dragonfly}}, Kind::FatTree);
  fabric.cable_latency = reader.quantity<Seconds>("cable_latency", Seconds(0));
  fabric.in_network_reduction = reader.boolean_or("in_network_reduction", false);
  if (reader.has("routing")) fabric.routing = read_routing(reader.child("routing"), fabric.kind);
  if (fabric.kind == Kind::Dragonfly) {
    read_dragonfly(reader, server, fabric);
  } else {
    read_fat_tree(reader, server, fabric);
  }
  reader.text_or("name", "");
  ignore_prose(reader);
  reader.finish();
  return fabric;
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
