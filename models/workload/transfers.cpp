#include "workload/transfers.hpp"

#include <algorithm>
#include <map>
#include <set>

#include <fmt/format.h>

#include <orrery/error.hpp>
#include <orrery/sdk/sequence.hpp>

#include "workload/named_devices.hpp"
#include "workload/recipe.hpp"

namespace orrery {
namespace workload {
namespace {

struct Copy {
  std::string from, to;
  Location where_from, where_to;
  Bytes bytes{};
  Seconds at{};
};

struct PlacedCollective {
  CollectiveRequest request;
  std::vector<NamedDevice> devices;
  Seconds at{};
};

/// The servers of components by name: "server3.ssd0" is in server 3.
class NamedServers {
 public:
  explicit NamedServers(const Platform& platform) : platform_(platform) {}

  void add(const std::string& name) {
    int number = -1;
    if (std::sscanf(name.c_str(), "server%d.", &number) != 1) return;
    if (number >= 0 && number < platform_.servers()) servers_.insert(number);
  }
  void add(int device) { servers_.insert(device / platform_.devices_per_server()); }
  /// At least the first, so that mistakes have something to be compared with.
  [[nodiscard]] std::vector<int> all() const {
    if (servers_.empty()) return {0};
    return {servers_.begin(), servers_.end()};
  }

 private:
  const Platform& platform_;
  std::set<int> servers_;
};

/// "server0.gpu0 to server0.gpu7, …": the names of parts of the first server, by kind, and what
/// else there is.
std::string parts_in_words(const MachinePart& part, int servers) {
  const std::vector<Component>& all = part.components();
  const std::string server = all.front().name.substr(0, all.front().name.find('.') + 1);
  std::map<ComponentKind, std::vector<std::string>> names;
  for (const Component& one : all) {
    if (one.name.starts_with(server)) names[one.kind].push_back(one.name);
  }
  std::string text;
  for (const auto& [kind, of_kind] : names) {
    if (!text.empty()) text += ", ";
    text += of_kind.front();
    if (of_kind.size() > 1) text += " to " + of_kind.back();
  }
  if (servers == 1) return text;
  return fmt::format("{}; or of another server, up to server{}; or a switch", text, servers - 1);
}

/// Builds the outline: a represented rank for every transfer, which waits until it is due and then
/// does nothing else.
class Builder {
 public:
  Builder(const MachinePart& part, const Platform& platform) : part_(part), platform_(platform) {}

  void copy(const Copy& copy) {
    const int from = component("from", copy.from, copy.where_from);
    const int to = component("to", copy.to, copy.where_to);
    if (from < 0 || to < 0) return;
    const std::optional<CopyPath> path = part_.copy(from, to);
    if (!path) {
      errors_.push_back(
          fmt::format("{}: to: no links lead from {} to {}; expected parts that the "
                      "system joins (`orrery check FILE --draw` prints its links)",
                      copy.where_to.text(), copy.from, copy.to));
      return;
    }
    CollectiveUse use;
    use.request.kind = CollectiveKind::SendRecv;
    use.request.bytes = copy.bytes;
    use.request.layout.ranks = 2;
    use.request.layout.placed = true;
    GroupLinks& links = use.request.layout.between.ring;
    links = {.bandwidth = path->bandwidth,
             .latency = path->latency,
             .uses = placed(ResourceUses(path->uses))};
    use.cost = {.latency = path->latency,
                .transfer = copy.bytes / path->bandwidth,
                .flows = {{copy.bytes, links.uses}},
                .algorithm = "copy"};
    const Resource& limit = part_.resources()[static_cast<std::size_t>(path->limit)];
    add(fmt::format("{} > {}", copy.from, copy.to), copy.bytes, copy.at, limit.name,
        std::move(use));
  }

  void collective(const PlacedCollective& collective, const std::vector<int>& devices) {
    CollectiveUse use;
    use.request = collective.request;
    GroupLayout& layout = use.request.layout;
    layout = part_.layout(devices, collective.request.kind);
    if (!joined(layout)) {
      errors_.push_back(fmt::format("{}: devices: {}", collective.devices.front().where.text(),
                                    apart_in_words(devices, platform_)));
      return;
    }
    // A part's layout is of one pattern, whose links stand as the ring's.
    for (GroupLinks* links : {&layout.within.ring, &layout.between.ring}) {
      links->uses = placed(links->uses);
    }
    add(fmt::format("{} of {}", to_text(collective.request.kind), devices.size()),
        collective.request.bytes, collective.at, "", std::move(use));
  }

  LoweredWorkload finish() {
    if (!errors_.empty()) throw ConfigError(std::move(errors_));
    lowered_.regime = OperatingPoint::Regime::Burst;
    return std::move(lowered_);
  }

 private:
  int component(const char* key, const std::string& name, const Location& where) {
    const int found = part_.find(name);
    if (found >= 0) return found;
    std::vector<std::string> names;
    for (const Component& one : part_.components()) names.push_back(one.name);
    errors_.push_back(
        fmt::format("{}: {}: the system has no part '{}'; expected {}{}", where.text(), key, name,
                    parts_in_words(part_, platform_.servers()), did_you_mean(name, names)));
    return -1;
  }

  /// Uses of the part's resources as indices into those of the outline, which holds what is used.
  ResourceUses placed(const ResourceUses& uses) {
    std::vector<ResourceUse> result;
    for (const ResourceUse& use : uses) {
      auto& resources = lowered_.outline.resources;
      const auto [known, added] =
          index_.try_emplace(use.resource, static_cast<std::uint32_t>(resources.size()));
      if (added) resources.push_back(part_.resources()[use.resource]);
      result.push_back({known->second, use.per_byte});
    }
    return result;
  }

  void add(std::string name, Bytes bytes, Seconds at, std::string limit, CollectiveUse use) {
    Outline& outline = lowered_.outline;
    Sequence sequence(outline);
    if (at > Seconds(0)) sequence.host(at);
    outline.collectives.push_back(std::move(use));
    sequence.blocking(static_cast<std::uint32_t>(outline.collectives.size() - 1), Tile::DataComm);
    Routine routine = sequence.finish();
    const auto rank = static_cast<std::uint32_t>(outline.ranks.size());
    RepresentedRank& represented = outline.ranks.emplace_back();
    represented.name = name;
    // A meeting of its own: what others may hold up is never taken together with what it follows.
    represented.meetings = {static_cast<std::int32_t>(rank)};
    outline.passes.push_back({.rank = rank, .routine = outline.add(std::move(routine))});
    lowered_.transfers.push_back(
        {.name = std::move(name), .bytes = bytes, .at = at, .limit = std::move(limit)});
  }

  const MachinePart& part_;
  const Platform& platform_;
  LoweredWorkload lowered_;
  std::map<std::uint32_t, std::uint32_t> index_;
  std::vector<std::string> errors_;
};

class TransfersWorkload final : public Workload {
 public:
  TransfersWorkload(std::vector<Copy> copies, std::vector<PlacedCollective> collectives)
      : copies_(std::move(copies)), collectives_(std::move(collectives)) {}

  JobLayout layout(const Platform&) const override { return {}; }

 protected:
  std::optional<LoweredWorkload> place(const Platform& platform) const override {
    NamedServers servers(platform);
    for (const Copy& copy : copies_) {
      servers.add(copy.from);
      servers.add(copy.to);
    }
    std::vector<std::vector<int>> groups;
    for (const PlacedCollective& one : collectives_) {
      groups.push_back(devices_of(one.devices, platform));
      std::sort(groups.back().begin(), groups.back().end());
      for (const int device : groups.back()) servers.add(device);
    }
    const std::vector<int> involved = servers.all();
    const MachinePart part = platform.part(involved);
    Builder builder(part, platform);
    for (const Copy& copy : copies_) builder.copy(copy);
    for (std::size_t i = 0; i < collectives_.size(); ++i) {
      builder.collective(collectives_[i], groups[i]);
    }
    LoweredWorkload lowered = builder.finish();
    for (const int server : involved) {
      for (int i = 0; i < platform.devices_per_server(); ++i) {
        lowered.work.device_list.push_back(server * platform.devices_per_server() + i);
      }
    }
    lowered.work.devices = static_cast<int>(lowered.work.device_list.size());
    return lowered;
  }

  LoweredWorkload build(const FoldedJob&, const LowerOptions&) const override { return {}; }

 private:
  std::vector<Copy> copies_;
  std::vector<PlacedCollective> collectives_;
};

// A later start would leave no digits for what takes microseconds.
constexpr schema::Within<Seconds> kLatestStart = schema::within(Seconds(0), Seconds(1e6));

const Schema<Copy>& copy_schema() {
  using namespace schema;
  static const Schema<Copy> result(
      "copy",
      {required("from", &Copy::from, "a component by its name, such as `server0.gpu0`"),
       required("to", &Copy::to, "likewise, such as `server0.ssd0`"),
       required("bytes", &Copy::bytes, positive, "that are moved"),
       optional("at", &Copy::at, kLatestStart, "when it begins")},
      [](Reader& reader, Copy& copy) {
        copy.where_from = reader.where("from");
        copy.where_to = reader.where("to");
      });
  return result;
}

const Schema<PlacedCollective>& placed_collective_schema() {
  using namespace schema;
  using P = PlacedCollective;
  using R = CollectiveRequest;
  static const std::vector<Binding<R>> request = {
      required("operation", &R::kind, collective_choices(), "what runs"),
      required("bytes", &R::bytes, positive, "as nccl-tests counts them"),
      optional("dtype", &R::dtype, dtype_choices(), "of what is reduced")};
  static const Schema<P> result(
      "collective", inlined(&P::request, request) +
                        std::vector{custom<P>({.key = "devices",
                                               .list = true,
                                               .doc = "numbers or names; rank i is on the i-th"},
                                              [](Reader& reader, P& spec) {
                                                spec.devices = read_devices(reader, true);
                                              }),
                                    optional("at", &P::at, kLatestStart, "when it begins")});
  return result;
}

struct TransfersKeys {
  std::vector<Copy> copies;
  std::vector<PlacedCollective> collectives;
};

// Each is compared with all that it may share something with.
constexpr std::size_t kMostTransfers = 2'000;

void check_transfers(Reader& reader, const TransfersKeys& keys) {
  const std::size_t count = keys.copies.size() + keys.collectives.size();
  if (count > kMostTransfers) {
    const char* key = keys.copies.size() > keys.collectives.size() ? "copies" : "collectives";
    reader.error(key, fmt::format("{}: expected at most {} transfers in all; got {}", key,
                                  kMostTransfers, count));
  }
  if (count > 0) return;
  reader.error("copies",
               "copies: expected transfers such as {from: server0.gpu0, to: server0.ssd0, bytes: "
               "10 GB}, or 'collectives'; got none");
}

const Schema<TransfersKeys>& transfers_schema() {
  using namespace schema;
  using T = TransfersKeys;
  static const Schema<T> result(
      "transfers",
      {optional("copies", &T::copies, &copy_schema(), "from one component to another"),
       optional("collectives", &T::collectives, &placed_collective_schema(), "beside them")},
      check_transfers);
  return result;
}

}  // namespace
}  // namespace workload

const Table& transfers_table() { return workload::transfers_schema().table(); }

std::unique_ptr<const Workload> make_transfers(Reader& reader) {
  reader.ignore("kind");
  workload::TransfersKeys keys = workload::transfers_schema().read(reader);
  return std::make_unique<workload::TransfersWorkload>(std::move(keys.copies),
                                                       std::move(keys.collectives));
}

}  // namespace orrery
