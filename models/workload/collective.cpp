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

struct CollectiveKeys {
  CollectiveRequest request;
  Participants participants;
};

void complete_participants(Reader& reader, CollectiveKeys& keys) {
  keys.participants.where_ranks = reader.where("ranks");
  if (!reader.has("ranks") || !reader.has("devices")) return;
  reader.error("devices",
               "devices: `ranks` takes the first devices, `devices` names them; expected one of "
               "the two; got both");
}

const schema::Choices<CollectiveKind>& collective_choices() {
  static const schema::Choices<CollectiveKind> choices = {
      {"all_reduce", CollectiveKind::AllReduce},         {"all_gather", CollectiveKind::AllGather},
      {"reduce_scatter", CollectiveKind::ReduceScatter}, {"all_to_all", CollectiveKind::AllToAll},
      {"broadcast", CollectiveKind::Broadcast},          {"send_recv", CollectiveKind::SendRecv}};
  return choices;
}

std::vector<Binding<CollectiveRequest>> request_fields() {
  using namespace schema;
  using R = CollectiveRequest;
  return {
      required("collective", &R::kind, collective_choices(), "what runs"),
      required("bytes", &R::bytes, positive, "as nccl-tests counts them"),
      when<R>(
          "collective: all_to_all", [](const R& r) { return r.kind == CollectiveKind::AllToAll; },
          optional("unique_between", &R::unique_between, between(0.001, 1.0),
                   "share of what goes to another server that is no copy for a neighbour "
                   "there")),
      optional("dtype", &R::dtype, dtype_choices(), "of what is reduced")};
}

const Schema<CollectiveKeys>& collective_schema() {
  using namespace schema;
  using K = CollectiveKeys;
  using P = Participants;
  static const std::vector<Binding<P>> participants = {
      otherwise("all devices",
                optional("ranks", &P::ranks, whole(2), "the first devices, in order")),
      custom<P>({.key = "devices",
                 .list = true,
                 .required = false,
                 .fallback = "`ranks`",
                 .doc = "instead of `ranks`: numbers or names, such as `[server0.gpu0, "
                        "server1.gpu0]`; rank i is on the i-th"},
                [](Reader& reader, P& spec) {
                  reader.ignore("devices");
                  spec.devices = read_devices(reader);
                })};
  static const Schema<K> result(
      "collective",
      inlined(&K::request, request_fields()) + inlined(&K::participants, participants),
      complete_participants);
  return result;
}

}  // namespace
}  // namespace workload

const Table& collective_table() { return workload::collective_schema().table(); }

std::unique_ptr<const Workload> make_collective(Reader& reader) {
  reader.ignore("kind");
  workload::CollectiveKeys keys = workload::collective_schema().read(reader);
  return std::make_unique<workload::CollectiveWorkload>(std::move(keys.request),
                                                        std::move(keys.participants));
}

}  // namespace orrery
