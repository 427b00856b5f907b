#include "platform/server_routes.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <tuple>
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

std::pair<std::int64_t, std::size_t> distance(const Route& route) {
  return {std::llround(route.latency.si() * 1e12), route.links.size()};
}

ServerRoutes::ServerRoutes(const MachineGraph& machine, const ServerSpec& spec)
    : machine_(machine), spec_(spec), router_(machine) {
  std::map<std::tuple<int, int, std::string>, std::size_t> known;
  for (int i = 0; i < static_cast<int>(machine.links.size()); ++i) {
    const Link& link = machine.links[index(i)];
    const auto [hop, added] = known.try_emplace(
        {std::min(link.from, link.to), std::max(link.from, link.to), link.kind}, hops_.size());
    if (added) hops_.emplace_back();
    hops_[hop->second].push_back(i);
    hop_of_.push_back(hop->second);
  }
  for (std::size_t i = 0; i < machine.devices.size(); ++i) {
    device_numbers_.emplace(machine.devices[i], static_cast<int>(i));
  }
}

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

const std::vector<Route>& ServerRoutes::between_devices(int number) const {
  const std::lock_guard lock(mutex_);
  const auto [row, missing] = known_.try_emplace(number);
  if (!missing) return row->second;
  const int from = at(machine_.devices, number);
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
  const auto sender = device_numbers_.find(from), receiver = device_numbers_.find(to);
  if (sender == device_numbers_.end() || receiver == device_numbers_.end()) {
    return routes(from, std::span(&to, 1)).front();
  }
  return between_devices(sender->second)[index(receiver->second)];
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
    add_hop(taken, link.from == from, share, use);
    from = link.from == from ? link.to : link.from;
  }
}

void ServerRoutes::add_hop(int taken, bool forward, double share, LinkUse& use) const {
  const int from = forward ? machine_.links[index(taken)].from : machine_.links[index(taken)].to;
  const std::vector<int>& parallel = hops_[hop_of_[index(taken)]];
  const auto way_of = [&](int number) -> Way {
    const Link& link = machine_.links[index(number)];
    return {number, link.from != from && !link.half_duplex};
  };
  BytesPerSecond all{};
  for (const int one : parallel) all += capacity_of(machine_.links[index(one)], way_of(one));
  for (const int one : parallel) {
    const Way way = way_of(one);
    use[way] += share * (capacity_of(machine_.links[index(one)], way) / all);
  }
}

ServerRoutes::Loads::Loads(const ServerRoutes& routes)
    : routes_(routes), there_(routes.machine_.links.size()), back_(there_.size()) {}

void ServerRoutes::Loads::add(int from, const Route& route, double share) {
  for (const int taken : route.links) {
    const Link& link = routes_.machine_.links[index(taken)];
    const bool forward = link.from == from;
    (forward ? there_ : back_)[index(taken)] += share;
    from = forward ? link.to : link.from;
  }
}

LinkUse ServerRoutes::Loads::use() const {
  LinkUse result;
  for (int i = 0; i < static_cast<int>(there_.size()); ++i) {
    if (there_[index(i)] > 0) routes_.add_hop(i, true, there_[index(i)], result);
    if (back_[index(i)] > 0) routes_.add_hop(i, false, back_[index(i)], result);
  }
  return result;
}

}  // namespace orrery
