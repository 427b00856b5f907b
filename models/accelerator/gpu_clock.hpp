#pragma once
/// The clock at which a kernel runs, and with it its time and power.

#include "accelerator/gpu_parameters.hpp"
#include "accelerator/gpu_power.hpp"

namespace orrery::accelerator {

/// A kernel on a device in `point`'s regime. Sustained: at the highest clock whose power meets the
/// cap (GpuPower::resolve()). Burst: f = F (a0 + (1-a0) u)^(-1/3), never above boost; it starts at
/// the burst clock and decays to f with the loop's time constant, averaged over the kernel; a cap
/// or a clock limit of the point does not act yet. `tensor_duty` [u] is the time that the matrix
/// units are busy, [0, 1].
Resolved run_kernel(const Spec& spec, const GpuPower& power, const OperatingPoint& point,
                    const KernelDemand& demand, double tensor_duty);

/// What a cost says of clock and power.
void note(const Resolved& resolved, Cost& cost);

}  // namespace orrery::accelerator
