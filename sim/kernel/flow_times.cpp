#include "kernel/flow_times.hpp"

#include <algorithm>
#include <limits>
#include <numeric>
#include <utility>

#include "kernel/contention.hpp"

namespace orrery {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
// Levels, and dates, that are as high to rounding are one.
constexpr double kTogether = 1 + 1e-12;

/// Max-min rates of the flows in flight, by progressive filling. In SI doubles.
class Filling {
 public:
  Filling(Contention& contention, std::size_t resources)
      : contention_(contention), shared_(resources) {}

  /// Of the flows of `slots`, into `rates`, by slot.
  void run(const std::vector<Contention::Slot>& slots, std::vector<double>& rates) {
    begin(slots, rates);
    std::size_t next = 0;  // of growing_, which are sorted by the level that is as fast as alone
    while (true) {
      while (next < growing_.size() && growing_[next].fixed) ++next;
      if (next == growing_.size()) break;
      double level = growing_[next].alone_at;
      std::erase_if(contended_, [this](auto resource) { return shared_[resource].open == 0; });
      for (const std::uint32_t resource : contended_) {
        Shared& shared = shared_[resource];
        shared.full_at = std::max(0.0, shared.left) / shared.grows;
        level = std::min(level, shared.full_at);
      }
      const double reached = level * kTogether;
      full_.clear();
      for (const std::uint32_t resource : contended_) {
        if (shared_[resource].full_at <= reached) full_.push_back(resource);
      }
      for (std::size_t i = next; i < growing_.size() && growing_[i].alone_at <= reached; ++i) {
        fix(growing_[i], level, rates);
      }
      for (const std::uint32_t resource : full_) {
        for (const std::size_t i : shared_[resource].flows) fix(growing_[i], level, rates);
      }
    }
  }

 private:
  struct Growing {
    Contention::Slot slot = 0;
    double growth = 0;                // w_i / A_i
    double alone_at = 0;              // the level at which it is as fast as alone
    std::size_t first = 0, last = 0;  // of demands_
    bool fixed = false;
  };
  struct Shared {
    double left = 0;     // by flows that have their rates
    double grows = 0;    // with the level: sum of amount x growth of the others
    double full_at = 0;  // level
    int open = 0;        // the others
    std::vector<std::size_t> flows;
  };

  void begin(const std::vector<Contention::Slot>& slots, std::vector<double>& rates) {
    growing_.clear();
    demands_.clear();
    contended_.clear();
    for (const Contention::Slot slot : slots) {
      const double alone = contention_.fastest(slot).si();
      rates[slot] = alone;
      if (!contention_.competes(slot)) continue;
      const double growth = contention_.weight(slot) / contention_.reference(slot);
      const auto demands = contention_.list_demands(slot);
      const std::size_t first = demands_.size();
      demands_.insert(demands_.end(), demands.begin(), demands.end());
      growing_.push_back({slot, growth, alone / growth, first, demands_.size()});
    }
    std::sort(growing_.begin(), growing_.end(), [](const Growing& a, const Growing& b) {
      return std::pair(a.alone_at, a.slot) < std::pair(b.alone_at, b.slot);
    });
    for (const SharedDemand& demand : demands_) {
      Shared& shared = shared_[demand.resource];
      shared.left = demand.capacity.si();
      shared.grows = 0;
      shared.open = 0;
      shared.flows.clear();
    }
    for (std::size_t i = 0; i < growing_.size(); ++i) {
      for (std::size_t at = growing_[i].first; at < growing_[i].last; ++at) {
        Shared& shared = shared_[demands_[at].resource];
        if (shared.open++ == 0) contended_.push_back(demands_[at].resource);
        shared.flows.push_back(i);
        shared.grows += demands_[at].amount * growing_[i].growth;
      }
    }
  }

  void fix(Growing& flow, double level, std::vector<double>& rates) {
    if (std::exchange(flow.fixed, true)) return;
    const double rate = flow.growth * std::min(level, flow.alone_at);
    rates[flow.slot] = rate;
    for (std::size_t at = flow.first; at < flow.last; ++at) {
      Shared& shared = shared_[demands_[at].resource];
      shared.left -= demands_[at].amount * rate;
      shared.grows -= demands_[at].amount * flow.growth;
      --shared.open;
    }
  }

  Contention& contention_;
  std::vector<Shared> shared_;
  std::vector<std::uint32_t> contended_, full_;
  std::vector<SharedDemand> demands_;  // of growing_
  std::vector<Growing> growing_;
};

}  // namespace

std::vector<Seconds> end_times(std::span<const BytesPerSecond> capacities,
                               std::span<const TimedFlow> flows) {
  Contention contention;
  for (const BytesPerSecond capacity : capacities) contention.add_resource(capacity);
  Filling filling(contention, capacities.size());
  std::vector<Contention::Slot> order(flows.size()), under_way;
  std::iota(order.begin(), order.end(), 0U);
  std::stable_sort(order.begin(), order.end(), [&](Contention::Slot a, Contention::Slot b) {
    return flows[a].start < flows[b].start;
  });
  std::vector<double> left(flows.size()), rates(flows.size());  // in B, B/s
  std::vector<Seconds> ends(flows.size());
  Seconds now{};
  for (auto next = order.begin(); next != order.end() || !under_way.empty();) {
    filling.run(under_way, rates);
    Seconds date{next != order.end() ? flows[*next].start.si() : kInfinity};
    for (const Contention::Slot slot : under_way) {
      date = min(date, now + Seconds(left[slot] / rates[slot]));
    }
    const double together = (date * kTogether - now).si();
    std::erase_if(under_way, [&](Contention::Slot slot) {
      if (left[slot] > rates[slot] * together) {
        left[slot] -= rates[slot] * (date - now).si();
        return false;
      }
      ends[slot] = date;
      contention.remove(slot);
      return true;
    });
    now = date;
    for (; next != order.end() && flows[*next].start <= now; ++next) {
      contention.add(*next, flows[*next].flow);
      left[*next] = flows[*next].flow.size.si();
      under_way.push_back(*next);
    }
  }
  return ends;
}

}  // namespace orrery
