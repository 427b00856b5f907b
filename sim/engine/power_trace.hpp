#pragma once
/// The power of every represented rank over a step.

#include <vector>

#include <orrery/program.hpp>
#include <orrery/step_result.hpp>

#include "engine/cost_table.hpp"
#include "engine/tiling.hpp"

namespace orrery {

/// One trace a rank, from the start to `step`; empty where a device says nothing of its power. A
/// block's energy is spread evenly over the time that it took. O(operations log operations).
std::vector<PowerTrace> power_traces(const Program& program, const std::vector<OpTime>& times,
                                     const CostTable& costs, Seconds step);

}  // namespace orrery
