#include "platform/device_rings.hpp"

#include <algorithm>
#include <functional>
#include <set>

namespace orrery {
namespace {

constexpr int kMostSteps = 200'000;

/// Depth-first search for a cycle through all places over ways of at least `rate`.
class CycleSearch {
 public:
  CycleSearch(const DirectRates& rates, BytesPerSecond rate) : rates_(rates), rate_(rate) {}

  std::vector<int> run() {
    order_ = {0};
    visited_.assign(rates_.size(), false);
    visited_[0] = true;
    return extend() ? order_ : std::vector<int>{};
  }

 private:
  [[nodiscard]] bool open(int from, int to) const {
    return rates_[static_cast<std::size_t>(from)][static_cast<std::size_t>(to)] >= rate_;
  }

  bool extend() {
    if (order_.size() == rates_.size()) return open(order_.back(), 0);
    if (++steps_ > kMostSteps) return false;
    for (int next = 1; next < static_cast<int>(rates_.size()); ++next) {
      if (visited_[static_cast<std::size_t>(next)] || !open(order_.back(), next)) continue;
      visited_[static_cast<std::size_t>(next)] = true;
      order_.push_back(next);
      if (extend()) return true;
      order_.pop_back();
      visited_[static_cast<std::size_t>(next)] = false;
    }
    return false;
  }

  const DirectRates& rates_;
  BytesPerSecond rate_;
  std::vector<int> order_;
  std::vector<bool> visited_;
  int steps_ = 0;
};

// What is left of a capacity after rounding counts as nothing.
constexpr double kCapacityRounding = 1e-9;

void take(DirectRates& rates, const DeviceRing& ring) {
  for (std::size_t i = 0; i < ring.order.size(); ++i) {
    const auto from = static_cast<std::size_t>(ring.order[i]);
    const auto to = static_cast<std::size_t>(ring.order[(i + 1) % ring.order.size()]);
    BytesPerSecond& left = rates[from][to];
    left = left - ring.rate < left * kCapacityRounding ? BytesPerSecond(0) : left - ring.rate;
  }
}

// The highest first: a ring is as fast as its slowest way, so its rate is one of these.
std::set<BytesPerSecond, std::greater<>> levels_of(const DirectRates& rates) {
  std::set<BytesPerSecond, std::greater<>> levels;
  for (const auto& row : rates) {
    for (const BytesPerSecond rate : row) {
      if (rate > BytesPerSecond(0)) levels.insert(rate);
    }
  }
  return levels;
}

}  // namespace

std::vector<DeviceRing> find_rings(DirectRates rates) {
  std::vector<DeviceRing> rings;
  for (bool found = true; found;) {
    found = false;
    for (const BytesPerSecond rate : levels_of(rates)) {
      DeviceRing ring{.order = CycleSearch(rates, rate).run(), .rate = rate};
      if (ring.order.empty()) continue;
      take(rates, ring);
      rings.push_back(std::move(ring));
      found = true;
      break;
    }
  }
  return rings;
}

}  // namespace orrery
