#include "platform/server_routes.hpp"

#include <algorithm>
#include <utility>

#include "platform/index.hpp"
#include "platform/resource_table.hpp"

namespace orrery {
namespace {

Route joined(Route first, const Route& second) {
  if (first.links.empty() || second.links.empty()) return {};
  first.links.insert(first.links.end(), second.links.begin(), second.links.end());
  first.latency += second.latency;
  first.bandwidth = min(first.bandwidth, second.bandwidth);
  return first;
}

}  // namespace

ServerRoutes::ServerRoutes(const MachineGraph& machine, const ServerSpec& spec)
    : machine_(machine), spec_(spec), router_(machine) {}

// Routes of one kind to those that have none yet.
template <class Find>
void ServerRoutes::add_missing(int from, std::span<const int> to, std::vector<Route>& result,
                               Find find) const {
  std::vector<int> targets;
  std::vector<std::size_t> places;
  for (std::size_t i = 0; i < to.size(); ++i) {
    if (!result[i].links.empty() || to[i] == from) continue;
    targets.push_back(to[i]);
    places.push_back(i);
  }
  if (targets.empty()) return;
  std::vector<Route> found = find(targets);
  for (std::size_t i = 0; i < found.size(); ++i) result[places[i]] = std::move(found[i]);
}

void ServerRoutes::add_widest(int from, std::span<const int> to, bool own_links,
                              std::vector<Route>& result) const {
  const bool forward = spec_.scale_up.kind == ScaleUpSpec::Kind::Torus;
  add_missing(from, to, result, [&](std::span<const int> targets) {
    return router_.widest(from, targets, own_links, forward);
  });
}

std::vector<Route> ServerRoutes::routes(int from, std::span<const int> to) const {
  std::vector<Route> result(to.size());
  add_widest(from, to, false, result);
  add_missing(from, to, result,
              [&](std::span<const int> targets) { return router_.routes(from, targets); });
  return result;
}

const std::vector<Route>& ServerRoutes::between_devices(int from) const {
  const std::lock_guard lock(mutex_);
  const auto [row, missing] = known_.try_emplace(from);
  if (!missing) return row->second;
  std::vector<Route>& result = row->second;
  result.resize(machine_.devices.size());
  add_widest(from, machine_.devices, true, result);
  add_widest(from, machine_.devices, false, result);
  if (spec_.peer_access || machine_.servers.front().sockets.empty()) return result;
  for (std::size_t i = 0; i < result.size(); ++i) {
    const bool needs_peers = !result[i].links.empty() && !own(result[i]);
    if (needs_peers) result[i] = through_host(from, machine_.devices[i]);
  }
  return result;
}

Route ServerRoutes::route(int from, int to) const {
  if (!device(from) || !device(to)) return routes(from, std::span(&to, 1)).front();
  const auto place = std::find(machine_.devices.begin(), machine_.devices.end(), to);
  return between_devices(from)[static_cast<std::size_t>(place - machine_.devices.begin())];
}

Route ServerRoutes::through_host(int from, int to) const {
  const MachineGraph::Server& server = machine_.servers.front();
  Route in;
  std::size_t nearest = 0;
  for (std::size_t i = 0; i < server.sockets.size(); ++i) {
    const Route way = route(from, server.sockets[i]);
    if (way.links.empty() || (!in.links.empty() && way.latency >= in.latency)) continue;
    in = way;
    nearest = i;
  }
  int stop = server.sockets[nearest];
  if (!server.memories.empty()) {
    in = joined(std::move(in), route(stop, server.memories[nearest]));
    stop = server.memories[nearest];
  }
  return joined(std::move(in), route(stop, to));
}

bool ServerRoutes::own(const Route& route) const {
  if (route.links.empty()) return false;
  for (const int link : route.links) {
    if (resource_kind(machine_.links[index(link)]) != ResourceKind::ScaleUpPort) return false;
  }
  return true;
}

void ServerRoutes::add(int from, const Route& route, double share, LinkUse& use) const {
  for (const int taken : route.links) {
    const Link& link = machine_.links[index(taken)];
    const int to = link.from == from ? link.to : link.from;
    std::vector<Way> ways;
    BytesPerSecond all{};
    for (int i = 0; i < static_cast<int>(machine_.links.size()); ++i) {
      const Link& other = machine_.links[index(i)];
      const bool there = other.from == from && other.to == to;
      const bool back = other.from == to && other.to == from;
      if ((!there && !back) || other.kind != link.kind) continue;
      ways.push_back({i, back && !other.half_duplex});
      all += capacity_of(other, ways.back());
    }
    for (const Way& way : ways) {
      use[way] += share * (capacity_of(machine_.links[index(way.link)], way) / all);
    }
    from = to;
  }
}

}  // namespace orrery
