#include "platform/part.hpp"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include <orrery/error.hpp>

#include "platform/index.hpp"
#include "platform/part_graph.hpp"
#include "platform/resource_table.hpp"

namespace orrery {

std::vector<ResourceUse> uses_of(const MachineGraph& machine, const LinkUse& use) {
  std::vector<ResourceUse> result;
  for (const auto& [way, share] : use) {
    const auto resource = static_cast<std::uint32_t>(2 * way.link + (way.back ? 1 : 0));
    result.push_back({resource, share, capacity_of(machine.links[index(way.link)], way)});
  }
  return result;
}

const char* to_text(ComponentKind kind) {
  switch (kind) {
    case ComponentKind::Device:
      return "device";
    case ComponentKind::Memory:
      return "memory";
    case ComponentKind::ScaleUpSwitch:
      return "scale-up switch";
    case ComponentKind::PcieSwitch:
      return "pcie switch";
    case ComponentKind::Cpu:
      return "cpu";
    case ComponentKind::Dram:
      return "host memory";
    case ComponentKind::Nic:
      return "nic";
    case ComponentKind::Ssd:
      return "ssd";
    case ComponentKind::LeafSwitch:
      return "leaf switch";
    case ComponentKind::SpineSwitch:
      return "spine switch";
    case ComponentKind::CoreSwitch:
      return "core switch";
    case ComponentKind::Router:
      return "router";
  }
  return "";
}

// A device or a socket stands for its memory.
void MachinePart::Graph::add_memory(int component, LinkUse& use) const {
  for (int i = 0; i < static_cast<int>(machine.links.size()); ++i) {
    const Link& link = machine.links[index(i)];
    if (link.from == component && link.half_duplex) use[{i, false}] += 1;
  }
}

MachinePart::Graph::Place MachinePart::Graph::place_of(int device) const {
  const int per_server = spec.server.devices;
  const auto found =
      std::lower_bound(machine.servers.begin(), machine.servers.end(), device / per_server,
                       [](const auto& server, int number) { return server.index < number; });
  if (found == machine.servers.end() || found->index != device / per_server) return {-1, 0};
  return {static_cast<int>(found - machine.servers.begin()), device % per_server};
}

MachinePart make_part(PlatformSpec spec, const Conditions& conditions, const PartServers& servers) {
  std::vector<const ServerSpec*> specs;
  std::vector<const ServerWiring*> wirings;
  for (const int server : servers.indices) {
    ORRERY_CHECK(server >= 0 && server < spec.servers);
    const int condition = conditions.of(server * spec.server.devices);
    const auto build = index(conditions.all()[index(condition)].build);
    specs.push_back(servers.builds[build]);
    wirings.push_back(servers.wirings[build]);
  }
  auto graph = std::make_unique<MachinePart::Graph>(
      std::move(spec), servers.indices, std::move(specs), std::move(wirings), servers.layouts);
  if (!conditions.uniform()) graph->degrade(conditions);
  graph->resources = resources_of(graph->machine, 1);
  graph->add_power();
  return MachinePart(std::move(graph));
}

MachinePart::MachinePart(std::unique_ptr<const Graph> graph) : graph_(std::move(graph)) {}
MachinePart::~MachinePart() = default;
MachinePart::MachinePart(MachinePart&&) noexcept = default;

const std::vector<Component>& MachinePart::components() const { return graph_->machine.components; }
const std::vector<Link>& MachinePart::links() const { return graph_->machine.links; }
const std::vector<Resource>& MachinePart::resources() const { return graph_->resources; }

int MachinePart::find(std::string_view name) const {
  const auto found = graph_->names.find(name);
  return found == graph_->names.end() ? -1 : found->second;
}

int MachinePart::component_of_device(int device) const {
  const auto place = graph_->place_of(device);
  if (place.server < 0) return -1;
  return graph_->machine.servers[index(place.server)].devices[index(place.device)];
}

Route MachinePart::route(int from, int to) const { return graph_->route(from, to); }

std::optional<CopyPath> MachinePart::copy(int from, int to) const {
  LinkUse use;
  std::optional<Seconds> latency = Seconds(0);
  if (from != to) latency = graph_->add_way(from, to, 1, use);
  if (!latency) return std::nullopt;
  graph_->add_memory(from, use);
  graph_->add_memory(to, use);
  if (use.empty()) return std::nullopt;
  CopyPath path{.uses = uses_of(graph_->machine, use), .latency = *latency, .bandwidth = {}};
  path.bandwidth = bottleneck(graph_->machine, use);
  for (const ResourceUse& one : path.uses) {
    if (one.capacity / one.per_byte <= path.bandwidth) {
      path.limit = static_cast<int>(one.resource);
      break;
    }
  }
  return path;
}

}  // namespace orrery
