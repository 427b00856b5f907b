#include "platform/part.hpp"

#include <algorithm>
#include <functional>
#include <map>
#include <set>

#include <fmt/format.h>

#include <orrery/error.hpp>

#include "platform/index.hpp"
#include "platform/resource_table.hpp"
#include "platform/torus_layout.hpp"

namespace orrery {
namespace {

std::vector<ResourceUse> uses_of(const MachineGraph& machine, const LinkUse& use) {
  std::vector<ResourceUse> result;
  for (const auto& [way, share] : use) {
    const auto resource = static_cast<std::uint32_t>(2 * way.link + (way.back ? 1 : 0));
    result.push_back({resource, share, capacity_of(machine.links[index(way.link)], way)});
  }
  return result;
}

}  // namespace

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

struct MachinePart::Graph {
  PlatformSpec spec;
  std::vector<const ServerSpec*> specs;      // by server of the part
  std::vector<const ServerWiring*> wirings;  // likewise
  MachineGraph machine;
  Router router;
  std::vector<Resource> resources;
  std::map<std::string, int, std::less<>> names;
  GroupLayouts layouts;

  Graph(PlatformSpec the_spec, std::span<const int> servers,
        std::vector<const ServerSpec*> the_specs, std::vector<const ServerWiring*> the_wirings,
        GroupLayouts the_layouts)
      : spec(std::move(the_spec)),
        specs(std::move(the_specs)),
        wirings(std::move(the_wirings)),
        machine(spec, servers, specs),
        router(machine),
        layouts(std::move(the_layouts)) {
    for (int i = 0; i < static_cast<int>(machine.components.size()); ++i) {
      names.emplace(machine.components[index(i)].name, i);
    }
  }

  [[nodiscard]] Route route(int from, int to) const {
    return router.routes(from, std::span(&to, 1)).front();
  }
  /// Where a component lies: its server of the part, or -1.
  [[nodiscard]] int server_of(int component) const {
    for (std::size_t i = 0; i < machine.servers.size(); ++i) {
      const auto& devices = machine.servers[i].devices;
      if (std::find(devices.begin(), devices.end(), component) != devices.end()) {
        return static_cast<int>(i);
      }
    }
    return -1;
  }
  [[nodiscard]] Route way(int from, int to) const;
  void add_memory(int component, LinkUse& use) const;

  // The place of a machine's device among the servers of the part.
  struct Place {
    int server = 0, device = 0;
  };
  [[nodiscard]] Place place_of(int device) const;
  void add_local(const LinkUse& local, const Place& place, double share, bool reversed,
                 LinkUse& use) const;
  [[nodiscard]] LinkUse between_servers(const std::vector<Place>& from,
                                        const std::vector<Place>& to, double share) const;
  /// What `condition` says of devices, on their links; a NIC that several share is as slow as the
  /// product of what they say.
  void degrade(const Conditions& conditions);
  void scale(const std::function<bool(const Link&)>& which, double ratio);
  void add_inside(const std::vector<Place>& members, LinkUse& use) const;
  void add_power();
};

// What is copied within a server takes the peers' way; devices may not reach one another directly.
Route MachinePart::Graph::way(int from, int to) const {
  const bool devices = machine.components[index(from)].kind == ComponentKind::Device &&
                       machine.components[index(to)].kind == ComponentKind::Device;
  const int server = devices ? server_of(from) : -1;
  if (server < 0 || server != server_of(to)) return route(from, to);
  return peer_route(router, *specs[index(server)], machine.servers[index(server)], from, to);
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

// Uses of one server's graph, laid on the links of a server of the part.
void MachinePart::Graph::add_local(const LinkUse& local, const Place& place, double share,
                                   bool reversed, LinkUse& use) const {
  const int first = machine.servers[index(place.server)].first_link;
  for (const auto& [way, part] : local) {
    const Link& link = machine.links[index(first + way.link)];
    use[{first + way.link, !link.half_duplex && way.back != reversed}] += share * part;
  }
}

// Every member in one server sends to the one of its number among those in the next.
LinkUse MachinePart::Graph::between_servers(const std::vector<Place>& from,
                                            const std::vector<Place>& to, double share) const {
  LinkUse use;
  for (std::size_t i = 0; i < from.size(); ++i) {
    const Place& sender = from[i];
    const Place& receiver = to[i % to.size()];
    const NicUse& out = wirings[index(sender.server)]->to_nics(std::span(&sender.device, 1));
    const NicUse& in = wirings[index(receiver.server)]->to_nics(std::span(&receiver.device, 1));
    add_local(out.own, sender, share, false, use);
    add_local(in.own, receiver, share, true, use);
    const double each = share / static_cast<double>(out.ports.size());
    for (const auto& [nic, load] : out.ports) {
      const int here = machine.servers[index(sender.server)].nics[index(nic)];
      const int there = machine.servers[index(receiver.server)].nics[index(nic)];
      add_route(machine, here, route(here, there), each, use);
    }
  }
  return use;
}

void MachinePart::Graph::scale(const std::function<bool(const Link&)>& which, double ratio) {
  if (ratio >= 1) return;
  for (Link& link : machine.links) {
    if (!which(link)) continue;
    link.bandwidth = link.bandwidth * ratio;
    link.back = link.back * ratio;
  }
}

void MachinePart::Graph::degrade(const Conditions& conditions) {
  for (std::size_t s = 0; s < machine.servers.size(); ++s) {
    const MachineGraph::Server& server = machine.servers[s];
    for (int i = 0; i < static_cast<int>(server.devices.size()); ++i) {
      const int device = server.devices[index(i)];
      const int number = server.index * spec.server.devices + i;
      const Condition& condition = conditions.all()[index(conditions.of(number))];
      const bool host = specs[s]->scale_up.kind == ScaleUpSpec::Kind::Pcie;
      const auto joins = host ? ResourceKind::PcieLink : ResourceKind::ScaleUpPort;
      scale(
          [&](const Link& link) {
            return (link.from == device || link.to == device) && resource_kind(link) == joins;
          },
          condition.scale_up);
      if (server.nics.empty()) continue;
      for (const auto& [nic, load] : wirings[s]->to_nics(std::span(&i, 1)).ports) {
        const int port = server.nics[index(nic)];
        scale([&](const Link& link) { return link.from == port && link.kind == "network"; },
              condition.scale_out);
      }
    }
  }
}

// What parts draw, dealt evenly to the ways at them: an adapter has two, a drive two, the memory of
// a socket one, a scale-up switch two for every device.
void MachinePart::Graph::add_power() {
  const auto draw = [this](int way, const std::optional<DrawSpec>& part, double share) {
    if (!part) return;
    resources[index(way)].idle = part->idle * share;
    resources[index(way)].busy = part->busy * share;
  };
  for (std::size_t s = 0; s < machine.servers.size(); ++s) {
    const ServerSpec& server = *specs[s];
    const int first = machine.servers[s].first_link;
    const int end = s + 1 < machine.servers.size() ? machine.servers[s + 1].first_link
                                                   : static_cast<int>(machine.links.size());
    for (int i = first; i < end; ++i) {
      const Link& link = machine.links[index(i)];
      const ComponentKind to = machine.components[index(link.to)].kind;
      if (link.kind == "dram") {
        draw(2 * i, server.memory.power, static_cast<double>(server.memory.count) / server.sockets);
      } else if (link.kind == "drive" || to == ComponentKind::ScaleUpSwitch) {
        const bool drive = link.kind == "drive";
        const double share =
            drive ? 0.5 : 0.5 * server.scale_up.switches / static_cast<double>(server.devices);
        draw(2 * i, drive ? server.storage.power : server.switch_power, share);
        draw(2 * i + 1, drive ? server.storage.power : server.switch_power, share);
      }
    }
  }
  for (int i = 0; i < static_cast<int>(machine.links.size()); ++i) {
    const Link& link = machine.links[index(i)];
    if (link.kind != "network" || machine.components[index(link.from)].kind != ComponentKind::Nic) {
      continue;
    }
    draw(2 * i, spec.server.nic_power, 0.5);
    draw(2 * i + 1, spec.server.nic_power, 0.5);
  }
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
  const Route way = from == to ? Route{} : graph_->way(from, to);
  if (way.links.empty() && from != to) return std::nullopt;
  LinkUse use;
  add_route(graph_->machine, from, way, 1, use);
  graph_->add_memory(from, use);
  graph_->add_memory(to, use);
  if (use.empty()) return std::nullopt;
  CopyPath path{.uses = uses_of(graph_->machine, use), .latency = way.latency, .bandwidth = {}};
  path.bandwidth = bottleneck(graph_->machine, use);
  for (const ResourceUse& one : path.uses) {
    if (one.capacity / one.per_byte <= path.bandwidth) {
      path.limit = static_cast<int>(one.resource);
      break;
    }
  }
  return path;
}

namespace {

// Which servers send to which, with what share of a member's bytes.
struct Sends {
  std::size_t from = 0, to = 0;
  double share = 1;
};

std::vector<Sends> sends_of(std::size_t servers, CollectiveKind kind) {
  std::vector<Sends> result;
  if (servers < 2) return result;
  if (kind == CollectiveKind::SendRecv) return {{0, 1, 1}};
  for (std::size_t from = 0; from < servers; ++from) {
    if (kind != CollectiveKind::AllToAll) {
      result.push_back({from, (from + 1) % servers, 1});
      continue;
    }
    for (std::size_t to = 0; to < servers; ++to) {
      if (to != from) result.push_back({from, to, 1.0 / static_cast<double>(servers - 1)});
    }
  }
  return result;
}

}  // namespace

// Within one server: a ring, or evenly over links that join every two or lie along axes.
void MachinePart::Graph::add_inside(const std::vector<Place>& members, LinkUse& use) const {
  if (members.size() < 2) return;
  const auto server = index(members.front().server);
  const ScaleUpSpec& scale_up = specs[server]->scale_up;
  const bool torus = scale_up.kind == ScaleUpSpec::Kind::Torus;
  const bool mesh = scale_up.kind == ScaleUpSpec::Kind::NvLink && scale_up.switches == 0;
  std::vector<int> local;
  for (const Place& place : members) local.push_back(place.device);
  if (!torus && !mesh) {
    add_local(wirings[server]->ring(local).own, members.front(), 1, false, use);
    return;
  }
  std::set<int> group;
  for (const int device : local) group.insert(machine.servers[server].devices[index(device)]);
  const double links = torus ? torus_bandwidth(scale_up) / scale_up.bandwidth
                             : static_cast<double>(members.size() - 1);
  for (int i = 0; i < static_cast<int>(machine.links.size()); ++i) {
    const Link& link = machine.links[index(i)];
    if (resource_kind(link) != ResourceKind::ScaleUpPort) continue;
    const bool from = group.contains(link.from), to = group.contains(link.to);
    if (mesh ? from && to : from || to) {
      use[{i, false}] += 1 / links;
      use[{i, true}] += 1 / links;
    }
  }
}

GroupLayout MachinePart::layout(std::span<const int> devices, CollectiveKind kind) const {
  const Graph& graph = *graph_;
  std::vector<std::vector<Graph::Place>> servers;
  for (const int device : devices) {
    const Graph::Place place = graph.place_of(device);
    ORRERY_CHECK(place.server >= 0);
    if (servers.empty() || servers.back().front().server != place.server) servers.emplace_back();
    servers.back().push_back(place);
  }
  LinkUse up, out;
  if (kind == CollectiveKind::SendRecv && servers.size() == 1) {
    const int from = component_of_device(devices[0]);
    add_route(graph.machine, from, graph.way(from, component_of_device(devices[1])), 1, up);
  } else {
    for (const auto& members : servers) graph.add_inside(members, up);
  }
  for (const Sends& send : sends_of(servers.size(), kind)) {
    const auto way = graph.between_servers(servers[send.from], servers[send.to], send.share);
    for (const auto& [link, share] : way) out[link] += share;
  }
  GroupLayout layout = graph.layouts(devices);
  layout.up = uses_of(graph.machine, up);
  layout.out = layout.pairs = uses_of(graph.machine, out);
  if (!up.empty()) layout.scale_up = bottleneck(graph.machine, up);
  if (!out.empty()) layout.scale_out = bottleneck(graph.machine, out);
  layout.scale_out_all_to_all = layout.scale_out_alone = layout.scale_out;
  layout.placed = true;
  return layout;
}

std::string MachinePart::drawing() const {
  std::string text;
  const MachineGraph& machine = graph_->machine;
  for (int i = 0; i < static_cast<int>(machine.components.size()); ++i) {
    std::string lines;
    for (const Link& link : machine.links) {
      if (link.from != i) continue;
      const bool uneven = link.back != link.bandwidth;
      lines += fmt::format("  {:<8} {:<28} {}{}\n", link.kind,
                           machine.components[index(link.to)].name, to_text(link.bandwidth),
                           uneven ? fmt::format(" there, {} back", to_text(link.back)) : "");
    }
    if (!lines.empty()) text += machine.components[index(i)].name + "\n" + lines;
  }
  return text;
}

}  // namespace orrery
