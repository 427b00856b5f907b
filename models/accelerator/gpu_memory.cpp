#include "accelerator/gpu_memory.hpp"

#include <cmath>

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

Cost memory_cost(const MemorySpec& spec, const Available& available, const MemoryBound& kernel) {
  Cost cost;
  cost.time = stream_time(spec, available, kernel.bytes);
  const Seconds fixed = spec.kernel_gap + spec.latency;
  cost.bound = fixed > 0.5 * cost.time ? Bound::Latency : Bound::Memory;
  if (cost.time <= Seconds(0)) return cost;
  const double filled =
      in_flight(spec, available, kernel.bytes) / (available.multiprocessors * spec.in_flight);
  cost.activity.vector = kernel.flops / cost.time;
  cost.activity.memory = kernel.bytes / cost.time;
  cost.activity.active_fraction =
      available.share * filled * ((cost.time - spec.kernel_gap) / cost.time);
  return cost;
}

}  // namespace orrery::accelerator
