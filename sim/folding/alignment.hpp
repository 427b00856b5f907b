#pragma once
/// Whether the groups of a job cut the parts of a machine in the same places for all ranks of a
/// program.

#include <orrery/platform.hpp>
#include <orrery/sdk/job_layout.hpp>

namespace orrery {

/// On a uniform machine the ranks of one program are then alike: every group of a kind reaches what
/// the others of that kind reach. O(kinds of groups).
[[nodiscard]] bool aligned(const JobLayout& layout, const Platform& platform);

}  // namespace orrery
