#include "engine/shared_resources.hpp"

#include <cstddef>
#include <deque>
#include <vector>

#include "engine/routine_profile.hpp"
#include "kernel/flow_times.hpp"

namespace orrery {
namespace {

/// The flows of placed collectives: when and for whom.
struct PlacedFlows {
  std::vector<TimedFlow> flows;
  std::vector<std::size_t> ranks;
  std::deque<std::vector<Demand>> demands;  // of the flows, which refer to them
};

// Each rank by itself: what it did before the end is the wait until its transfer was due.
PlacedFlows flows_of(const Outline& outline, const CostTable& costs, const StepResult& result) {
  PlacedFlows placed;
  for (const Pass& pass : outline.passes) {
    for (const Step& step : outline.routines[pass.routine].steps) {
      if (step.call >= 0 || step.op.kind != Op::Kind::Collective) continue;
      if (!outline.collectives[step.op.work].request.layout.placed) continue;
      const CollectiveCost& cost = costs.collective(step.op.work);
      const Seconds start = result.rank_tiles[pass.rank][at(Tile::Host)] + cost.latency;
      for (const LinkFlow& flow : cost.flows) {
        std::vector<Demand>& demands = placed.demands.emplace_back();
        for (const ResourceUse& use : flow.uses) demands.push_back({use.resource, use.per_byte});
        placed.flows.push_back(
            {{.demands = demands, .size = flow.bytes, .bound = flow.bytes / cost.transfer}, start});
        placed.ranks.push_back(pass.rank);
      }
    }
  }
  return placed;
}

}  // namespace

std::vector<PlacedLoad> placed_loads(const CollectiveCost& cost) {
  std::vector<PlacedLoad> loads;
  for (const LinkFlow& flow : cost.flows) {
    for (const ResourceUse& one : flow.uses) {
      loads.push_back({one.resource, flow.bytes * one.per_byte});
    }
  }
  return loads;
}

void share_resources(const Outline& outline, const CostTable& costs, StepResult& result) {
  if (outline.resources.empty()) return;
  std::vector<Seconds> ends(outline.ranks.size());
  for (std::size_t rank = 0; rank < ends.size(); ++rank) {
    const Tiles& tiles = result.rank_tiles[rank];
    ends[rank] = result.step_time - tiles[at(Tile::Bubble)];
  }
  std::vector<BytesPerSecond> capacities;
  for (const Resource& resource : outline.resources) capacities.push_back(resource.capacity);
  const PlacedFlows placed = flows_of(outline, costs, result);
  const std::vector<Seconds> through = end_times(capacities, placed.flows);
  for (std::size_t i = 0; i < through.size(); ++i) {
    ends[placed.ranks[i]] = max(ends[placed.ranks[i]], through[i]);
  }
  Seconds step = result.step_time;
  for (const Seconds end : ends) step = max(step, end);
  for (std::size_t rank = 0; rank < ends.size(); ++rank) {
    Tiles& tiles = result.rank_tiles[rank];
    const Seconds own = result.step_time - tiles[at(Tile::Bubble)];
    tiles[at(Tile::DataComm)] += ends[rank] - own;
    tiles[at(Tile::Bubble)] = step - ends[rank];
  }
  result.step_time = step;
  result.breakdown = {};
  double weights = 0;
  for (const RepresentedRank& rank : outline.ranks) weights += rank.weight;
  for (std::size_t rank = 0; rank < ends.size(); ++rank) {
    for (std::size_t t = 0; t < result.breakdown.size(); ++t) {
      result.breakdown[t] += result.rank_tiles[rank][t] * (outline.ranks[rank].weight / weights);
    }
  }
}

}  // namespace orrery
