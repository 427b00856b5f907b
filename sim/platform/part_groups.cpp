// What collectives among devices of a part take of its links.
#include <algorithm>
#include <set>

#include <orrery/error.hpp>

#include "platform/index.hpp"
#include "platform/part_graph.hpp"
#include "platform/resource_table.hpp"
#include "platform/torus_layout.hpp"

namespace orrery {

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

}  // namespace orrery
