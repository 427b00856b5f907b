// A collective alone, as nccl-tests runs it.
#include <algorithm>
#include <charconv>
#include <map>

#include <fmt/format.h>

#include <orrery/sdk/group_collectives.hpp>
#include <orrery/sdk/single_pass.hpp>

#include "workload/recipe.hpp"
#include "workload/single.hpp"

namespace orrery {
namespace workload {
namespace {

/// A device as the scenario names it: by its number or by its name.
struct NamedDevice {
  std::string text;
  Location where;
};

/// Which devices take part.
struct Participants {
  int ranks = 0;  ///< the first so many; 0: all
  Location where_ranks;
  std::vector<NamedDevice> devices;  ///< these, when there are any
};

std::optional<int> device_of(const std::string& text, const Platform& platform) {
  int index = -1;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), index);
  const bool number = problem == std::errc() && end == text.data() + text.size();
  if (!number) return platform.find_device(text);
  return index >= 0 && index < platform.devices() ? std::optional(index) : std::nullopt;
}

// In the order of the list, so that rank i is on its device.
std::vector<int> devices_of(const std::vector<NamedDevice>& named, const Platform& platform) {
  std::vector<int> devices;
  std::vector<std::string> errors;
  std::map<int, const NamedDevice*> known;
  for (const NamedDevice& one : named) {
    const std::optional<int> device = device_of(one.text, platform);
    if (!device) {
      errors.push_back(fmt::format(
          "{}: devices: {} has no such device; expected a number from 0 to {} or a name from {} to "
          "{}; got '{}'",
          one.where.text(), platform.name(), platform.devices() - 1, platform.device_name(0),
          platform.device_name(platform.devices() - 1), one.text));
      continue;
    }
    const auto [first, added] = known.emplace(*device, &one);
    if (!added) {
      errors.push_back(fmt::format(
          "{}: devices: {} is there already, at {}; expected each device "
          "once; got '{}'",
          one.where.text(), platform.device_name(*device), first->second->where.text(), one.text));
    }
    devices.push_back(*device);
  }
  if (!errors.empty()) throw ConfigError(std::move(errors));
  return devices;
}

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

std::vector<NamedDevice> read_devices(Reader& reader) {
  std::vector<NamedDevice> devices;
  if (!reader.has("devices")) return devices;
  const Node list = reader.raw("devices");
  for (const Node& item : list.items()) {
    if (item.kind() != Node::Kind::Scalar) {
      reader.diagnostics().error(item.where(),
                                 "devices: expected a number or a name such as server0.gpu3");
    }
    devices.push_back({.text = item.text(), .where = item.where()});
  }
  if (list.kind() != Node::Kind::Sequence || devices.size() < 2) {
    reader.error("devices",
                 fmt::format("devices: expected a list of at least two devices, such as "
                             "[0, 2] or [server0.gpu0, server1.gpu0]; got {}",
                             list.kind() == Node::Kind::Sequence ? std::to_string(devices.size())
                                                                 : "'" + list.text() + "'"));
  }
  return devices;
}

Participants read_participants(Reader& reader) {
  Participants result;
  result.ranks = static_cast<int>(reader.integer_or("ranks", 0, 2));
  result.where_ranks = reader.where("ranks");
  result.devices = read_devices(reader);
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
  request.kind = reader.choice<CollectiveKind>("collective",
                                               {{"all_reduce", CollectiveKind::AllReduce},
                                                {"all_gather", CollectiveKind::AllGather},
                                                {"reduce_scatter", CollectiveKind::ReduceScatter},
                                                {"all_to_all", CollectiveKind::AllToAll},
                                                {"broadcast", CollectiveKind::Broadcast},
                                                {"send_recv", CollectiveKind::SendRecv}});
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
