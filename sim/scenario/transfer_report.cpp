#include "scenario/transfer_report.hpp"

#include <algorithm>

#include "engine/shared_resources.hpp"

namespace orrery {
namespace {

void add_resources(const LoweredWorkload& lowered, const CostTable& costs, Report& report) {
  const Outline& outline = lowered.outline;
  std::vector<Bytes> moved(outline.resources.size());
  for (std::uint32_t i = 0; i < outline.collectives.size(); ++i) {
    for (const PlacedLoad& load : placed_loads(costs.collective(i))) {
      moved[load.resource] += load.bytes;
    }
  }
  for (std::size_t i = 0; i < moved.size(); ++i) {
    const Resource& resource = outline.resources[i];
    const double activity = moved[i] / resource.capacity / report.step.step_time;
    report.resources.push_back(
        {.name = resource.name,
         .kind = to_text(resource.kind),
         .capacity = resource.capacity,
         .activity = activity,
         .power = resource.idle + activity * (resource.busy - resource.idle)});
  }
  std::stable_sort(
      report.resources.begin(), report.resources.end(),
      [](const ResourceReport& a, const ResourceReport& b) { return a.activity > b.activity; });
}

}  // namespace

void add_transfers(const LoweredWorkload& lowered, const CostTable& costs, Report& report) {
  if (lowered.transfers.empty()) return;
  for (std::size_t rank = 0; rank < lowered.transfers.size(); ++rank) {
    const PlacedTransfer& one = lowered.transfers[rank];
    const Tiles& tiles = report.step.rank_tiles[rank];
    const Seconds time = tiles[static_cast<std::size_t>(Tile::DataComm)];
    const Seconds alone = costs.collective(static_cast<std::uint32_t>(rank)).time();
    report.transfers.push_back({.name = one.name,
                                .bytes = one.bytes,
                                .at = one.at,
                                .time = time,
                                .bandwidth = one.bytes / time,
                                .alone = alone,
                                .limit = one.limit});
  }
  add_resources(lowered, costs, report);
}

}  // namespace orrery
