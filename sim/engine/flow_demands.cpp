#include "engine/flow_demands.hpp"

#include <algorithm>
#include <map>

namespace orrery {
namespace {

// Where a hand-made layout names no resources, each level is one.
constexpr std::uint32_t kWholeLevel = 0xfffffff0U;

std::vector<ResourceUse> uses_of(const CollectiveRequest& request, LinkClass level) {
  const GroupLayout& layout = request.layout;
  const bool up = level == LinkClass::ScaleUp;
  const std::vector<ResourceUse>& known = request.uses(level);
  if (!known.empty()) return known;
  return {{.resource = kWholeLevel + static_cast<std::uint32_t>(level),
           .per_byte = 1,
           .capacity = up ? layout.scale_up : layout.scale_out}};
}

/// A class of resources as the loads of a program use it.
struct Candidate {
  BytesPerSecond capacity{};
  std::map<std::size_t, double> share;  // by load of the program: per_byte / capacity
};

// Whether `other` holds up every load at least as much as `one` does.
bool covers(const Candidate& other, const Candidate& one) {
  return std::all_of(one.share.begin(), one.share.end(), [&](const auto& use) {
    const auto found = other.share.find(use.first);
    return found != other.share.end() && found->second >= use.second;
  });
}

using Candidates = std::map<std::uint32_t, Candidate>;

// Slots of the resources that can hold a flow up.
std::map<std::uint32_t, std::uint32_t> slots_of(const Candidates& candidates) {
  std::map<std::uint32_t, std::uint32_t> slots;
  for (const auto& [resource, one] : candidates) {
    const bool covered =
        std::any_of(candidates.begin(), candidates.end(), [&, id = resource](const auto& entry) {
          // Of two that are as tight everywhere the first stays.
          const bool alike = covers(one, entry.second);
          return entry.first != id && covers(entry.second, one) && (!alike || entry.first < id);
        });
    if (!covered) slots.emplace(resource, static_cast<std::uint32_t>(slots.size()));
  }
  return slots;
}

}  // namespace

FlowDemands::FlowDemands(const WorkTables& tables, std::uint32_t ranks, const CostTable& costs,
                         Kernel& kernel) {
  needs_.resize(tables.collectives.size());
  add_placed(tables, kernel);
  add_own(tables, ranks, costs, kernel);
}

void FlowDemands::add_placed(const WorkTables& tables, Kernel& kernel) {
  for (const Resource& resource : tables.resources) {
    placed_.push_back(kernel.add_resource(resource.capacity));
  }
}

void FlowDemands::add_own(const WorkTables& tables, std::uint32_t ranks, const CostTable& costs,
                          Kernel& kernel) {
  Candidates candidates;
  std::size_t loads = 0;
  for (std::uint32_t i = 0; i < needs_.size(); ++i) {
    const GroupLayout& layout = tables.collectives[i].request.layout;
    for (const LinkLoad& load : costs.collective(i).loads) {
      ++loads;
      for (const ResourceUse& use : uses_of(tables.collectives[i].request, load.link)) {
        if (layout.placed) continue;
        Candidate& candidate = candidates[use.resource];
        candidate.capacity = max(candidate.capacity, use.capacity);
        candidate.share[loads] = use.per_byte / use.capacity.si();
      }
    }
  }
  const auto slots = slots_of(candidates);
  for (std::uint32_t i = 0; i < needs_.size(); ++i) {
    const GroupLayout& layout = tables.collectives[i].request.layout;
    for (const LinkLoad& load : costs.collective(i).loads) {
      std::vector<Need>& needs = needs_[i].emplace_back();
      for (const ResourceUse& use : uses_of(tables.collectives[i].request, load.link)) {
        const auto slot = slots.find(use.resource);
        if (layout.placed) {
          needs.push_back({use.resource, use.per_byte, true});
        } else if (slot != slots.end()) {
          needs.push_back({slot->second, use.per_byte, false});
        }
      }
    }
  }
  slots_ = static_cast<std::uint32_t>(slots.size());
  std::vector<BytesPerSecond> capacity(slots.size());
  for (const auto& [resource, slot] : slots) capacity[slot] = candidates[resource].capacity;
  find_alone(tables, costs, capacity);
  for (std::uint32_t rank = 0; rank < ranks; ++rank) {
    for (const auto& [resource, slot] : slots) {
      own_.push_back(kernel.add_resource(candidates[resource].capacity));
    }
  }
}

// A resource that is named twice counts twice, as in the kernel.
void FlowDemands::find_alone(const WorkTables& tables, const CostTable& costs,
                             const std::vector<BytesPerSecond>& capacity) {
  for (std::uint32_t i = 0; i < needs_.size(); ++i) {
    const CollectiveCost& cost = costs.collective(i);
    Alone& alone = alone_.emplace_back();
    alone.placed = tables.collectives[i].request.layout.placed;
    if (alone.placed || cost.transfer <= Seconds(0)) continue;
    for (std::size_t load = 0; load < cost.loads.size(); ++load) {
      std::map<std::uint32_t, double> amounts;  // by slot
      for (const Need& need : needs_[i][load]) amounts[need.slot] += need.per_byte;
      BytesPerSecond& fastest = alone.fastest.emplace_back(cost.loads[load].bytes / cost.transfer);
      for (const auto& [slot, amount] : amounts) fastest = min(fastest, capacity[slot] / amount);
      alone.time = max(alone.time, cost.loads[load].bytes / fastest);
    }
  }
}

std::span<const Demand> FlowDemands::of(std::uint32_t index, std::size_t load, std::uint32_t rank) {
  demands_.clear();
  for (const Need& need : needs_[index][load]) {
    const Kernel::Resource resource =
        need.placed ? placed_[need.slot]
                    : own_[static_cast<std::size_t>(rank) * slots_ + need.slot];
    demands_.push_back({.resource = resource, .amount = need.per_byte});
  }
  return demands_;
}

}  // namespace orrery
