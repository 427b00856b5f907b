#include "platform/scale_out.hpp"

#include <algorithm>
#include <numeric>

namespace orrery {
namespace {

constexpr double kUncrossed = 1e30;  // bytes/s, of what nothing crosses

/// Counts how a sorted sequence of servers falls into blocks of equal size.
class Blocks {
 public:
  explicit Blocks(int size) : size_(size) {}

  void add(int server) {
    const int block = server / size_;
    if (count_ == 0) first_ = block;
    if (count_ > 0 && block == last_) {
      ++in_block_;
    } else {
      if (count_ > 0) ++steps_;
      within_ += in_block_ * (in_block_ - 1);
      in_block_ = 1;
      ++blocks_;
    }
    last_ = block;
    ++count_;
  }

  [[nodiscard]] int blocks() const { return blocks_; }
  /// Of the hops of a closed ring.
  [[nodiscard]] double neighbours() const {
    return (steps_ + (first_ != last_ ? 1 : 0)) / static_cast<double>(count_);
  }
  /// Of all ordered pairs.
  [[nodiscard]] double pairs() const {
    const double servers = count_;
    const double within = within_ + in_block_ * (in_block_ - 1);
    return 1 - within / (servers * (servers - 1));
  }

 private:
  int size_;
  int count_ = 0, blocks_ = 0, first_ = -1, last_ = -1;
  double steps_ = 0, in_block_ = 0, within_ = 0;
};

enum class Traffic { Neighbours, Pairs };

/// What the loads below are computed from.
struct Scene {
  const PlatformSpec& spec;
  const FabricSpec& fabric;
  const std::vector<LinkBundle>& links;
  const Span& span;
  const Collisions& collisions;
  Traffic traffic;

  [[nodiscard]] const Crossing& crossing() const {
    return traffic == Traffic::Neighbours ? span.neighbours : span.pairs;
  }
  /// What links in `bundles` bundles, of which every NIC behind them uses `share`, let each send.
  [[nodiscard]] BytesPerSecond through(const LinkBundle& one, double share,
                                       double bundles = 1) const {
    const double links_behind = one.cables * bundles;
    return rate_through({.per_nic = one.cable.bandwidth * links_behind / one.nics,
                         .share = share,
                         .nics = one.nics,
                         .links = std::max(1.0, links_behind),
                         .peers = traffic == Traffic::Pairs ? span.servers - 1.0 : 1.0},
                        fabric.routing, collisions);
  }
};

/// What every bundle lets each NIC send, in the order of link_bundles(); kUncrossed where nothing
/// crosses.
using BundleRates = std::vector<BytesPerSecond>;

BytesPerSecond least(const BundleRates& rates) {
  return std::accumulate(rates.begin(), rates.end(), BytesPerSecond(kUncrossed),
                         [](BytesPerSecond a, BytesPerSecond b) { return min(a, b); });
}

BundleRates fat_tree_rates(const Scene& scene) {
  const Crossing& crossing = scene.crossing();
  BundleRates rates;
  for (const LinkBundle& one : scene.links) {
    const bool leaf = one.kind == FabricLinks::LeafUplinks;
    rates.push_back(scene.through(one, leaf ? crossing.unit : crossing.pod));
  }
  return rates;
}

/// Minimal: one hop in the group for traffic that stays there, up to one before and one after the
/// global link; neighbours in order load one link to the next router and those to the next group.
/// Valiant: two hops in the group, three around two global links, all spread.
class DragonflyRates {
 public:
  DragonflyRates(const Scene& scene, bool valiant)
      : scene_(scene),
        routers_(scene.fabric.routers_per_group),
        neighbours_(scene.traffic == Traffic::Neighbours),
        spread_(valiant && routers_ > 2),
        detour_(valiant && scene.fabric.pods > 2) {}

  [[nodiscard]] BundleRates rates() const {
    BundleRates result;
    for (const LinkBundle& one : scene_.links) {
      result.push_back(one.kind == FabricLinks::RouterLinks ? local(one) : global(one));
    }
    return result;
  }

 private:
  [[nodiscard]] BytesPerSecond local(const LinkBundle& one) const {
    const Crossing& crossing = scene_.crossing();
    const double inside = crossing.unit - crossing.pod;
    const double others = std::max(1.0, routers_ - 1);
    const bool concentrated = neighbours_ && !spread_;
    const double hops = (spread_ ? 2.0 : 1.0) * inside / (concentrated ? 1.0 : others) +
                        (detour_ ? 3.0 : 2.0) * crossing.pod / routers_;
    return hops > 0 ? one.bandwidth() / (one.nics * hops) : BytesPerSecond(kUncrossed);
  }

  [[nodiscard]] BytesPerSecond global(const LinkBundle& one) const {
    const double crossing = scene_.crossing().pod;
    if (crossing <= 0) return BytesPerSecond(kUncrossed);
    const double groups = detour_ ? scene_.fabric.pods - 1 : neighbours_ ? 1 : scene_.span.pods - 1;
    return scene_.through(one, (detour_ ? 2.0 : 1.0) * crossing, groups);
  }

  const Scene& scene_;
  double routers_;
  bool neighbours_, spread_, detour_;
};

BundleRates fabric_rates(const Scene& scene) {
  using Paths = RoutingSpec::Paths;
  if (scene.fabric.kind == FabricSpec::Kind::FatTree) return fat_tree_rates(scene);
  const Paths paths = scene.fabric.routing.paths;
  BundleRates chosen = DragonflyRates(scene, paths == Paths::Valiant).rates();
  if (paths != Paths::Ugal) return chosen;
  BundleRates detour = DragonflyRates(scene, true).rates();
  return least(detour) > least(chosen) ? detour : chosen;
}

// What a device takes when all of the machine send: the way to its NICs, their ports, and the links
// between switches.
std::vector<ResourceUse> resources_of(const Scene& scene, const NicUse& nics,
                                      const ResourceTable& table) {
  std::vector<ResourceUse> use = table.use_of(nics.together);
  double busiest = 0;
  for (const auto& [nic, share] : nics.ports) busiest = std::max(busiest, share);
  use.push_back(table.use(table.nic(), busiest));
  const double nics_per_device = scene.spec.server.nics_per_device();
  const BundleRates rates = fabric_rates(scene);
  for (std::size_t i = 0; i < rates.size(); ++i) {
    if (rates[i] >= BytesPerSecond(kUncrossed)) continue;
    use.push_back(
        table.use(table.bundle(i), scene.links[i].bandwidth() / (rates[i] * nics_per_device)));
  }
  return use;
}

}  // namespace

Span::Span(std::span<const int> devices, const PlatformSpec& spec) {
  Blocks in_units(spec.fabric->servers_per_leaf);
  Blocks in_pods(spec.fabric->servers_per_pod);
  int previous = -1;
  for (const int device : devices) {
    const int server = device / spec.server.devices;
    if (server == previous) continue;
    in_units.add(server);
    in_pods.add(server);
    previous = server;
    ++servers;
  }
  pods = in_pods.blocks();
  neighbours = {.unit = in_units.neighbours(), .pod = in_pods.neighbours()};
  pairs = {.unit = in_units.pairs(), .pod = in_pods.pairs()};
  reach = pods > 1 ? Reach::OtherPod : in_units.blocks() > 1 ? Reach::SamePod : Reach::SameLeaf;
}

void set_scale_out_bandwidth(GroupLayout& layout, const Span& span, const PlatformSpec& spec,
                             const NicUse& nics, const Fabric& fabric) {
  const ResourceTable& table = fabric.table;
  const auto scene = [&](Traffic traffic) {
    return Scene{spec, *spec.fabric, table.bundles(), span, fabric.collisions, traffic};
  };
  layout.out = resources_of(scene(Traffic::Neighbours), nics, table);
  layout.scale_out = bandwidth_of(layout.out);
  layout.pairs = resources_of(scene(Traffic::Pairs), nics, table);
  layout.scale_out_all_to_all = bandwidth_of(layout.pairs);
  std::vector<ResourceUse> alone = table.use_of(nics.own);
  alone.push_back(table.use(table.nic(), 1.0 / static_cast<double>(nics.ports.size())));
  layout.scale_out_alone = bandwidth_of(alone);
}

Seconds detour_latency(Reach reach, const FabricSpec& fabric) {
  const bool direct = fabric.kind != FabricSpec::Kind::Dragonfly ||
                      fabric.routing.paths != RoutingSpec::Paths::Valiant;
  if (direct || reach == Reach::SameLeaf || reach == Reach::SameServer) return {};
  const Seconds local = fabric.leaf.latency + fabric.cable_latency;
  if (reach == Reach::SamePod) return fabric.routers_per_group > 2 ? local : Seconds(0);
  if (fabric.pods <= 2) return {};
  return local + fabric.leaf.latency + fabric.global_cable_latency;
}

}  // namespace orrery
