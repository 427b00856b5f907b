#include "scenario/report_parts.hpp"

#include <algorithm>

#include "scenario/bus_bandwidth.hpp"

namespace orrery {
Throughput throughput_of(const StepWork& work, Seconds step, FlopsPerSecond peak) {
  Throughput result;
  result.step_time = step;
  result.tokens_per_second = work.tokens / step.si();
  result.samples_per_second = work.samples / step.si();
  result.tokens_per_second_per_device = result.tokens_per_second / work.devices;
  result.model_per_device = work.model_flops / step / static_cast<double>(work.devices);
  result.hardware_per_device = work.hardware_flops / step / static_cast<double>(work.devices);
  if (peak.si() > 0) {
    result.mfu = result.model_per_device / peak;
    result.hfu = result.hardware_per_device / peak;
  }
  return result;
}

// What the result rests on that was never measured, each once, in order.
void add_caveats(const Platform& platform, const CostTable& costs, std::size_t collectives,
                 std::vector<std::string>& warnings) {
  std::vector<std::string> caveats;
  for (const DeviceKind& kind : platform.kinds()) caveats.push_back(kind.accelerator->caveat());
  for (std::uint32_t i = 0; i < collectives; ++i) caveats.push_back(costs.collective(i).caveat);
  for (const std::string& caveat : caveats) {
    const std::string text = "estimate: " + caveat;
    const bool known = std::find(warnings.begin(), warnings.end(), text) != warnings.end();
    if (!caveat.empty() && !known) warnings.push_back(text);
  }
}

MemoryReport memory_report(const LoweredWorkload& lowered, const Platform& platform) {
  const bool fits = lowered.memory->total() <= platform.memory_capacity();
  return {.fits = fits,
          .capacity = platform.memory_capacity(),
          .use = *lowered.memory,
          .advice = fits ? "" : lowered.memory_advice};
}

CollectiveReport collective_report(const CollectiveUse& use, const CollectiveCost& cost,
                                   Others others, Seconds time) {
  const BytesPerSecond algorithm = use.request.bytes / time;
  return {.algorithm = cost.algorithm,
          .protocol = cost.protocol,
          .algorithm_bandwidth = algorithm,
          .bus_bandwidth = algorithm * bus_factor(use.request.kind, use.request.layout.ranks),
          .others = others};
}

}  // namespace orrery
