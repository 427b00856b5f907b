#include "platform/torus_layout.hpp"

#include <algorithm>
#include <queue>
#include <set>

namespace orrery {
namespace {

using Coordinates = std::vector<int>;

int distance(const TorusSpec& torus, const Coordinates& a, const Coordinates& b) {
  int sum = 0;
  for (std::size_t axis = 0; axis < a.size(); ++axis) {
    const int straight = std::abs(a[axis] - b[axis]);
    sum += torus.joined(axis) ? std::min(straight, torus.shape[axis] - straight) : straight;
  }
  return sum;
}

// The group's axis if its places on it are evenly spaced; no ranks if they are not.
TorusAxis axis_of(const TorusSpec& torus, std::size_t axis, const std::set<int>& places) {
  TorusAxis result{.ranks = static_cast<int>(places.size())};
  if (places.size() == 1) return result;
  result.hops = *std::next(places.begin()) - *places.begin();
  for (auto place = places.begin(); std::next(place) != places.end(); ++place) {
    if (*std::next(place) - *place != result.hops) return {.ranks = 0};
  }
  if (result.ranks == 2 && torus.joined(axis)) {
    result.hops = std::min(result.hops, torus.shape[axis] - result.hops);
  }
  result.wrap = torus.joined(axis) && result.hops * result.ranks == torus.shape[axis];
  return result;
}

// The axes of an evenly spaced box; empty if the group is none.
std::vector<TorusAxis> box_of(const TorusSpec& torus, const std::vector<Coordinates>& members) {
  std::vector<TorusAxis> axes;
  std::size_t volume = 1;
  for (std::size_t axis = 0; axis < torus.shape.size(); ++axis) {
    std::set<int> places;
    for (const Coordinates& member : members) places.insert(member[axis]);
    const TorusAxis found = axis_of(torus, axis, places);
    if (found.ranks == 0) return {};
    volume *= places.size();
    if (found.ranks > 1) axes.push_back(found);
  }
  return volume == members.size() ? axes : std::vector<TorusAxis>{};
}

// A chain through the members in their order, as slow as its longest stretch.
TorusAxis line_of(const TorusSpec& torus, const std::vector<Coordinates>& members) {
  TorusAxis line{.ranks = static_cast<int>(members.size())};
  for (std::size_t i = 1; i < members.size(); ++i) {
    line.hops = std::max(line.hops, distance(torus, members[i - 1], members[i]));
  }
  return line;
}

// All devices of a torus see the same: distances from one are enough.
double mean_hops(const TorusSpec& torus, int devices) {
  std::vector<std::vector<int>> neighbours(static_cast<std::size_t>(devices));
  for (int device = 0; device < devices; ++device) {
    for (const int next : torus.next(device)) {
      neighbours[static_cast<std::size_t>(device)].push_back(next);
      neighbours[static_cast<std::size_t>(next)].push_back(device);
    }
  }
  std::vector<int> hops(static_cast<std::size_t>(devices), -1);
  std::queue<int> reached({0});
  hops[0] = 0;
  double sum = 0;
  for (; !reached.empty(); reached.pop()) {
    const auto here = static_cast<std::size_t>(reached.front());
    sum += hops[here];
    for (const int next : neighbours[here]) {
      int& there = hops[static_cast<std::size_t>(next)];
      if (there >= 0) continue;
      there = hops[here] + 1;
      reached.push(next);
    }
  }
  return sum / devices;
}

}  // namespace

BytesPerSecond torus_bandwidth(const ScaleUpSpec& scale_up) {
  double links = 0;
  for (const int size : scale_up.torus.shape) links += std::min(2, size - 1);
  return links * scale_up.bandwidth;
}

TorusLinks torus_links(std::span<const int> devices, int first, const ScaleUpSpec& scale_up) {
  const TorusSpec& torus = scale_up.torus;
  std::vector<Coordinates> members;
  members.reserve(devices.size());
  for (const int device : devices) members.push_back(torus.coordinates(device - first));
  TorusLinks links{.axes = box_of(torus, members), .link = scale_up.bandwidth};
  if (links.axes.empty()) links.axes.push_back(line_of(torus, members));
  int whole = 1;
  for (const int size : torus.shape) whole *= size;
  if (torus.twisted && static_cast<int>(devices.size()) == whole) {
    links.twisted_mean_hops = mean_hops(torus, whole);
  }
  return links;
}

}  // namespace orrery
