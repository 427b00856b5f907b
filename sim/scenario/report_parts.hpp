#pragma once
/// The parts of a report that follow from a step and what was asked for.

#include <string>
#include <vector>

#include <orrery/platform.hpp>
#include <orrery/report.hpp>
#include <orrery/workload.hpp>

#include "engine/cost_table.hpp"

namespace orrery {

/// `step` is greater than zero; `peak` is the datasheet's rate of a device, in the precision of
/// `work`, mean over those that it occupies.
Throughput throughput_of(const StepWork& work, Seconds step, FlopsPerSecond peak);
/// Whether the job fits, and what would make it. `lowered.memory` is there.
MemoryReport memory_report(const LoweredWorkload& lowered, const Platform& platform);
/// Of the collective alone that `use` is, which took `time`.
CollectiveReport collective_report(const CollectiveUse& use, const CollectiveCost& cost,
                                   Others others, Seconds time);
/// Adds what the result rests on that was never measured to `warnings`, each once, in order:
/// devices, then the first `collectives` of `costs`.
void add_caveats(const Platform& platform, const CostTable& costs, std::size_t collectives,
                 std::vector<std::string>& warnings);

}  // namespace orrery
