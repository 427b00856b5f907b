// What collectives among devices of a part take of its links.
#include <algorithm>
#include <numeric>
#include <set>

#include <orrery/error.hpp>

#include "platform/index.hpp"
#include "platform/part_graph.hpp"
#include "platform/resource_table.hpp"
#include "platform/torus_layout.hpp"

namespace orrery {

namespace {

// Who sends to whom, and how much of what each of the fewest ranks in a server does.
struct Sends {
  std::size_t from = 0, to = 0;
  double amount = 1;
};

std::vector<Sends> sends_of(const std::vector<int>& ranks, CollectiveKind kind) {
  const std::size_t servers = ranks.size();
  std::vector<Sends> result;
  if (servers < 2) return result;
  const double fewest = *std::min_element(ranks.begin(), ranks.end());
  const double all = std::accumulate(ranks.begin(), ranks.end(), 0);
  for (std::size_t from = 0; from < servers; ++from) {
    if (kind != CollectiveKind::AllToAll) {
      result.push_back({from, (from + 1) % servers, fewest});
      continue;
    }
    for (std::size_t to = 0; to < servers; ++to) {
      if (to != from) result.push_back({from, to, ranks[from] * ranks[to] / (all - fewest)});
    }
  }
  return result;
}

template <class Places>
std::vector<int> devices_of(const Places& members) {
  std::vector<int> result;
  for (const auto& place : members) result.push_back(place.device);
  return result;
}

GroupPattern pattern_of(CollectiveKind kind) {
  if (kind == CollectiveKind::AllToAll) return GroupPattern::ToAll;
  return kind == CollectiveKind::SendRecv ? GroupPattern::ToNext : GroupPattern::Ring;
}

}  // namespace

// Members of one server send to those of the other in turn: to that of their number, where both
// have as many.
void MachinePart::Graph::add_between(const std::vector<Place>& from, const std::vector<Place>& to,
                                     double amount, bool ring, LinkUse& use) const {
  const ServerWiring& sending = *wirings[index(from.front().server)];
  const ServerWiring& receiving = *wirings[index(to.front().server)];
  const MachineGraph::Server& here = machine.servers[index(from.front().server)];
  const MachineGraph::Server& there = machine.servers[index(to.front().server)];
  const std::vector<int> senders = devices_of(from), receivers = devices_of(to);
  const std::vector<NicUse> out = sending.nics_among(senders), in = receiving.nics_among(receivers);
  LinkUse leave, enter, others;
  const std::size_t pairs = std::lcm(from.size(), to.size());
  bool all_joined = true;
  for (std::size_t i = 0; i < pairs; ++i) {
    const std::size_t sender = i % from.size(), receiver = i % to.size();
    const double share = amount / static_cast<double>(pairs);
    LinkUse network;
    if (!add_ports(out[sender], here, in[receiver], there, share, network)) {  // other rails
      all_joined = false;
      add_way(at(here.devices, senders[sender]), at(there.devices, receivers[receiver]), share,
              others);
      continue;
    }
    for (const auto& [way, part] : network) use[way] += part;
    for (const auto& [way, part] : out[sender].own) leave[way] += share * part;
    for (const auto& [way, part] : in[receiver].own) enter[way] += share * part;
  }
  for (const auto& [way, part] : others) use[way] += part;
  const double each = ring && all_joined ? amount : 1;
  if (ring && all_joined) {
    leave = sending.open_ring(senders).leave;
    enter = receiving.open_ring(receivers).enter;
  }
  add_local(leave, from.front().server, each, false, use);
  add_local(enter, to.front().server, each, true, use);
}

// From the adapters of one device to those of another, in turn.
bool MachinePart::Graph::add_ports(const NicUse& out, const MachineGraph::Server& here,
                                   const NicUse& in, const MachineGraph::Server& there,
                                   double share, LinkUse& use) const {
  std::vector<int> leave, enter;
  for (const auto& [nic, load] : out.ports) leave.push_back(at(here.nics, nic));
  for (const auto& [nic, load] : in.ports) enter.push_back(at(there.nics, nic));
  const std::size_t ways = std::lcm(leave.size(), enter.size());
  for (std::size_t way = 0; way < ways; ++way) {
    if (!add_network(leave[way % leave.size()], enter[way % enter.size()],
                     share / static_cast<double>(ways), use)) {
      return false;
    }
  }
  return true;
}

// Within one server: over its routes, or evenly over links that join every two or lie along axes.
void MachinePart::Graph::add_inside(const std::vector<Place>& members, GroupPattern pattern,
                                    double share, bool open, LinkUse& use) const {
  if (members.size() < 2) return;
  const auto server = index(members.front().server);
  const ScaleUpSpec& scale_up = specs[server]->scale_up;
  const bool torus = scale_up.kind == ScaleUpSpec::Kind::Torus;
  const bool mesh = scale_up.kind == ScaleUpSpec::Kind::NvLink && scale_up.switches == 0 &&
                    pattern != GroupPattern::ToNext;
  const std::vector<int> local = devices_of(members);
  if (!torus && !mesh) {
    const ServerWiring& wiring = *wirings[server];
    add_local(open ? wiring.open_ring(local).inside : wiring.group(local, pattern).own,
              members.front().server, share, false, use);
    return;
  }
  std::set<int> group;
  for (const int device : local) group.insert(machine.servers[server].devices[index(device)]);
  const double links = torus ? torus_bandwidth(scale_up) / scale_up.bandwidth
                             : static_cast<double>(members.size() - 1);
  const int first = machine.servers[server].first_link;
  const int end = first + static_cast<int>(wirings[server]->machine().links.size());
  for (int i = first; i < end; ++i) {
    const Link& link = machine.links[index(i)];
    if (resource_kind(link) != ResourceKind::ScaleUpPort) continue;
    const bool from = group.contains(link.from), to = group.contains(link.to);
    if (mesh ? from && to : from || to) {
      use[{i, false}] += share / links;
      use[{i, true}] += share / links;
    }
  }
}

namespace {

// The links of the one pattern that the layout is for, over these of the machine; none of them
// where the group has no traffic there.
GroupLinks over(const LinkUse& use, const MachineGraph& machine, GroupLinks links) {
  if (!use.empty()) links.bandwidth = bottleneck(machine, use);
  links.uses = uses_of(machine, use);
  return links;
}

}  // namespace

GroupLayout MachinePart::layout(std::span<const int> devices, CollectiveKind kind) const {
  const Graph& graph = *graph_;
  std::vector<std::vector<Graph::Place>> servers;
  std::vector<int> ranks;
  for (const int device : devices) {
    const Graph::Place place = graph.place_of(device);
    ORRERY_CHECK(place.server >= 0);
    if (servers.empty() || servers.back().front().server != place.server) {
      servers.emplace_back();
      ranks.push_back(0);
    }
    servers.back().push_back(place);
    ++ranks.back();
  }
  LinkUse up, opened, out;
  GroupLayout layout = graph.layouts(devices);
  const bool ring = pattern_of(kind) == GroupPattern::Ring && servers.size() > 1;
  const bool one_way = kind == CollectiveKind::SendRecv && devices.size() == 2;
  if (one_way && servers.size() == 1) {
    graph.add_way(component_of_device(devices[0]), component_of_device(devices[1]), 1, up);
  } else {
    const double most = std::max(1, layout.ranks_per_server - 1);
    for (const auto& members : servers) {
      const double peers = static_cast<double>(members.size()) - 1;
      const double share = kind == CollectiveKind::AllToAll ? peers / most : 1.0;
      graph.add_inside(members, pattern_of(kind), share, false, up);
      if (ring) graph.add_inside(members, pattern_of(kind), share, true, opened);
    }
  }
  if (one_way && servers.size() == 2) {
    graph.add_between(servers[0], servers[1], 1, false, out);
  } else {
    for (const Sends& send : sends_of(ranks, kind)) {
      graph.add_between(servers[send.from], servers[send.to], send.amount, ring, out);
    }
  }
  layout.within.ring = over(up, graph.machine, layout.within.of(kind));
  // A device sends as much to the NICs as it would where the ring closes: it is as fast.
  if (ring) layout.within.ring.uses = uses_of(graph.machine, opened);
  layout.within.to_next = layout.within.to_all = {};
  layout.between.ring = over(out, graph.machine, layout.between.ring);
  layout.between.to_all = {};
  layout.between.alone = layout.between.ring.bandwidth;
  layout.placed = true;
  return layout;
}

}  // namespace orrery
