#include "platform/server_wiring.hpp"

#include <algorithm>
#include <utility>

#include <orrery/error.hpp>

#include "platform/index.hpp"

namespace orrery {
namespace {

PlatformSpec alone(const ServerSpec& server) {
  PlatformSpec spec;
  spec.server = server;
  return spec;
}

// The places of those that are nearest; empty when none is reached.
std::vector<int> nearest_of(const std::vector<Route>& routes) {
  std::vector<int> nearest;
  for (int i = 0; i < static_cast<int>(routes.size()); ++i) {
    const Route& route = routes[index(i)];
    if (route.links.empty()) continue;
    const bool nearer =
        !nearest.empty() && distance(route) < distance(routes[index(nearest.front())]);
    if (nearer) nearest.clear();
    const bool as_near =
        nearest.empty() || distance(route) == distance(routes[index(nearest.front())]);
    if (as_near) nearest.push_back(i);
  }
  return nearest;
}

}  // namespace

ServerWiring::ServerWiring(const ServerSpec& spec)
    : spec_(spec), machine_(alone(spec)), routes_(machine_, spec_) {
  if (spec.nics == 0) return;
  std::vector<int> all;
  for (int device = 0; device < spec.devices; ++device) {
    all.push_back(device);
    to_nics_.push_back(routes_.routes(machine_.devices[index(device)], nics()));
    nearest_.push_back(nearest_of(to_nics_.back()));
  }
  deal_nics();
  nics_ = nics_among(all);
}

const GroupUse& ServerWiring::group(std::span<const int> devices, GroupPattern pattern) const {
  ORRERY_CHECK(devices.size() > 1);
  std::pair<GroupPattern, std::vector<int>> key{pattern, {devices.begin(), devices.end()}};
  const std::lock_guard lock(mutex_);
  const auto found = groups_.find(key);
  if (found != groups_.end()) return found->second;
  std::optional<GroupUse> use;
  if (pattern == GroupPattern::Ring) use = direct_rings(machine_, devices);
  if (!use) use = RoutedGroup(machine_, routes_).use(devices, pattern);
  return groups_.emplace(std::move(key), std::move(*use)).first->second;
}

// Every device sends over the NICs that are nearest to it; those that have the same ones deal them
// among themselves, whoever works: NCCL gives a card a second NIC only where its slot could feed
// it.
void ServerWiring::deal_nics() {
  std::map<std::vector<int>, std::size_t> sharers, dealt;
  for (const std::vector<int>& near : nearest_) ++sharers[near];
  for (std::size_t device = 0; device < nearest_.size(); ++device) {
    const std::vector<int>& near = nearest_[device];
    const std::size_t among = sharers[near], place = dealt[near]++;
    const std::size_t first = place * near.size() / among;
    const std::size_t end = std::max(first + 1, (place + 1) * near.size() / among);
    NicUse& use = own_nics_.emplace_back();
    for (std::size_t i = first; i < std::min(end, near.size()); ++i) {
      const double share = 1.0 / static_cast<double>(end - first);
      routes_.add(machine_.devices[device], to_nics_[device][index(near[i])], share, use.own);
      use.ports[near[i]] = share;
    }
  }
}

std::vector<NicUse> ServerWiring::nics_among(std::span<const int> devices) const {
  ORRERY_CHECK(!own_nics_.empty());
  LinkUse all;
  std::map<int, double> ports;
  for (const int device : devices) {
    const NicUse& use = own_nics_[index(device)];
    for (const auto& [way, share] : use.own) all[way] += share;
    for (const auto& [nic, share] : use.ports) ports[nic] += share;
  }
  std::vector<NicUse> result;
  for (const int device : devices) {
    NicUse& use = result.emplace_back(own_nics_[index(device)]);
    for (const auto& [way, share] : use.own) use.together[way] = all[way];
    for (auto& [nic, share] : use.ports) share = ports[nic];
    use.rate = bottleneck(machine_, use.together);
    for (const auto& [nic, share] : use.ports) {
      use.rate = min(use.rate, spec_.nic.bandwidth / share);
    }
  }
  return result;
}

int ServerWiring::device_at(int nic) const {
  for (std::size_t device = 0; device < own_nics_.size(); ++device) {
    if (own_nics_[device].ports.contains(nic)) return static_cast<int>(device);
  }
  return -1;
}

int ServerWiring::nearest_nic(int component, int turn) const {
  const std::vector<int> nearest = nearest_of(routes_.routes(component, nics()));
  if (nearest.empty()) return -1;
  return nearest[index(turn) % nearest.size()];
}

}  // namespace orrery
