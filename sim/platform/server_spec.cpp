#include <algorithm>

#include "platform/platform_spec.hpp"

namespace orrery {

WireSpec read_wire(Reader& reader) {
  return {.bandwidth = reader.positive<BytesPerSecond>("bandwidth"),
          .latency = reader.quantity<Seconds>("latency")};
}

namespace {

void read_scale_up(Reader reader, ServerSpec& server) {
  using Kind = ScaleUpSpec::Kind;
  ScaleUpSpec& spec = server.scale_up;
  spec.kind = reader.choice<Kind>("kind", {{"nvlink", Kind::NvLink},
                                           {"pcie", Kind::Pcie},
                                           {"torus", Kind::Torus},
                                           {"links", Kind::Listed}});
  if (spec.kind == Kind::Torus) {
    const WireSpec wire = read_wire(reader);
    spec.bandwidth = wire.bandwidth;
    spec.latency = wire.latency;
    spec.torus = read_torus(reader, server.devices);
  }
  if (spec.kind == Kind::NvLink) {
    const WireSpec wire = read_wire(reader);
    spec.bandwidth = wire.bandwidth;
    spec.latency = wire.latency;
    spec.switches = read_count(reader, "switches", std::nullopt, 0);
    server.switch_power = read_draw(reader);
    spec.in_switch_reduction = reader.boolean_or("in_switch_reduction", false);
    if (spec.in_switch_reduction && spec.switches == 0) {
      reader.error("in_switch_reduction",
                   "in_switch_reduction: expected switches of at least 1; got 0");
    }
  }
  reader.text_or("name", "");
  ignore_prose(reader);
  reader.finish();
}

void read_cpu(Reader reader, ServerSpec& spec) {
  spec.launch_time = reader.quantity<Seconds>("launch_time");
  spec.cpu_power = read_draw(reader);
  if (reader.has("socket_link")) {
    Reader link = reader.child("socket_link");
    spec.socket_link = read_wire(link);
    ignore_prose(link);
    link.finish();
  }
  reader.text_or("name", "");
  ignore_prose(reader);
  reader.finish();
}

// Without `pcie` the listed links wire the host too.
void read_pcie(Reader& server, ServerSpec& spec) {
  spec.host_listed = !server.has("pcie") && server.has("links");
  if (spec.host_listed) {
    spec.listed_pcie_switches = read_count(server, "pcie_switches", 0, 0);
    return;
  }
  Reader reader = server.child("pcie");
  spec.pcie = read_wire(reader);
  const int per_nic = spec.nics > 0 ? std::max(1, spec.devices / spec.nics) : 1;
  spec.devices_per_pcie_switch = read_count(reader, "devices_per_switch", per_nic);
  ignore_prose(reader);
  reader.finish();
}

void read_nics(Reader& server, ServerSpec& spec) {
  spec.nics = read_count(server, "nics", 0, 0);
  if (spec.nics == 0) {
    server.ignore("nic");
    return;
  }
  Reader nic = server.child("nic");
  spec.nic = read_wire(nic);
  spec.nic_power = read_draw(nic);
  nic.text_or("name", "");
  ignore_prose(nic);
  nic.finish();
}

}  // namespace

ServerSpec read_server(Reader server, const AcceleratorFactory& make) {
  ServerSpec spec;
  spec.name = server.text_or("name", "server");
  Reader accelerator = server.child("accelerator");
  spec.accelerator = make(accelerator);
  spec.devices = read_count(server, "accelerators");
  if (server.has("scale_up") || spec.devices > 1) {
    read_scale_up(server.child("scale_up"), spec);
  }
  read_cpu(server.child("cpu"), spec);
  spec.sockets = read_count(server, "sockets", 2);
  read_nics(server, spec);
  read_pcie(server, spec);
  spec.peer_access = server.boolean_or("peer_access", true);
  spec.storage = read_drives(server);
  spec.memory = read_host_memory(server);
  spec.links = read_links(server, spec);
  spec.communication = server.raw("communication");
  spec.power = read_server_power(server, spec);
  spec.cooling = server.raw("cooling");
  ignore_prose(server);
  server.finish();
  return spec;
}

}  // namespace orrery
