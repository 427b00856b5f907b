#include "accelerator/gpu_memory.hpp"

#include <cmath>

#include "accelerator/gpu_clock.hpp"

namespace orrery::accelerator {
namespace {

Bytes in_flight(const MemorySpec& spec, const Available& available, Bytes bytes) {
  return min(bytes, available.multiprocessors * spec.in_flight);
}

}  // namespace

Seconds stream_time(const MemorySpec& spec, const Available& available, Bytes bytes,
                    double read_fraction) {
  const Seconds fixed = spec.kernel_gap + spec.latency;
  if (bytes <= Bytes(0)) return fixed;
  const double efficiency =
      spec.read_efficiency - spec.turnaround_loss * 4.0 * read_fraction * (1.0 - read_fraction);
  const BytesPerSecond limit = available.bandwidth * efficiency;
  const double crowding = limit / (in_flight(spec, available, bytes) / spec.latency);
  const BytesPerSecond reached =
      limit * std::pow(1.0 + std::pow(crowding, spec.knee), -1.0 / spec.knee);
  return fixed + bytes / reached;
}

Cost memory_cost(const Spec& spec, const GpuPower& power, const Available& available,
                 const MemoryBound& kernel) {
  const MemorySpec& memory = spec.memory;
  const Seconds time = stream_time(memory, available, kernel.bytes);
  const double filled =
      in_flight(memory, available, kernel.bytes) / (available.multiprocessors * memory.in_flight);
  const KernelDemand demand = {.memory = time - memory.kernel_gap,
                               .rest = memory.kernel_gap,
                               .active = available.share * filled,
                               .dtype = Dtype::Fp32,
                               .vector_flops = kernel.flops,
                               .bytes = kernel.bytes};
  Cost cost;
  note(run_kernel(spec, power, available.point, demand, 0.0), cost);
  const Seconds fixed = memory.kernel_gap + memory.latency;
  cost.bound = fixed > 0.5 * cost.time ? Bound::Latency : Bound::Memory;
  if (cost.time <= Seconds(0)) return cost;
  cost.activity.vector = kernel.flops / cost.time;
  cost.activity.memory = kernel.bytes / cost.time;
  cost.activity.active_fraction = demand.active * (demand.memory / cost.time);
  return cost;
}

}  // namespace orrery::accelerator
