// Latencies are laid on the wires: half of a network switch's on each wire at it, so that a route's
// sum is exact.
#include "platform/machine_graph.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace orrery {
namespace {

int at(const std::vector<int>& values, int index) {
  return values[static_cast<std::size_t>(index)];
}

}  // namespace

std::string device_name(const ServerSpec& spec, int server, int device) {
  const char* const kind = spec.scale_up.kind == ScaleUpSpec::Kind::Torus ? "tpu" : "gpu";
  return fmt::format("server{}.{}{}", server, kind, device);
}

MachineGraph::MachineGraph(const PlatformSpec& spec) {
  std::vector<Server> servers;
  for (int index = 0; index < spec.servers; ++index) {
    servers.push_back(add_server(spec.server, index));
    devices.insert(devices.end(), servers.back().devices.begin(), servers.back().devices.end());
  }
  if (spec.servers > 1) add_fabric(spec, servers);
}

int MachineGraph::add(std::string name, ComponentKind kind) {
  components.push_back({.name = std::move(name), .kind = kind});
  return static_cast<int>(components.size()) - 1;
}

void MachineGraph::connect(int from, int to, const WireSpec& wire, const char* kind) {
  links.push_back(
      {.from = from, .to = to, .bandwidth = wire.bandwidth, .latency = wire.latency, .kind = kind});
}

MachineGraph::Server MachineGraph::add_server(const ServerSpec& spec, int index) {
  Server server;
  const std::string prefix = fmt::format("server{}", index);
  // The latency of memory belongs to the accelerator's model.
  const WireSpec memory{.bandwidth = spec.accelerator->memory_bandwidth(), .latency = Seconds(0)};
  for (int i = 0; i < spec.devices; ++i) {
    const std::string name = device_name(spec, index, i);
    server.devices.push_back(add(name, ComponentKind::Device));
    const int hbm = add(name + ".hbm", ComponentKind::Memory);
    connect(server.devices.back(), hbm, memory, "hbm");
  }
  connect_scale_up(spec, server, prefix);
  for (int i = 0; i < spec.pcie_switches(); ++i) {
    server.pcie_switches.push_back(
        add(fmt::format("{}.pcie_switch{}", prefix, i), ComponentKind::PcieSwitch));
  }
  for (int i = 0; i < spec.sockets; ++i) {
    server.sockets.push_back(add(fmt::format("{}.cpu{}", prefix, i), ComponentKind::Cpu));
  }
  for (int i = 0; i < spec.nics; ++i) {
    server.nics.push_back(add(fmt::format("{}.nic{}", prefix, i), ComponentKind::Nic));
  }
  connect_host(spec, server);
  return server;
}

// The hardware stripes every transfer over all switches of a server: they are one component.
void MachineGraph::connect_scale_up(const ServerSpec& spec, const Server& server,
                                    const std::string& prefix) {
  const ScaleUpSpec& scale_up = spec.scale_up;
  if (scale_up.kind == ScaleUpSpec::Kind::Pcie || spec.devices == 1) return;
  if (scale_up.kind == ScaleUpSpec::Kind::Torus) {
    const WireSpec wire{.bandwidth = scale_up.bandwidth, .latency = scale_up.latency};
    for (int i = 0; i < spec.devices; ++i) {
      for (const int next : scale_up.torus.next(i)) {
        connect(at(server.devices, i), at(server.devices, next), wire, "ici");
      }
    }
    return;
  }
  if (scale_up.switches > 0) {
    const int nvswitch = add(prefix + ".nvswitch", ComponentKind::ScaleUpSwitch);
    const WireSpec wire{.bandwidth = scale_up.bandwidth, .latency = scale_up.latency};
    for (const int device : server.devices) connect(device, nvswitch, wire, "nvlink");
    return;
  }
  const WireSpec wire{.bandwidth = scale_up.bandwidth / static_cast<double>(spec.devices - 1),
                      .latency = scale_up.latency};
  for (int i = 0; i < spec.devices; ++i) {
    for (int j = i + 1; j < spec.devices; ++j) {
      connect(at(server.devices, i), at(server.devices, j), wire, "nvlink");
    }
  }
}

void MachineGraph::connect_host(const ServerSpec& spec, const Server& server) {
  const auto pcie_switch_of = [&](int device) {
    return at(server.pcie_switches, device / spec.devices_per_pcie_switch);
  };
  for (int i = 0; i < spec.devices; ++i) {
    connect(at(server.devices, i), pcie_switch_of(i), spec.pcie, "pcie");
  }
  for (int i = 0; i < spec.nics; ++i) {
    connect(at(server.nics, i), pcie_switch_of(i * spec.devices / spec.nics), spec.pcie, "pcie");
  }
  for (int i = 0; i < spec.pcie_switches(); ++i) {
    connect(at(server.pcie_switches, i),
            at(server.sockets, i * spec.sockets / spec.pcie_switches()), spec.pcie, "pcie");
  }
  if (!spec.socket_link) return;
  for (int i = 0; i < spec.sockets; ++i) {
    for (int j = i + 1; j < spec.sockets; ++j) {
      connect(at(server.sockets, i), at(server.sockets, j), *spec.socket_link, "upi");
    }
  }
}

}  // namespace orrery
