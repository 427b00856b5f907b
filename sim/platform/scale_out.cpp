#include "platform/scale_out.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

namespace orrery {
namespace {

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
      if (count_ > 0) counts_.push_back(in_block_);
      in_block_ = 1;
      ++blocks_;
    }
    last_ = block;
    ++count_;
  }

  [[nodiscard]] int blocks() const { return blocks_; }
  /// The most in one block, and the traffic of pairs that leaves one at most, in servers' worth.
  [[nodiscard]] double most() const {
    return std::max(in_block_,
                    counts_.empty() ? 0.0 : *std::max_element(counts_.begin(), counts_.end()));
  }
  [[nodiscard]] double most_pairs() const {
    double most = in_block_ * (count_ - in_block_);
    for (const double count : counts_) most = std::max(most, count * (count_ - count));
    return most / (count_ - 1);
  }
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
  std::vector<double> counts_;  // of all blocks but the last
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
  const NicLoad& load;

  [[nodiscard]] const Crossing& crossing() const {
    return traffic == Traffic::Neighbours ? span.neighbours : span.pairs;
  }
  /// Ratio of the NICs of a server of the group that send, of those behind one bundle.
  [[nodiscard]] double sending() const {
    const double nics = spec.server.nics;
    const double rails = fabric.rails ? fabric.leaves_per_unit : 1;
    return std::min(1.0, load.used * rails / nics);
  }
  /// Ratio of the traffic of all NICs behind the busiest bundle that crosses it: out of a unit, or
  /// out of a pod.
  [[nodiscard]] double crossing_unit() const {
    if (!load.alone) return crossing().unit;
    const Busiest& most = span.busiest;
    const double servers = traffic == Traffic::Neighbours ? most.neighbours.unit : most.pairs.unit;
    return servers * sending() / fabric.servers_per_leaf;
  }
  [[nodiscard]] double crossing_pod() const {
    if (!load.alone) return crossing().pod;
    const Busiest& most = span.busiest;
    const double servers = traffic == Traffic::Neighbours ? most.neighbours.pod : most.pairs.pod;
    return servers * sending() / fabric.servers_per_pod;
  }
  /// Ratio of the NICs of a unit, and of a pod, that send.
  [[nodiscard]] double sending_unit() const {
    return load.alone ? span.busiest.servers.unit * sending() / fabric.servers_per_leaf : 1.0;
  }
  [[nodiscard]] double sending_pod() const {
    return load.alone ? span.busiest.servers.pod * sending() / fabric.servers_per_pod : 1.0;
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
  return std::accumulate(rates.begin(), rates.end(), kUncrossed,
                         [](BytesPerSecond a, BytesPerSecond b) { return min(a, b); });
}

BundleRates fat_tree_rates(const Scene& scene) {
  BundleRates rates;
  for (const LinkBundle& one : scene.links) {
    const bool leaf = one.kind == FabricLinks::LeafUplinks;
    rates.push_back(scene.through(one, leaf ? scene.crossing_unit() : scene.crossing_pod()));
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
    const double hops =
        scene_.sending_unit() * (spread_ ? 2.0 : 1.0) * inside / (concentrated ? 1.0 : others) +
        scene_.sending_pod() * (detour_ ? 3.0 : 2.0) * crossing.pod / routers_;
    return hops > 0 ? one.bandwidth() / (one.nics * hops) : kUncrossed;
  }

  [[nodiscard]] BytesPerSecond global(const LinkBundle& one) const {
    const double crossing = scene_.sending_pod() * scene_.crossing().pod;
    if (crossing <= 0) return kUncrossed;
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

// What a device takes that sends `sent`: the way to its NICs, their ports, and the links between
// switches.
std::vector<ResourceUse> resources_of(const Scene& scene, double sent, const ResourceTable& table) {
  const NicUse& nics = scene.load.nics;
  std::vector<ResourceUse> use = table.use_of(nics.together);
  double busiest = 0;
  for (const auto& [nic, share] : nics.ports) busiest = std::max(busiest, share);
  use.push_back(table.use(table.nic(), busiest));
  const BundleRates rates = fabric_rates(scene);
  for (std::size_t i = 0; i < rates.size(); ++i) {
    if (rates[i] >= kUncrossed) continue;
    use.push_back(table.use(table.bundle(i),
                            scene.links[i].bandwidth() / (rates[i] * scene.load.nics_per_rank)));
  }
  for (ResourceUse& one : use) one.per_byte *= sent;
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
  busiest = {.neighbours = {.unit = in_units.blocks() > 1 ? 1.0 : 0.0, .pod = pods > 1 ? 1.0 : 0.0},
             .pairs = {.unit = in_units.most_pairs(), .pod = in_pods.most_pairs()},
             .servers = {.unit = in_units.most(), .pod = in_pods.most()}};
  reach = pods > 1 ? Reach::OtherPod : in_units.blocks() > 1 ? Reach::SamePod : Reach::SameLeaf;
}

void ScaleOut::add(const NicLoad& server) {
  const ResourceTable& table = fabric_.table;
  const auto keep_slower = [&](Traffic traffic, double sent, std::vector<ResourceUse>& kept) {
    const Scene scene{spec_,   *spec_.fabric, table.bundles(), span_, fabric_.collisions,
                      traffic, server};
    std::vector<ResourceUse> use = resources_of(scene, sent, table);
    if (kept.empty() || bandwidth_of(use) < bandwidth_of(kept)) kept = std::move(use);
  };
  keep_slower(Traffic::Neighbours, server.to_next, out_);
  keep_slower(Traffic::Pairs, server.to_all, pairs_);
  std::vector<ResourceUse> one = table.use_of(server.nics.own);
  one.push_back(table.use(table.nic(), 1.0 / static_cast<double>(server.nics.ports.size())));
  const BytesPerSecond rate = bandwidth_of(one);
  alone_ = alone_ > BytesPerSecond(0) ? min(alone_, rate) : rate;
}

LinksBetween ScaleOut::links(Seconds latency) const {
  return {.ring = {.bandwidth = bandwidth_of(out_), .latency = latency, .uses = out_},
          .to_all = {.bandwidth = bandwidth_of(pairs_), .latency = latency, .uses = pairs_},
          .alone = alone_};
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
