#pragma once
/// Analytic fidelity: a step from its outline in closed form, without events.

#include <orrery/outline.hpp>
#include <orrery/step_result.hpp>

#include "engine/cost_table.hpp"

namespace orrery {

/// Estimates a step. Every routine is a sum of costs; passes are placed by the recurrence of their
/// pipeline, of which only the start, one steady period and the end are evaluated; kernels beside
/// communication are slowed by the shares that it leaves. Equal to the event engine where nothing
/// contends, to rounding but for the steady period. O(passes of the outline + operations of its
/// routines).
/// Without `at_once` every operation beside communication is gone through, for tests.
/// @throws SimulationError when passes wait for one another.
StepResult estimate(const Outline& outline, const CostTable& costs, Seconds launch_time,
                    bool at_once = true);

}  // namespace orrery
