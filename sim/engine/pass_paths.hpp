#pragma once
/// Longest ways through the passes of ranks that meet one another.

#include <vector>

#include "engine/cost_table.hpp"
#include "engine/pass_timelines.hpp"
#include "engine/schedule.hpp"

namespace orrery {

/// A pass of a party, each of another rank.
struct PartyPass {
  std::uint32_t rank = 0;
  const PassOps* ops = nullptr;
};

/// What enters a pass: operations that something outside it comes before.
std::vector<std::uint32_t> entering(const PassOps& ops);

/// Of the operations that are the passes' own. O(operations x what enters them).
PassPaths longest_paths(const std::vector<PartyPass>& passes, const Schedule& schedule,
                        const CostTable& costs);

}  // namespace orrery
