#pragma once
/// Checks that a model keeps the contract of its interface, for the tests of those who write one.
/// Each returns what it found wrong, a sentence each in the order of the checks, and nothing for a
/// model that conforms. What a model throws is a finding, too. None of them says how good a model
/// is: that is what `orrery validate` measures.

#include <string>
#include <vector>

#include <orrery/accelerator.hpp>
#include <orrery/collective.hpp>
#include <orrery/platform.hpp>
#include <orrery/workload.hpp>

namespace orrery {

using Findings = std::vector<std::string>;

/// Of every kind of kernel, in the number formats that the device supports:
/// - capacity, bandwidth and multiprocessors are positive, and so is the peak of a supported
/// format;
/// - cost() is a function: equal calls give equal costs; `repeat` is not applied;
/// - times are finite and positive, and no shorter for more work;
/// - no product is faster than the datasheet's peak, no large copy than the memory;
/// - fewer multiprocessors, less memory bandwidth and a lower clock make nothing faster;
/// - where there is a power model: no part of a power is negative, a process that holds the device
///   draws no less than an idle one, a sustained kernel no more than the cap, and a lower cap or a
///   locked clock makes nothing faster.
[[nodiscard]] Findings check_accelerator(const Accelerator& device);

/// Of every operation, on groups of two devices, a server and the whole of `platform`, from 1 kB to
/// 1 GB:
/// - cost() is a function: equal requests give equal costs;
/// - latency, transfer and flows are finite and not negative, and something takes time;
/// - more bytes take no less time, slower links no less either;
/// - flows name resources where the group's links do;
/// - none moves more than the bandwidth of its links carries while the collective transfers;
/// - multiprocessors and memory traffic are not negative;
/// - a group of one takes no time on links.
[[nodiscard]] Findings check_collectives(const CollectiveModel& model, const Platform& platform);

/// On `platform`, which may hold devices that differ:
/// - layout() and lower() are functions: called twice they say the same;
/// - the represented ranks stand for the devices of the job, kind by kind (lower() checks it);
/// - the outline holds together: every index is inside its table, passes wait for passes, routines
///   run routines that come before them;
/// - lower() agrees with memory() and work() where these say anything;
/// - what the step amounts to is not negative;
/// - the step ends in both fidelities, the tiles of every rank sum to it, it is no shorter than its
///   critical path, and every rank simulated gives the folded step within 1e-9 (up to 512 ranks).
/// Runs the event engine: one call at a time in a process.
[[nodiscard]] Findings check_workload(const Workload& workload, const Platform& platform,
                                      const CollectiveModel& collectives);

}  // namespace orrery
