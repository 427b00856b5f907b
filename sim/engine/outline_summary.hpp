#pragma once
/// What a step runs, counted on its outline: kernel times by kind, and collectives.

#include <orrery/outline.hpp>
#include <orrery/step_result.hpp>

#include "engine/cost_table.hpp"

namespace orrery {

/// Fills kernel_time and collectives of `result`, microbatches that are left out included.
void summarise(const Outline& outline, const CostTable& costs, StepResult& result);

}  // namespace orrery
