#include "platform/server_wiring.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>

#include <orrery/error.hpp>

#include "platform/device_rings.hpp"
#include "platform/index.hpp"

namespace orrery {
namespace {

PlatformSpec alone(const ServerSpec& server) {
  PlatformSpec spec;
  spec.server = server;
  return spec;
}

// Groups of the same shape that cover the server beside `devices`, itself first: those next to it
// and those woven into it, if its devices are evenly spaced.
std::vector<std::vector<int>> groups_alike(std::span<const int> devices, int all) {
  std::vector<std::vector<int>> groups{{devices.begin(), devices.end()}};
  const int stride = devices[1] - devices[0];
  for (std::size_t i = 1; i < devices.size(); ++i) {
    if (devices[i] - devices[i - 1] != stride) return groups;
  }
  const int block = stride * static_cast<int>(devices.size());
  for (int first = 0; first + block <= all; first += block) {
    for (int offset = 0; offset < stride; ++offset) {
      std::vector<int> group;
      for (std::size_t i = 0; i < devices.size(); ++i) {
        group.push_back(first + offset + static_cast<int>(i) * stride);
      }
      if (group != groups.front()) groups.push_back(std::move(group));
    }
  }
  return groups;
}

Route joined(Route first, const Route& second) {
  if (first.links.empty() || second.links.empty()) return {};
  first.links.insert(first.links.end(), second.links.begin(), second.links.end());
  first.latency += second.latency;
  first.bandwidth = min(first.bandwidth, second.bandwidth);
  return first;
}

/// A ring over routes, in a given order of devices.
class RoutedRing {
 public:
  RoutedRing(const MachineGraph& machine, const Router& router, const ServerSpec& spec)
      : machine_(machine), router_(router), spec_(spec) {}

  // Each next device is the one that the last reaches fastest.
  [[nodiscard]] std::vector<int> order(std::span<const int> devices) const {
    std::vector<int> result{devices.front()};
    std::vector<int> left(devices.begin() + 1, devices.end());
    while (!left.empty()) {
      auto best = left.begin();
      Route fastest = route(result.back(), *best);
      for (auto other = left.begin() + 1; other != left.end(); ++other) {
        const Route candidate = route(result.back(), *other);
        const bool faster = candidate.bandwidth > fastest.bandwidth;
        const bool nearer =
            candidate.bandwidth == fastest.bandwidth && candidate.latency < fastest.latency;
        if (!faster && !nearer) continue;
        best = other;
        fastest = candidate;
      }
      result.push_back(*best);
      left.erase(best);
    }
    return result;
  }

  // Adds the ring to `use` and returns its slowest hop's latency; nothing when a hop has no route.
  [[nodiscard]] std::optional<Seconds> add(const std::vector<int>& order, LinkUse& use) const {
    Seconds slowest{};
    for (std::size_t i = 0; i < order.size(); ++i) {
      const Route hop = route(order[i], order[(i + 1) % order.size()]);
      if (hop.links.empty()) return std::nullopt;
      add_route(machine_, component(order[i]), hop, 1, use);
      slowest = max(slowest, hop.latency);
    }
    return slowest;
  }

 private:
  [[nodiscard]] int component(int device) const { return machine_.devices[index(device)]; }
  [[nodiscard]] Route route(int from, int to) const {
    return peer_route(router_, spec_, machine_.servers.front(), component(from), component(to));
  }

  const MachineGraph& machine_;
  const Router& router_;
  const ServerSpec& spec_;
};

// The links between devices of a group, by place in it.
class DirectLinks {
 public:
  DirectLinks(const MachineGraph& machine, std::span<const int> devices)
      : machine_(machine), rates_(devices.size(), std::vector<BytesPerSecond>(devices.size())) {
    std::map<int, std::size_t> places;
    for (std::size_t i = 0; i < devices.size(); ++i) {
      places[machine.devices[index(devices[i])]] = i;
    }
    for (int i = 0; i < static_cast<int>(machine.links.size()); ++i) {
      const Link& link = machine.links[index(i)];
      const auto from = places.find(link.from), to = places.find(link.to);
      if (from == places.end() || to == places.end()) continue;
      add(from->second, to->second, {i, false});
      add(to->second, from->second, {i, true});
    }
  }

  [[nodiscard]] const DirectRates& rates() const { return rates_; }
  /// `rate` on the links of one hop, dealt in proportion to what they carry.
  void use(int from, int to, double share, LinkUse& use) const {
    const auto& ways = ways_.at({index(from), index(to)});
    for (const Way& way : ways) {
      const Link& link = machine_.links[index(way.link)];
      use[way] += share * (capacity_of(link, way) / rates_[index(from)][index(to)]);
    }
  }
  [[nodiscard]] Seconds latency(int from, int to) const {
    Seconds longest{};
    for (const Way& way : ways_.at({index(from), index(to)})) {
      longest = max(longest, machine_.links[index(way.link)].latency);
    }
    return longest;
  }

 private:
  void add(std::size_t from, std::size_t to, const Way& way) {
    rates_[from][to] += capacity_of(machine_.links[index(way.link)], way);
    ways_[{from, to}].push_back(way);
  }

  const MachineGraph& machine_;
  DirectRates rates_;
  std::map<std::pair<std::size_t, std::size_t>, std::vector<Way>> ways_;
};

std::optional<RingUse> direct_ring(const MachineGraph& machine, std::span<const int> devices) {
  const DirectLinks links(machine, devices);
  const std::vector<DeviceRing> rings = find_rings(links.rates());
  if (rings.empty()) return std::nullopt;
  RingUse result;
  result.direct = true;
  for (const DeviceRing& ring : rings) result.bandwidth += ring.rate;
  for (const DeviceRing& ring : rings) {
    for (std::size_t i = 0; i < ring.order.size(); ++i) {
      const int from = ring.order[i], to = ring.order[(i + 1) % ring.order.size()];
      links.use(from, to, ring.rate / result.bandwidth, result.own);
      result.latency = max(result.latency, links.latency(from, to));
    }
  }
  result.together = result.own;
  return result;
}

std::int64_t picoseconds(const Route& route) { return std::llround(route.latency.si() * 1e12); }

// The places of those that are reached with least latency; empty when none is reached.
std::vector<int> nearest_of(const std::vector<Route>& routes) {
  std::int64_t least = std::numeric_limits<std::int64_t>::max();
  for (const Route& route : routes) {
    if (!route.links.empty()) least = std::min(least, picoseconds(route));
  }
  std::vector<int> nearest;
  for (int i = 0; i < static_cast<int>(routes.size()); ++i) {
    const Route& route = routes[index(i)];
    if (!route.links.empty() && picoseconds(route) == least) nearest.push_back(i);
  }
  return nearest;
}

}  // namespace

Route peer_route(const Router& router, const ServerSpec& spec, const MachineGraph::Server& server,
                 int from, int to) {
  Route direct = router.routes(from, std::span(&to, 1)).front();
  if (spec.peer_access || direct.links.size() <= 1 || server.sockets.empty()) return direct;
  const std::vector<Route> ways = router.routes(from, server.sockets);
  std::size_t nearest = 0;
  for (std::size_t i = 1; i < ways.size(); ++i) {
    if (!ways[i].links.empty() && ways[i].latency < ways[nearest].latency) nearest = i;
  }
  Route in = ways[nearest];
  int stop = server.sockets[nearest];
  if (!server.memories.empty()) {
    stop = server.memories[nearest];
    in = joined(std::move(in), router.routes(server.sockets[nearest], std::span(&stop, 1)).front());
  }
  return joined(std::move(in), router.routes(stop, std::span(&to, 1)).front());
}

ServerWiring::ServerWiring(const ServerSpec& spec)
    : spec_(spec), machine_(alone(spec)), router_(machine_) {
  if (spec.nics > 0) find_nics();
}

const RingUse& ServerWiring::ring(std::span<const int> devices) const {
  ORRERY_CHECK(devices.size() > 1);
  std::vector<int> key(devices.begin(), devices.end());
  const std::lock_guard lock(mutex_);
  const auto found = rings_.find(key);
  if (found != rings_.end()) return found->second;
  return rings_.emplace(std::move(key), find_ring(devices)).first->second;
}

RingUse ServerWiring::find_ring(std::span<const int> devices) const {
  if (std::optional<RingUse> direct = direct_ring(machine_, devices)) return *direct;
  const RoutedRing rings(machine_, router_, spec_);
  RingUse result;
  bool first = true;
  for (const std::vector<int>& group : groups_alike(devices, spec_.devices)) {
    LinkUse use;
    const std::optional<Seconds> latency = rings.add(rings.order(group), use);
    if (first) {
      if (!latency) return result;
      result.latency = *latency;
      result.own = use;
    }
    first = false;
    if (!latency) continue;
    for (const auto& [way, share] : use) result.together[way] += share;
  }
  // Only what the group itself takes can hold it up.
  std::erase_if(result.together,
                [&](const auto& item) { return !result.own.contains(item.first); });
  result.bandwidth = bottleneck(machine_, result.together);
  return result;
}

// Every device sends over the NICs that are nearest to it; those that have the same ones deal them
// among themselves.
void ServerWiring::find_nics() {
  const MachineGraph::Server& server = machine_.servers.front();
  std::vector<std::vector<Route>> routes;
  std::vector<std::vector<int>> nearest;
  std::map<std::vector<int>, std::size_t> sharers, dealt;
  for (const int device : server.devices) {
    routes.push_back(router_.routes(device, server.nics));
    nearest.push_back(nearest_of(routes.back()));
    ++sharers[nearest.back()];
  }
  LinkUse all;
  std::map<int, double> ports;
  for (std::size_t device = 0; device < routes.size(); ++device) {
    const std::vector<int>& near = nearest[device];
    const std::size_t among = sharers[near], place = dealt[near]++;
    const std::size_t first = place * near.size() / among;
    const std::size_t end = std::max(first + 1, (place + 1) * near.size() / among);
    NicUse use;
    for (std::size_t i = first; i < std::min(end, near.size()); ++i) {
      const double share = 1.0 / static_cast<double>(end - first);
      add_route(machine_, server.devices[device], routes[device][index(near[i])], share, use.own);
      use.ports[near[i]] = share;
      ports[near[i]] += share;
    }
    for (const auto& [way, part] : use.own) all[way] += part;
    nics_.push_back(std::move(use));
  }
  for (NicUse& use : nics_) {
    for (const auto& [way, share] : use.own) use.together[way] = all[way];
    for (auto& [nic, share] : use.ports) share = ports[nic];
    BytesPerSecond rate = bottleneck(machine_, use.together);
    for (const auto& [nic, share] : use.ports) rate = min(rate, spec_.nic.bandwidth / share);
    rates_.push_back(rate);
  }
  least_rate_ = *std::min_element(rates_.begin(), rates_.end());
}

const NicUse& ServerWiring::to_nics(std::span<const int> devices) const {
  ORRERY_CHECK(!devices.empty() && !nics_.empty());
  int slowest = devices.front();
  for (const int device : devices) {
    if (rates_[index(slowest)] <= least_rate_) break;
    if (rates_[index(device)] < rates_[index(slowest)]) slowest = device;
  }
  return nics_[index(slowest)];
}

}  // namespace orrery
