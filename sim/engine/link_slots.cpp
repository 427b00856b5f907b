#include "engine/link_slots.hpp"

#include <algorithm>

namespace orrery {
namespace {

constexpr std::uint32_t kNoSlot = 0xffffffffU;

}  // namespace

/// Resources as the flows of a program use them.
struct LinkSlots::Candidates {
  std::size_t flows = 0;
  std::vector<std::uint32_t> resource;
  std::vector<BytesPerSecond> capacity;
  std::vector<double> share;  // by resource, then flow: per_byte / capacity

  std::size_t at(std::uint32_t id) {
    const auto found = std::find(resource.begin(), resource.end(), id);
    const auto place = static_cast<std::size_t>(found - resource.begin());
    if (found != resource.end()) return place;
    resource.push_back(id);
    capacity.emplace_back();
    share.resize(share.size() + flows);
    return place;
  }
  // Whether `other` holds up every flow at least as much as `one` does.
  [[nodiscard]] bool covers(std::size_t other, std::size_t one) const {
    for (std::size_t flow = 0; flow < flows; ++flow) {
      if (share[other * flows + flow] < share[one * flows + flow]) return false;
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

void LinkSlots::find() const {
  known_ = true;
  const auto collectives = static_cast<std::uint32_t>(tables_.collectives.size());
  Candidates candidates;
  first_.reserve(collectives);
  for (std::uint32_t i = 0; i < collectives; ++i) {
    first_.push_back(candidates.flows);
    candidates.flows += costs_.collective(i).flows.size();
  }
  for (std::uint32_t i = 0; i < collectives; ++i) {
    const std::vector<LinkFlow>& flows = costs_.collective(i).flows;
    const bool placed = tables_.collectives[i].request.layout.placed;
    for (std::size_t flow = 0; flow < flows.size() && !placed; ++flow) {
      for (const ResourceUse& use : flows[flow].uses) {
        const std::size_t at = candidates.at(use.resource);
        candidates.capacity[at] = max(candidates.capacity[at], use.capacity);
        candidates.share[at * candidates.flows + first_[i] + flow] +=
            use.per_byte / use.capacity.si();
      }
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
  for (std::size_t flow = 0; flow < candidates.flows; ++flow) {
    begin_.push_back(needs_.size());
    for (std::size_t at = 0; at < slots.size(); ++at) {
      const double share = candidates.share[at * candidates.flows + flow];
      if (slots[at] == kNoSlot || share <= 0) continue;
      needs_.push_back({slots[at], share * candidates.capacity[at].si()});
    }
  }
  begin_.push_back(needs_.size());
}

}  // namespace orrery
