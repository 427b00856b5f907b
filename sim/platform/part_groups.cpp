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

GroupPattern pattern_of(CollectiveKind kind) {
  if (kind == CollectiveKind::AllToAll) return GroupPattern::ToAll;
  return kind == CollectiveKind::SendRecv ? GroupPattern::ToNext : GroupPattern::Ring;
}

}  // namespace

// Members of one server send to those of the other in turn: to that of their number, where both
// have as many.
void MachinePart::Graph::add_between(const std::vector<Place>& from, const std::vector<Place>& to,
                                     double amount, LinkUse& use) const {
  const auto nics_of = [this](const std::vector<Place>& members) {
    std::vector<int> local;
    for (const Place& place : members) local.push_back(place.device);
    return wirings[index(members.front().server)]->nics_among(local);
  };
  const MachineGraph::Server& here = machine.servers[index(from.front().server)];
  const MachineGraph::Server& there = machine.servers[index(to.front().server)];
  const std::vector<NicUse> out = nics_of(from), in = nics_of(to);
  const std::size_t pairs = std::lcm(from.size(), to.size());
  for (std::size_t i = 0; i < pairs; ++i) {
    const std::size_t sender = i % from.size(), receiver = i % to.size();
    const double share = amount / static_cast<double>(pairs);
    std::vector<int> leave, enter;
    for (const auto& [nic, load] : out[sender].ports) leave.push_back(here.nics[index(nic)]);
    for (const auto& [nic, load] : in[receiver].ports) enter.push_back(there.nics[index(nic)]);
    const std::size_t ways = std::lcm(leave.size(), enter.size());
    LinkUse network;
    bool joined = true;
    for (std::size_t way = 0; way < ways && joined; ++way) {
      joined = add_network(leave[way % leave.size()], enter[way % enter.size()],
                           share / static_cast<double>(ways), network)
                   .has_value();
    }
    if (!joined) {  // on other rails: over the links of a server to the device with that rail
      const int start = here.devices[index(from[sender].device)];
      const int end = there.devices[index(to[receiver].device)];
      add_route(machine, start, route(start, end), share, use);
      continue;
    }
    for (const auto& [way, part] : network) use[way] += part;
    add_local(out[sender].own, from.front().server, share, false, use);
    add_local(in[receiver].own, to.front().server, share, true, use);
  }
}

// Within one server: over its routes, or evenly over links that join every two or lie along axes.
void MachinePart::Graph::add_inside(const std::vector<Place>& members, GroupPattern pattern,
                                    double share, LinkUse& use) const {
  if (members.size() < 2) return;
  const auto server = index(members.front().server);
  const ScaleUpSpec& scale_up = specs[server]->scale_up;
  const bool torus = scale_up.kind == ScaleUpSpec::Kind::Torus;
  const bool mesh = scale_up.kind == ScaleUpSpec::Kind::NvLink && scale_up.switches == 0 &&
                    pattern != GroupPattern::ToNext;
  std::vector<int> local;
  for (const Place& place : members) local.push_back(place.device);
  if (!torus && !mesh) {
    add_local(wirings[server]->group(local, pattern).own, members.front().server, share, false,
              use);
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
  LinkUse up, out;
  GroupLayout layout = graph.layouts(devices);
  const bool one_way = kind == CollectiveKind::SendRecv && devices.size() == 2;
  if (one_way && servers.size() == 1) {
    graph.add_way(component_of_device(devices[0]), component_of_device(devices[1]), 1, up);
  } else {
    const double most = std::max(1, layout.ranks_per_server - 1);
    for (const auto& members : servers) {
      const double peers = static_cast<double>(members.size()) - 1;
      const double share = kind == CollectiveKind::AllToAll ? peers / most : 1.0;
      graph.add_inside(members, pattern_of(kind), share, up);
    }
  }
  if (one_way && servers.size() == 2) {
    graph.add_between(servers[0], servers[1], 1, out);
  } else {
    for (const Sends& send : sends_of(ranks, kind)) {
      graph.add_between(servers[send.from], servers[send.to], send.amount, out);
    }
  }
  layout.within.ring = over(up, graph.machine, layout.within.of(kind));
  layout.within.to_next = layout.within.to_all = {};
  layout.between.ring = over(out, graph.machine, layout.between.ring);
  layout.between.to_all = {};
  layout.between.alone = layout.between.ring.bandwidth;
  layout.placed = true;
  return layout;
}

}  // namespace orrery
