// One collective, as nccl-tests runs it.
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
  Others others = Others::Idle;

  [[nodiscard]] const Location& where() const {
    return devices.empty() ? where_ranks : devices.front().where;
  }
};

class CollectiveWorkload final : public Workload {
 public:
  CollectiveWorkload(CollectiveRequest request, Participants participants)
      : request_(std::move(request)), participants_(std::move(participants)) {}

  JobLayout layout(const Platform& platform) const override {
    JobLayout layout;
    layout.devices = devices_of(participants_.devices, platform);
    layout.ranks = ranks(platform);
    layout.others = participants_.others;
    layout.groups = {{.name = "", .count = layout.ranks, .stride = 1}};
    return layout;
  }

 protected:
  LoweredWorkload build(const FoldedJob& job, const LowerOptions&) const override {
    LoweredWorkload lowered;
    GroupCollectives collectives(job, lowered.outline);
    add_single_pass(job, lowered.outline, [&](Sequence& sequence, int rank) {
      const std::uint32_t use = collectives.add(0, rank, request_);
      const GroupLayout& layout = lowered.outline.collectives[use].request.layout;
      if (!joined(layout)) {
        throw ConfigError(fmt::format("{}: {}: {}", participants_.where().text(),
                                      participants_.devices.empty() ? "ranks" : "devices",
                                      apart_in_words(all_devices(job), job.platform())));
      }
      sequence.blocking(use, Tile::DataComm);
    });
    lowered.regime = OperatingPoint::Regime::Burst;
    lowered.bus_bandwidth = true;
    return lowered;
  }

 private:
  static std::vector<int> all_devices(const FoldedJob& job) {
    std::vector<int> devices;
    for (int rank = 0; rank < job.layout().ranks; ++rank) {
      devices.push_back(job.layout().device(rank));
    }
    return devices;
  }

  [[nodiscard]] int ranks(const Platform& platform) const {
    if (!participants_.devices.empty()) return static_cast<int>(participants_.devices.size());
    if (participants_.ranks == 0) {
      if (platform.devices() > 1) return platform.devices();
      throw ConfigError(
          fmt::format("{}: a collective needs two devices or more; expected a system of several; "
                      "got {} with one",
                      participants_.where_ranks.text(), platform.name()));
    }
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

std::vector<Binding<CollectiveRequest>> request_fields() {
  using namespace schema;
  using R = CollectiveRequest;
  return {
      required("collective", &R::kind, collective_choices(), "what runs"),
      required("bytes", &R::bytes, positive, "as nccl-tests counts them"),
      when<R>(
          "collective: all_to_all", [](const R& r) { return r.kind == CollectiveKind::AllToAll; },
          optional("unique_between", &R::unique_between, schema::between(0.001, 1.0),
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
                  spec.devices = read_devices(reader, false);
                }),
      optional(
          "others", &P::others, Choices<Others>{{"idle", Others::Idle}, {"alike", Others::Alike}},
          "what the other devices do: nothing, as while nccl-tests runs, or the same in groups "
          "of this shape, as in training")};
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
