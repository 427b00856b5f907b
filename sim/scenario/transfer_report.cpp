#include "scenario/transfer_report.hpp"

#include <algorithm>

#include "engine/shared_resources.hpp"
#include "scenario/bus_bandwidth.hpp"

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

// What every transfer takes of each resource, as if it went on evenly while it lasts.
class Traffic {
 public:
  struct Part {
    std::size_t transfer = 0;
    BytesPerSecond rate{};
  };

  Traffic(const std::vector<TransferReport>& transfers, const std::vector<Resource>& resources,
          const CostTable& costs)
      : transfers_(transfers), resources_(resources), parts_(resources.size()) {
    for (std::size_t i = 0; i < transfers.size(); ++i) {
      for (const PlacedLoad& load : placed_loads(costs.collective(static_cast<std::uint32_t>(i)))) {
        parts_[load.resource].push_back({i, load.bytes / transfers[i].time});
      }
    }
  }

  // Ratio of the capacity of a resource, mean over the time of a transfer.
  [[nodiscard]] double activity(std::size_t transfer, std::uint32_t resource) const {
    const TransferReport& one = transfers_[transfer];
    Bytes through{};
    for (const Part& part : parts_[resource]) {
      const TransferReport& other = transfers_[part.transfer];
      const Seconds beside = min(one.at + one.time, other.at + other.time) - max(one.at, other.at);
      through += part.rate * max(Seconds(0), beside);
    }
    return through / resources_[resource].capacity / one.time;
  }

 private:
  const std::vector<TransferReport>& transfers_;
  const std::vector<Resource>& resources_;
  std::vector<std::vector<Part>> parts_;  // by resource
};

// Where several are equally busy, the first on the way. What transfers do not evenly may seem to be
// more than a resource carries.
void add_busiest(const Outline& outline, const CostTable& costs, Report& report) {
  constexpr double kBusier = 1 + 1e-6;
  const Traffic traffic(report.transfers, outline.resources, costs);
  for (std::size_t i = 0; i < report.transfers.size(); ++i) {
    TransferReport& one = report.transfers[i];
    for (const PlacedLoad& load : placed_loads(costs.collective(static_cast<std::uint32_t>(i)))) {
      const double activity = traffic.activity(i, load.resource);
      if (activity <= one.busiest_activity * kBusier) continue;
      one.busiest = outline.resources[load.resource].name;
      one.busiest_activity = activity;
    }
    one.busiest_activity = std::min(one.busiest_activity, 1.0);
  }
}

TransferReport report_of(const PlacedTransfer& placed, Seconds time, const CollectiveUse& use,
                         const CollectiveCost& cost) {
  TransferReport one{.name = placed.name,
                     .bytes = placed.bytes,
                     .at = placed.at,
                     .time = time,
                     .bandwidth = placed.bytes / time,
                     .alone = cost.time(),
                     .alone_limit = placed.limit};
  const bool copy = use.cost.has_value();
  if (copy) return one;
  one.bus_bandwidth = one.bandwidth * bus_factor(use.request.kind, use.request.layout.ranks);
  one.algorithm = cost.algorithm;
  one.protocol = cost.protocol;
  return one;
}

}  // namespace

void add_transfers(const LoweredWorkload& lowered, const CostTable& costs, Report& report) {
  if (lowered.transfers.empty()) return;
  for (std::size_t rank = 0; rank < lowered.transfers.size(); ++rank) {
    const Tiles& tiles = report.step.rank_tiles[rank];
    report.transfers.push_back(report_of(
        lowered.transfers[rank], tiles[static_cast<std::size_t>(Tile::DataComm)],
        lowered.outline.collectives[rank], costs.collective(static_cast<std::uint32_t>(rank))));
  }
  add_busiest(lowered.outline, costs, report);
  add_resources(lowered, costs, report);
}

}  // namespace orrery
