// Latencies are laid on the wires: half of a network switch's on each wire at it, so that a route's
// sum is exact.
#include "platform/machine_graph.hpp"

#include <algorithm>
#include <cstdint>

#include <fmt/format.h>

#include "platform/device_names.hpp"
#include "platform/index.hpp"

namespace orrery {
MachineGraph::MachineGraph(const PlatformSpec& spec) {
  for (int index = 0; index < spec.servers; ++index) add_server(spec.server, index);
  if (spec.fabric && spec.servers > 1) add_fabric(spec);
}

MachineGraph::MachineGraph(const PlatformSpec& spec, std::span<const int> some,
                           std::span<const ServerSpec* const> builds) {
  for (std::size_t i = 0; i < some.size(); ++i) add_server(*builds[i], some[i]);
  if (spec.fabric && spec.servers > 1) add_fabric(spec);
}

int MachineGraph::add(std::string name, ComponentKind kind) {
  components.push_back({.name = std::move(name), .kind = kind});
  devices_forward.push_back(false);
  return static_cast<int>(components.size()) - 1;
}

void MachineGraph::connect(int from, int to, const WireSpec& wire, const char* kind) {
  links.push_back({.from = from,
                   .to = to,
                   .bandwidth = wire.bandwidth,
                   .latency = wire.latency,
                   .kind = kind,
                   .back = wire.bandwidth});
}

void MachineGraph::add_server(const ServerSpec& spec, int index) {
  Server server;
  server.index = index;
  server.first_component = static_cast<int>(components.size());
  server.first_link = static_cast<int>(links.size());
  const std::string prefix = fmt::format("server{}", index);
  // The latency of memory belongs to the accelerator's model.
  const WireSpec memory{.bandwidth = spec.accelerator->memory_bandwidth(), .latency = Seconds(0)};
  for (int i = 0; i < spec.devices; ++i) {
    const std::string name = name_of_device(spec, index * spec.devices + i);
    server.devices.push_back(add(name, ComponentKind::Device));
    devices_forward.back() = spec.scale_up.kind != ScaleUpSpec::Kind::Listed;
    const int hbm = add(name + ".hbm", ComponentKind::Memory);
    connect(server.devices.back(), hbm, memory, "hbm");
    links.back().half_duplex = true;
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
  if (!spec.host_listed) connect_host(spec, server);
  connect_sockets(spec, server);
  add_memories(spec, server, prefix);
  add_drives(spec, server, prefix);
  connect_listed(spec, server);
  devices.insert(devices.end(), server.devices.begin(), server.devices.end());
  servers.push_back(std::move(server));
}

// The hardware stripes every transfer over all switches of a server: they are one component.
void MachineGraph::connect_scale_up(const ServerSpec& spec, const Server& server,
                                    const std::string& prefix) {
  const ScaleUpSpec& scale_up = spec.scale_up;
  const bool own =
      scale_up.kind == ScaleUpSpec::Kind::NvLink || scale_up.kind == ScaleUpSpec::Kind::Torus;
  if (!own || spec.devices == 1) return;
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
}

void MachineGraph::connect_sockets(const ServerSpec& spec, const Server& server) {
  if (!spec.socket_link) return;
  for (int i = 0; i < spec.sockets; ++i) {
    for (int j = i + 1; j < spec.sockets; ++j) {
      connect(at(server.sockets, i), at(server.sockets, j), *spec.socket_link, "upi");
    }
  }
}

// One memory for each socket, with the channels as one: addresses are interleaved over them.
void MachineGraph::add_memories(const ServerSpec& spec, Server& server, const std::string& prefix) {
  if (spec.memory.per_socket <= BytesPerSecond(0)) return;
  const WireSpec channels{.bandwidth = spec.memory.per_socket, .latency = Seconds(0)};
  for (int i = 0; i < spec.sockets; ++i) {
    server.memories.push_back(add(fmt::format("{}.dram{}", prefix, i), ComponentKind::Dram));
    connect(at(server.sockets, i), server.memories.back(), channels, "dram");
    links.back().half_duplex = true;
  }
}

// A drive whose links are listed is not dealt to anything.
void MachineGraph::add_drives(const ServerSpec& spec, Server& server, const std::string& prefix) {
  const DriveSpec& drives = spec.storage;
  if (drives.read <= BytesPerSecond(0)) return;
  const bool switches = drives.on_pcie_switches && !server.pcie_switches.empty();
  const std::vector<int>& hosts = switches ? server.pcie_switches : server.sockets;
  for (int i = 0; i < drives.count; ++i) {
    server.drives.push_back(add(fmt::format("{}.ssd{}", prefix, i), ComponentKind::Ssd));
    const auto host =
        static_cast<std::int64_t>(i) * static_cast<std::int64_t>(hosts.size()) / drives.count;
    const WireSpec reading{.bandwidth = drives.read, .latency = drives.latency};
    connect(server.drives.back(), at(hosts, static_cast<int>(host)), reading, "drive");
    links.back().back = drives.write;
  }
}

void MachineGraph::connect_listed(const ServerSpec& spec, const Server& server) {
  const auto component = [&](const PartName& part) {
    switch (part.kind) {
      case ComponentKind::PcieSwitch:
        return at(server.pcie_switches, part.index);
      case ComponentKind::Cpu:
        return at(server.sockets, part.index);
      case ComponentKind::Nic:
        return at(server.nics, part.index);
      default:
        return at(server.devices, part.index);
    }
  };
  for (const ListedLinks& listed : spec.links) {
    for (const auto& [from, to] : listed.between) {
      connect(component(from), component(to), listed.wire, listed.kind.c_str());
    }
  }
}

}  // namespace orrery
