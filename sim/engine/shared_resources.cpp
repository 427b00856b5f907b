#include "engine/shared_resources.hpp"

#include <algorithm>
#include <map>
#include <vector>

#include "engine/routine_profile.hpp"

namespace orrery {
namespace {

/// A placed collective of one rank on one resource.
struct Use {
  std::size_t rank = 0;
  Seconds start{}, end{};  // alone
  double amount = 0;       // of the resource, in its bytes
};

using UsesByResource = std::map<std::uint32_t, std::vector<Use>>;

// Each rank by itself: what it did before the end is the wait until its transfer was due.
UsesByResource uses_of(const Outline& outline, const CostTable& costs, const StepResult& result) {
  UsesByResource uses;
  for (const Pass& pass : outline.passes) {
    for (const Step& step : outline.routines[pass.routine].steps) {
      if (step.call >= 0 || step.op.kind != Op::Kind::Collective) continue;
      const CollectiveUse& use = outline.collectives[step.op.work];
      if (!use.request.layout.placed) continue;
      const CollectiveCost& cost = costs.collective(step.op.work);
      const Tiles& tiles = result.rank_tiles[pass.rank];
      const Seconds start = tiles[at(Tile::Host)] + cost.latency;
      for (const PlacedLoad& load : placed_loads(cost)) {
        uses[load.resource].push_back({pass.rank, start, start + cost.transfer, load.bytes.si()});
      }
    }
  }
  return uses;
}

// Fair shares of what starts together: a transfer ends when it and, of each other one, as much has
// gone through.
void wait_for_others(const std::vector<Use>& uses, double capacity, std::vector<Seconds>& ends) {
  for (const Use& one : uses) {
    double through = 0;
    for (const Use& other : uses) {
      const bool beside = other.start < one.end && one.start < other.end;
      if (beside) through += std::min(other.amount, one.amount);
    }
    ends[one.rank] = max(ends[one.rank], one.start + Seconds(through / capacity));
  }
}

// What starts at or after some moment has gone through no earlier than so long after it.
Seconds last_end(std::vector<Use> uses, double capacity) {
  std::sort(uses.begin(), uses.end(), [](const Use& a, const Use& b) { return a.start > b.start; });
  Seconds latest{};
  double amount = 0;
  for (const Use& use : uses) {
    amount += use.amount;
    latest = max(latest, use.start + Seconds(amount / capacity));
  }
  return latest;
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
  Seconds step = result.step_time;
  for (const auto& [resource, uses] : uses_of(outline, costs, result)) {
    const double capacity = outline.resources[resource].capacity.si();
    wait_for_others(uses, capacity, ends);
    step = max(step, last_end(uses, capacity));
  }
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
