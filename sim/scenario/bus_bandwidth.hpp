#pragma once
/// Bandwidths of a collective alone, as nccl-tests defines them
/// (github.com/NVIDIA/nccl-tests, doc/PERFORMANCE.md).

#include <orrery/collective.hpp>

namespace orrery {

/// Bus bandwidth by algorithm bandwidth (bytes / time), ratio: what each link carries, whatever the
/// number of ranks n. 2 (n - 1) / n for all-reduce; (n - 1) / n for all-gather, reduce-scatter and
/// all-to-all; 1 for broadcast and send-receive. `ranks` is at least 1.
double bus_factor(CollectiveKind kind, int ranks);

}  // namespace orrery
