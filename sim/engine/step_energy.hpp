#pragma once
/// The energy that a step takes on every represented rank.

#include <orrery/outline.hpp>
#include <orrery/step_result.hpp>

#include "engine/cost_table.hpp"

namespace orrery {

/// Fills rank_energy, energy and the activities of links from the tiles of `result`. Kernels take
/// what they take alone; communication what its traffic takes; and whatever time is left is spent
/// held by the process, with a communication kernel polling wherever communication is waited for.
/// Nothing is filled where a device says nothing of its power. O(blocks x ranks).
void add_energy(const Outline& outline, const CostTable& costs, StepResult& result);

}  // namespace orrery
