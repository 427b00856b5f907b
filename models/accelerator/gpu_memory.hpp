#pragma once
/// Kernels that only move bytes: bus turnaround and Little's law.

#include "accelerator/gpu_parameters.hpp"
#include "accelerator/gpu_power.hpp"

namespace orrery::accelerator {

/// Reads and writes of an average element-wise kernel are equal.
constexpr double kReadFraction = 0.5;

/// Time of a kernel that moves `bytes` (read and written together), its gap to the next included.
Seconds stream_time(const MemorySpec& spec, const Available& available, Bytes bytes,
                    double read_fraction = kReadFraction);

Cost memory_cost(const Spec& spec, const GpuPower& power, const Available& available,
                 const MemoryBound& kernel);

}  // namespace orrery::accelerator
