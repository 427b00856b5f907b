#include "platform/server_rings.hpp"

#include <algorithm>
#include <map>

#include "platform/device_rings.hpp"
#include "platform/index.hpp"
#include "platform/resource_table.hpp"

namespace orrery {
namespace {

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

// The devices' own links between those of a group, by place in it. A PCIe wire is a way like
// others.
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
      if (resource_kind(link) != ResourceKind::ScaleUpPort) continue;
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

}  // namespace

std::optional<GroupUse> direct_rings(const MachineGraph& machine, std::span<const int> devices) {
  const DirectLinks links(machine, devices);
  const std::vector<DeviceRing> rings = find_rings(links.rates());
  if (rings.empty()) return std::nullopt;
  GroupUse result;
  result.direct = true;
  for (const DeviceRing& ring : rings) result.alone += ring.rate;
  for (const DeviceRing& ring : rings) {
    for (std::size_t i = 0; i < ring.order.size(); ++i) {
      const int from = ring.order[i], to = ring.order[(i + 1) % ring.order.size()];
      links.use(from, to, ring.rate / result.alone, result.own);
      result.latency = max(result.latency, links.latency(from, to));
    }
  }
  result.shared = result.own;
  result.together = result.alone;
  return result;
}

// Each next device is the one that the last reaches fastest.
std::vector<int> RoutedGroup::ring_order(std::span<const int> devices) const {
  std::vector<int> result{devices.front()};
  std::vector<int> left(devices.begin() + 1, devices.end());
  while (!left.empty()) {
    const std::vector<Route>& ways = routes_.between_devices(result.back());
    const auto best = std::min_element(left.begin(), left.end(), [&](int one, int other) {
      const Route &a = ways[index(one)], &b = ways[index(other)];
      return a.bandwidth != b.bandwidth ? a.bandwidth > b.bandwidth : a.latency < b.latency;
    });
    result.push_back(*best);
    left.erase(best);
  }
  return result;
}

std::vector<RoutedGroup::Send> RoutedGroup::sends(const std::vector<int>& order,
                                                  GroupPattern pattern) {
  std::vector<Send> result;
  for (std::size_t i = 0; i < order.size(); ++i) {
    if (pattern != GroupPattern::ToAll) {
      result.push_back({order[i], order[(i + 1) % order.size()]});
      continue;
    }
    for (const int to : order) {
      if (to != order[i]) result.push_back({order[i], to});
    }
  }
  return result;
}

// What every device sends goes evenly to those that it sends to.
bool RoutedGroup::add(std::span<const int> devices, GroupPattern pattern, GroupUse& use) const {
  use.order.assign(devices.begin(), devices.end());
  if (pattern == GroupPattern::Ring) use.order = ring_order(devices);
  const std::vector<Send> all = sends(use.order, pattern);
  const double share = static_cast<double>(devices.size()) / static_cast<double>(all.size());
  ServerRoutes::Loads loads(routes_);
  use.direct = true;
  for (const Send& send : all) {
    const Route& way = routes_.between_devices(send.from)[index(send.to)];
    if (way.links.empty()) return false;
    loads.add(at(machine_.devices, send.from), way, share);
    use.latency = max(use.latency, way.latency);
    use.direct = use.direct && routes_.own(way);
  }
  use.own = loads.use();
  return true;
}

GroupUse RoutedGroup::use(std::span<const int> devices, GroupPattern pattern) const {
  GroupUse result;
  if (!add(devices, pattern, result)) return {};
  const int all = static_cast<int>(machine_.devices.size());
  for (const std::vector<int>& group : groups_alike(devices, all)) {
    GroupUse one;
    if (!add(group, pattern, one)) continue;
    for (const auto& [way, share] : one.own) result.shared[way] += share;
  }
  // Only what the group itself takes can hold it up.
  std::erase_if(result.shared, [&](const auto& item) { return !result.own.contains(item.first); });
  result.alone = bottleneck(machine_, result.own);
  result.together = bottleneck(machine_, result.shared);
  return result;
}

}  // namespace orrery
