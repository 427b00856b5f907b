#include "platform/platform_spec.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

namespace orrery {
namespace {

void ignore_prose(Reader& reader) {
  for (const char* key : {"name", "source", "notes"}) reader.ignore(key);
}

ScaleUpSpec read_scale_up(Reader reader) {
  ScaleUpSpec spec;
  ignore_prose(reader);
  spec.present = reader.choice<bool>("kind", {{"nvlink", true}, {"pcie", false}});
  if (spec.present) {
    spec.bandwidth = reader.positive<BytesPerSecond>("bandwidth");
    spec.latency = reader.quantity<Seconds>("latency");
    spec.switches = static_cast<int>(reader.integer("switches"));
    spec.in_switch_reduction = reader.boolean_or("in_switch_reduction", false);
  }
  reader.finish();
  return spec;
}

NicSpec read_nic(Reader reader) {
  ignore_prose(reader);
  NicSpec spec{.bandwidth = reader.positive<BytesPerSecond>("bandwidth"),
               .latency = reader.quantity<Seconds>("latency")};
  reader.finish();
  return spec;
}

SwitchSpec read_switch(Reader reader) {
  ignore_prose(reader);
  SwitchSpec spec{.ports = static_cast<int>(reader.integer("ports", 2)),
                  .port_bandwidth = reader.positive<BytesPerSecond>("port_bandwidth"),
                  .latency = reader.quantity<Seconds>("latency")};
  reader.finish();
  return spec;
}

FabricSpec read_fabric(Reader reader, const PlatformSpec& platform) {
  FabricSpec fabric;
  ignore_prose(reader);
  fabric.present = true;
  reader.choice<bool>("kind", {{"fat_tree", true}}, true);
  fabric.leaf = read_switch(reader.child("leaf"));
  fabric.spine = read_switch(reader.child("spine"));
  fabric.rails = reader.boolean_or("rails", false);
  fabric.oversubscription = reader.ratio_or("oversubscription", 1.0, 1.0, 64.0);
  fabric.in_network_reduction = reader.boolean_or("in_network_reduction", false);
  // Half the ports of a leaf face servers, or more when the uplinks are oversubscribed.
  const double ratio = fabric.oversubscription;
  const int down = static_cast<int>(std::floor(fabric.leaf.ports * ratio / (1 + ratio)));
  const int per_server = fabric.rails ? 1 : std::max(1, platform.nics);
  const int most = down / per_server;
  fabric.servers_per_leaf = static_cast<int>(reader.integer_or("servers_per_leaf", std::max(1, most)));
  if (fabric.servers_per_leaf > most) {
    reader.error("servers_per_leaf",
                 fmt::format("a leaf of {} ports at oversubscription {} takes {} servers; got {}",
                             fabric.leaf.ports, ratio, most, fabric.servers_per_leaf));
  }
  reader.finish();
  return fabric;
}

// Every leaf needs a port on the spines: as many leaves as a spine has ports, in up to three levels.
void check_fabric(Reader& system, const PlatformSpec& spec) {
  const FabricSpec& fabric = spec.fabric;
  const int leaves = spec.leaf_groups() * (fabric.rails ? spec.nics : 1);
  const int most = fabric.spine.ports * fabric.spine.ports / 2;   // two levels of spines
  if (leaves <= most) return;
  system.error("servers", fmt::format("{} servers need {} leaves, but spines of {} ports join at most {}; "
                                      "expected fewer servers or switches with more ports",
                                      spec.servers, leaves, fabric.spine.ports, most));
}

void read_server(Reader server, const AcceleratorFactory& make, PlatformSpec& spec) {
  ignore_prose(server);
  Reader accelerator = server.child("accelerator");
  spec.accelerator = make(accelerator);
  spec.devices = static_cast<int>(server.integer("accelerators"));
  spec.scale_up = read_scale_up(server.child("scale_up"));
  Reader cpu = server.child("cpu");
  ignore_prose(cpu);
  spec.launch_time = cpu.quantity<Seconds>("launch_time", microseconds(5));
  cpu.finish();
  spec.sockets = static_cast<int>(server.integer_or("sockets", 1));
  Reader pcie = server.child("pcie");
  ignore_prose(pcie);
  spec.pcie_bandwidth = pcie.positive<BytesPerSecond>("bandwidth");
  spec.pcie_latency = pcie.quantity<Seconds>("latency");
  pcie.finish();
  spec.nics = static_cast<int>(server.integer_or("nics", 0, 0));
  if (spec.nics > 0) spec.nic = read_nic(server.child("nic"));
  const bool even = spec.nics == 0 || spec.devices % spec.nics == 0 || spec.nics % spec.devices == 0;
  if (!even) {
    server.error("nics", fmt::format("{} NICs cannot be spread evenly over {} accelerators", spec.nics,
                                     spec.devices));
  }
  server.finish();
}

}  // namespace

PlatformSpec PlatformSpec::read(Reader& system, const AcceleratorFactory& make) {
  PlatformSpec spec;
  system.ignore("source");
  system.ignore("notes");
  spec.name = system.text_or("name", "one server");
  spec.servers = static_cast<int>(system.integer_or("servers", 1));
  read_server(system.child("server"), make, spec);
  if (system.has("fabric")) spec.fabric = read_fabric(system.child("fabric"), spec);
  spec.communication = system.raw("communication");
  if (spec.servers > 1 && spec.nics == 0) {
    system.error("servers", fmt::format("{} servers need NICs; expected server.nics >= 1", spec.servers));
  } else if (spec.servers > 1 && !spec.fabric.present) {
    system.error("servers", fmt::format("{} servers need a fabric; missing key 'fabric' in system", spec.servers));
  } else if (spec.fabric.present) {
    check_fabric(system, spec);
  }
  system.finish();
  return spec;
}

}  // namespace orrery
