#include "engine/link_slots.hpp"

#include <algorithm>

namespace orrery {
namespace {

// Where a hand-made layout names no resources, each level is one.
constexpr std::uint32_t kWholeLevel = 0xfffffff0U;
constexpr std::uint32_t kNoSlot = 0xffffffffU;
constexpr BytesPerSecond kUnlimited{1e300};

}  // namespace

/// Resources as the loads of a program use them.
struct LinkSlots::Candidates {
  std::size_t loads = 0;
  std::vector<std::uint32_t> resource;
  std::vector<BytesPerSecond> capacity;
  std::vector<double> share;  // by resource, then load: per_byte / capacity

  std::size_t at(std::uint32_t id) {
    const auto found = std::find(resource.begin(), resource.end(), id);
    const auto place = static_cast<std::size_t>(found - resource.begin());
    if (found != resource.end()) return place;
    resource.push_back(id);
    capacity.emplace_back();
    share.resize(share.size() + loads);
    return place;
  }
  // Whether `other` holds up every load at least as much as `one` does.
  [[nodiscard]] bool covers(std::size_t other, std::size_t one) const {
    for (std::size_t load = 0; load < loads; ++load) {
      if (share[other * loads + load] < share[one * loads + load]) return false;
    }
    return true;
  }
  // Of two that are as tight everywhere the first stays.
  [[nodiscard]] bool covered(std::size_t one) const {
    for (std::size_t other = 0; other < resource.size(); ++other) {
      if (other == one || !covers(other, one)) continue;
      if (!covers(one, other) || resource[other] < resource[one]) return true;
    }
    return false;
  }
};

namespace {

template <class Visit>
void for_each_use(const CollectiveRequest& request, LinkClass level, Visit visit) {
  const GroupLayout& layout = request.layout;
  const std::vector<ResourceUse>& known = request.uses(level);
  for (const ResourceUse& use : known) visit(use);
  if (!known.empty()) return;
  const BytesPerSecond rate = level == LinkClass::ScaleUp ? layout.scale_up : layout.scale_out;
  visit({.resource = kWholeLevel + static_cast<std::uint32_t>(level),
         .per_byte = 1,
         .capacity = rate > BytesPerSecond(0) ? rate : kUnlimited});
}

}  // namespace

void LinkSlots::find() const {
  known_ = true;
  const auto collectives = static_cast<std::uint32_t>(tables_.collectives.size());
  Candidates candidates;
  first_.reserve(collectives);
  for (std::uint32_t i = 0; i < collectives; ++i) {
    first_.push_back(candidates.loads);
    candidates.loads += costs_.collective(i).loads.size();
  }
  for (std::uint32_t i = 0; i < collectives; ++i) {
    const CollectiveRequest& request = tables_.collectives[i].request;
    const std::vector<LinkLoad>& loads = costs_.collective(i).loads;
    for (std::size_t load = 0; load < loads.size() && !request.layout.placed; ++load) {
      for_each_use(request, loads[load].link, [&](const ResourceUse& use) {
        const std::size_t at = candidates.at(use.resource);
        candidates.capacity[at] = max(candidates.capacity[at], use.capacity);
        candidates.share[at * candidates.loads + first_[i] + load] +=
            use.per_byte / use.capacity.si();
      });
    }
  }
  std::vector<std::uint32_t> slots(candidates.resource.size(), kNoSlot);
  for (std::size_t at = 0; at < slots.size(); ++at) {
    if (candidates.covered(at)) continue;
    slots[at] = static_cast<std::uint32_t>(capacity_.size());
    capacity_.push_back(candidates.capacity[at]);
  }
  fill(candidates, slots);
}

// In the capacity of its slot.
void LinkSlots::fill(const Candidates& candidates, const std::vector<std::uint32_t>& slots) const {
  for (std::size_t load = 0; load < candidates.loads; ++load) {
    begin_.push_back(needs_.size());
    for (std::size_t at = 0; at < slots.size(); ++at) {
      const double share = candidates.share[at * candidates.loads + load];
      if (slots[at] == kNoSlot || share <= 0) continue;
      needs_.push_back({slots[at], share * candidates.capacity[at].si()});
    }
  }
  begin_.push_back(needs_.size());
}

}  // namespace orrery
