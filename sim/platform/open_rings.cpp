// Where rings over several servers leave a server. In a closed ring every device sends to the next;
// an open one goes to the NICs instead at one of these hops.
#include <algorithm>
#include <limits>

#include "platform/index.hpp"
#include "platform/server_wiring.hpp"

namespace orrery {
namespace {

constexpr std::int64_t kNone = std::numeric_limits<std::int64_t>::max();
// What is left of a share after rounding counts as nothing.
constexpr double kShareRounding = 1e-12;

}  // namespace

bool ServerWiring::same_nics(int device, int other) const {
  const auto &a = own_nics_[index(device)].ports, &b = own_nics_[index(other)].ports;
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const auto& x, const auto& y) { return x.first == y.first; });
}

// How much longer it is to the NICs and back than to the next device: picoseconds, then links.
std::int64_t ServerWiring::detour(int from, int to) const {
  const auto cost = [](const Route& route) {
    const auto [picoseconds, links] = distance(route);
    return picoseconds * (1 << 16) + static_cast<std::int64_t>(links);
  };
  const auto to_nic = [&](int device) {
    const int nic = own_nics_[index(device)].ports.begin()->first;
    return cost(to_nics_[index(device)][index(nic)]);
  };
  return to_nic(from) + to_nic(to) - cost(routes_.between_devices(from)[index(to)]);
}

// Devices of the same NICs leave and enter by these, at the hops with the least detour. Where some
// have no such neighbour the rings open at every hop alike. Either way every device's share of the
// traffic goes over its NICs, out and in.
std::vector<double> ServerWiring::openings(const std::vector<int>& order) const {
  const std::size_t hops = order.size();
  const auto next = [&](std::size_t hop) { return order[(hop + 1) % hops]; };
  std::vector<std::int64_t> detours(hops, kNone);
  for (std::size_t hop = 0; hop < hops; ++hop) {
    if (same_nics(order[hop], next(hop))) detours[hop] = detour(order[hop], next(hop));
  }
  std::vector<double> result(hops);
  for (std::size_t device = 0; device < hops; ++device) {
    std::int64_t least = kNone;
    std::vector<std::size_t> best;
    for (std::size_t hop = 0; hop < hops; ++hop) {
      if (detours[hop] == kNone || !same_nics(order[hop], order[device])) continue;
      if (detours[hop] < least) best.clear();
      least = std::min(least, detours[hop]);
      if (detours[hop] == least) best.push_back(hop);
    }
    const double share = 1 / static_cast<double>(hops);
    if (best.empty()) return std::vector<double>(hops, share);
    for (const std::size_t hop : best) result[hop] += share / static_cast<double>(best.size());
  }
  return result;
}

OpenRing ServerWiring::open_ring(std::span<const int> devices) const {
  OpenRing result;
  std::vector<int> order(devices.begin(), devices.end());
  std::vector<double> opened(order.size(), 1 / static_cast<double>(order.size()));
  LinkUse left_out;
  if (order.size() > 1) {
    const GroupUse& closed = group(devices, GroupPattern::Ring);
    result.inside = closed.own;
    // Links of the devices' own carry nothing between a device and its NICs: rings over them count
    // as closed.
    if (!closed.direct) {
      order = closed.order;
      opened = openings(order);
    }
    for (std::size_t hop = 0; hop < order.size() && !closed.direct; ++hop) {
      const int from = order[hop], to = order[(hop + 1) % order.size()];
      routes_.add(machine_.devices[index(from)], routes_.between_devices(from)[index(to)],
                  opened[hop], left_out);
    }
  }
  for (std::size_t hop = 0; hop < order.size(); ++hop) {
    const auto from = index(order[hop]), to = index(order[(hop + 1) % order.size()]);
    for (const auto& [way, share] : own_nics_[from].own) result.leave[way] += opened[hop] * share;
    for (const auto& [way, share] : own_nics_[to].own) result.enter[way] += opened[hop] * share;
  }
  for (const auto& [way, share] : left_out) result.inside[way] -= share;
  const auto nothing = [](const auto& item) { return item.second < kShareRounding; };
  for (LinkUse* use : {&result.inside, &result.leave, &result.enter}) std::erase_if(*use, nothing);
  return result;
}

}  // namespace orrery
