#include <orrery/platform.hpp>

#include <algorithm>
#include <map>
#include <optional>
#include <tuple>

#include <orrery/error.hpp>

#include "platform/machine_graph.hpp"
#include "platform/platform_spec.hpp"

namespace orrery {

const char* to_text(ComponentKind kind) {
  switch (kind) {
    case ComponentKind::Device: return "device";
    case ComponentKind::Memory: return "memory";
    case ComponentKind::ScaleUpSwitch: return "scale-up switch";
    case ComponentKind::PcieSwitch: return "pcie switch";
    case ComponentKind::Cpu: return "cpu";
    case ComponentKind::Nic: return "nic";
    case ComponentKind::LeafSwitch: return "leaf switch";
    case ComponentKind::SpineSwitch: return "spine switch";
  }
  return "?";
}

// The specification, and the graph once somebody asks for it.
struct Platform::Graph {
  PlatformSpec spec;
  mutable std::unique_ptr<MachineGraph> machine;

  const MachineGraph& graph() const {
    if (!machine) machine = std::make_unique<MachineGraph>(spec);
    return *machine;
  }

  // Latency between the first device of server 0 and a device of the same server, of the next server on
  // the same leaf, or of a server on another leaf: the graph looks alike from everywhere.
  mutable std::map<std::pair<int, int>, Seconds> latencies;
  Seconds latency(int from, int to) const {
    const auto key = std::make_pair(from, to);
    auto found = latencies.find(key);
    if (found == latencies.end()) {
      const Route route = graph().route(graph().device(from), graph().device(to));
      found = latencies.emplace(key, route.latency).first;
    }
    return found->second;
  }
};

Platform::Platform(Reader& system, const AcceleratorFactory& make) : graph_(std::make_unique<Graph>()) {
  graph_->spec = PlatformSpec::read(system, make);
}
Platform::~Platform() = default;
Platform::Platform(Platform&&) noexcept = default;

const std::string& Platform::name() const { return graph_->spec.name; }
int Platform::servers() const { return graph_->spec.servers; }
int Platform::devices_per_server() const { return graph_->spec.devices; }
const Accelerator& Platform::accelerator() const { return *graph_->spec.accelerator; }
Seconds Platform::launch_time() const { return graph_->spec.launch_time; }
const Node& Platform::communication() const { return graph_->spec.communication; }
const std::vector<Component>& Platform::components() const { return graph_->graph().components(); }
const std::vector<Link>& Platform::links() const { return graph_->graph().links(); }
int Platform::component_of_device(int device) const { return graph_->graph().device(device); }
Route Platform::route(int from, int to) const { return graph_->graph().route(from, to); }

GroupLayout Platform::layout(std::span<const int> devices) const {
  const PlatformSpec& spec = graph_->spec;
  ORRERY_CHECK(!devices.empty() && devices.front() >= 0 && devices.back() < this->devices());
  GroupLayout layout{.ranks = static_cast<int>(devices.size()), .servers = 0, .ranks_per_server = 0};
  int in_server = 0, previous = -1;
  bool same_rail = true;
  for (const int device : devices) {
    const int server = device / spec.devices;
    in_server = server == previous ? in_server + 1 : 1;
    layout.servers += server == previous ? 0 : 1;
    layout.ranks_per_server = std::max(layout.ranks_per_server, in_server);
    same_rail = same_rail && device % spec.devices == devices.front() % spec.devices;
    previous = server;
  }
  const ScaleUpSpec& scale_up = spec.scale_up;
  layout.scale_up = scale_up.present ? scale_up.bandwidth : spec.pcie_bandwidth;
  layout.scale_up_latency = scale_up.present ? scale_up.latency * 2 : spec.pcie_latency * 2;
  layout.scale_up_switched = scale_up.present;
  layout.in_switch_reduction = scale_up.in_switch_reduction;
  layout.devices_per_server = spec.devices;
  layout.nics_per_server = spec.nics;
  if (layout.servers == 1) return layout;

  const FabricSpec& fabric = spec.fabric;
  const int first_group = devices.front() / spec.devices / fabric.servers_per_leaf;
  const int last_group = devices.back() / spec.devices / fabric.servers_per_leaf;
  // A NIC is fed through PCIe and its leaf's port.
  const BytesPerSecond nic = min(min(spec.nic.bandwidth, spec.pcie_bandwidth), fabric.leaf.port_bandwidth);
  const double per_device = static_cast<double>(spec.nics) / spec.devices;
  // Rails meet only at the spine, unless the group keeps to one.
  const bool crosses = first_group != last_group || (fabric.rails && !same_rail && !scale_up.present);
  const double share = crosses ? 1 / fabric.oversubscription : 1.0;
  layout.scale_out = min(nic * per_device, spec.pcie_bandwidth) * share;
  layout.scale_out_alone = min(nic * std::max(1.0, per_device), spec.pcie_bandwidth);
  layout.scale_out_latency = graph_->latency(devices.front(), devices.back());
  layout.in_network_reduction = fabric.in_network_reduction;
  return layout;
}

}  // namespace orrery
