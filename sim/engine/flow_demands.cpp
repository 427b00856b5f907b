#include "engine/flow_demands.hpp"

namespace orrery {

FlowDemands::FlowDemands(const WorkTables& tables, std::uint32_t ranks, const CostTable& costs,
                         Kernel& kernel)
    : own_links_(tables, costs), needs_(tables.collectives.size()) {
  add_placed(tables, kernel);
  add_needs(tables, costs);
  const std::vector<BytesPerSecond>& capacity = own_links_.capacity();
  find_alone(tables, costs, capacity);
  for (std::uint32_t rank = 0; rank < ranks; ++rank) {
    for (const BytesPerSecond one : capacity) own_.push_back(kernel.add_resource(one));
  }
}

void FlowDemands::add_placed(const WorkTables& tables, Kernel& kernel) {
  for (const Resource& resource : tables.resources) {
    placed_.push_back(kernel.add_resource(resource.capacity));
  }
}

void FlowDemands::add_needs(const WorkTables& tables, const CostTable& costs) {
  for (std::uint32_t i = 0; i < needs_.size(); ++i) {
    const std::vector<LinkFlow>& flows = costs.collective(i).flows;
    for (std::size_t flow = 0; flow < flows.size(); ++flow) {
      std::vector<Need>& needs = needs_[i].emplace_back();
      if (tables.collectives[i].request.layout.placed) {
        for (const ResourceUse& use : flows[flow].uses) {
          needs.push_back({use.resource, use.per_byte, true});
        }
        continue;
      }
      for (const LinkSlots::Need& need : own_links_.of(i, flow)) {
        needs.push_back({need.slot, need.per_byte, false});
      }
    }
  }
}

void FlowDemands::find_alone(const WorkTables& tables, const CostTable& costs,
                             const std::vector<BytesPerSecond>& capacity) {
  for (std::uint32_t i = 0; i < needs_.size(); ++i) {
    const CollectiveCost& cost = costs.collective(i);
    Alone& alone = alone_.emplace_back();
    alone.placed = tables.collectives[i].request.layout.placed;
    if (alone.placed || cost.transfer <= Seconds(0)) continue;
    for (std::size_t flow = 0; flow < cost.flows.size(); ++flow) {
      BytesPerSecond& fastest = alone.fastest.emplace_back(cost.flows[flow].bytes / cost.transfer);
      for (const LinkSlots::Need& need : own_links_.of(i, flow)) {
        fastest = min(fastest, capacity[need.slot] / need.per_byte);
      }
      alone.time = max(alone.time, cost.flows[flow].bytes / fastest);
    }
  }
}

std::span<const Demand> FlowDemands::of(std::uint32_t index, std::size_t flow, std::uint32_t rank) {
  demands_.clear();
  for (const Need& need : needs_[index][flow]) {
    const Kernel::Resource resource =
        need.placed ? placed_[need.slot] : own_[rank * own_links_.capacity().size() + need.slot];
    demands_.push_back({.resource = resource, .amount = need.per_byte});
  }
  return demands_;
}

}  // namespace orrery
