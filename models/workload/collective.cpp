// A collective alone, as nccl-tests runs it.
#include <algorithm>

#include <fmt/format.h>

#include <orrery/sdk/group_collectives.hpp>
#include <orrery/sdk/single_pass.hpp>

#include "workload/named_devices.hpp"
#include "workload/recipe.hpp"
#include "workload/single.hpp"

namespace orrery {
namespace workload {
namespace {

/// Which devices take part.
struct Participants {
  int ranks = 0;  ///< the first so many; 0: all
  Location where_ranks;
  std::vector<NamedDevice> devices;  ///< these, when there are any
};

class CollectiveWorkload final : public Workload {
 public:
  CollectiveWorkload(CollectiveRequest request, Participants participants)
      : request_(std::move(request)), participants_(std::move(participants)) {}

  JobLayout layout(const Platform& platform) const override {
    JobLayout layout;
    layout.devices = devices_of(participants_.devices, platform);
    layout.ranks = ranks(platform);
    layout.groups = {{.name = "", .count = layout.ranks, .stride = 1}};
    return layout;
  }

 protected:
  LoweredWorkload build(const FoldedJob& job, const LowerOptions&) const override {
    LoweredWorkload lowered;
    GroupCollectives collectives(job, lowered.outline);
    add_single_pass(job, lowered.outline, [&](Sequence& sequence, int rank) {
      sequence.blocking(collectives.add(0, rank, request_), Tile::DataComm);
    });
    lowered.regime = OperatingPoint::Regime::Burst;
    lowered.bus_bandwidth = true;
    return lowered;
  }

 private:
  [[nodiscard]] int ranks(const Platform& platform) const {
    if (!participants_.devices.empty()) return static_cast<int>(participants_.devices.size());
    if (participants_.ranks == 0) return platform.devices();
    if (participants_.ranks <= platform.devices()) return participants_.ranks;
    throw ConfigError(
        fmt::format("{}: {} ranks do not fit the {} devices of {}; expected fewer, or more servers "
                    "(system.servers)",
                    participants_.where_ranks.text(), participants_.ranks, platform.devices(),
                    platform.name()));
  }

  CollectiveRequest request_;
  Participants participants_;
};

Participants read_participants(Reader& reader) {
  Participants result;
  result.ranks = static_cast<int>(reader.integer_or("ranks", 0, 2));
  result.where_ranks = reader.where("ranks");
  result.devices = read_devices(reader, false);
  if (reader.has("ranks") && reader.has("devices")) {
    reader.error("devices",
                 "devices: `ranks` takes the first devices, `devices` names them; expected one of "
                 "the two; got both");
  }
  return result;
}

}  // namespace
}  // namespace workload

std::unique_ptr<const Workload> make_collective(Reader& reader) {
  CollectiveRequest request;
  request.kind = workload::read_collective_kind(reader, "collective");
  request.bytes = reader.positive<Bytes>("bytes");
  if (request.kind == CollectiveKind::AllToAll) {
    request.unique_between = reader.ratio_or("unique_between", 1.0, 0.001, 1.0);
  }
  request.dtype = workload::read_dtype(reader, "dtype", Dtype::Bf16);
  workload::Participants participants = workload::read_participants(reader);
  reader.finish();
  return std::make_unique<workload::CollectiveWorkload>(std::move(request),
                                                        std::move(participants));
}

}  // namespace orrery
