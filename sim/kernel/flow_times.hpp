#pragma once
/// When flows end that start at known times and share resources as kernel.hpp says, without a
/// kernel: nothing else happens meanwhile.

#include <span>
#include <vector>

#include "kernel/kernel.hpp"

namespace orrery {

/// A flow and when it starts.
struct TimedFlow {
  Flow flow;
  Seconds start{};
};

/// The ends, in the order of `flows`. Demands refer to places in `capacities`.
/// O(flows x (flows + resources)) where all compete, and more where many bottlenecks differ.
std::vector<Seconds> end_times(std::span<const BytesPerSecond> capacities,
                               std::span<const TimedFlow> flows);

}  // namespace orrery
