#pragma once
/// What a run says of transfers on named parts of a machine.

#include <orrery/report.hpp>
#include <orrery/workload.hpp>

#include "engine/cost_table.hpp"

namespace orrery {

/// Fills Report::transfers and ::resources from its step. Nothing where nothing is placed.
void add_transfers(const LoweredWorkload& lowered, const CostTable& costs, Report& report);

}  // namespace orrery
