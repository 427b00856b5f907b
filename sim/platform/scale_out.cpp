#include "platform/scale_out.hpp"

#include <algorithm>

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

/// What the rates below are computed from.
struct Scene {
  const PlatformSpec& spec;
  const FabricSpec& fabric;
  const Span& span;
  const Collisions& collisions;
  Traffic traffic;

  [[nodiscard]] const Crossing& crossing() const {
    return traffic == Traffic::Neighbours ? span.neighbours : span.pairs;
  }
  [[nodiscard]] BytesPerSecond through(Cut cut) const {
    if (traffic == Traffic::Pairs) cut.peers = span.servers - 1;
    return rate_through(cut, fabric.routing, collisions);
  }
};

double nics_per_leaf(const Scene& scene) {
  const int per_server = scene.fabric.rails ? 1 : scene.spec.server.nics;
  return static_cast<double>(scene.fabric.servers_per_leaf) * per_server;
}

/// What links of the fabric let every NIC send.
struct CutRate {
  FabricCut cut = FabricCut::Leaf;
  BytesPerSecond rate{};
};
using CutRates = std::vector<CutRate>;

BytesPerSecond least(const CutRates& rates) {
  BytesPerSecond result{kUncrossed};
  for (const CutRate& one : rates) result = min(result, one.rate);
  return result;
}

CutRates fat_tree_rates(const Scene& scene) {
  const FabricSpec& fabric = scene.fabric;
  const BytesPerSecond port = min(scene.spec.server.nic.bandwidth, fabric.leaf.port_bandwidth);
  const double nics = nics_per_leaf(scene);
  const Cut leaf{.per_nic = port / fabric.oversubscription,
                 .share = scene.crossing().unit,
                 .nics = nics,
                 .links = static_cast<double>(std::max(1, fabric.uplinks_per_leaf))};
  CutRates rates{{FabricCut::Leaf, scene.through(leaf)}};
  if (fabric.pods == 1) return rates;
  // Each spine takes its part of the NICs of a pod's rail.
  const Cut spine{.per_nic = leaf.per_nic / fabric.core_oversubscription,
                  .share = scene.crossing().pod,
                  .nics = nics * fabric.units_per_pod() / fabric.spines_per_rail,
                  .links = static_cast<double>(fabric.uplinks_per_spine)};
  rates.push_back({FabricCut::Spine, scene.through(spine)});
  return rates;
}

/// Minimal: one hop in the group for traffic that stays there, up to one before and one after the
/// global link; neighbours in order load one link to the next router and those to the next group.
/// Valiant: two hops in the group, three around two global links, all spread.
CutRates dragonfly_rates(const Scene& scene, bool valiant) {
  const FabricSpec& fabric = scene.fabric;
  const double routers = fabric.routers_per_group;
  const double nics = static_cast<double>(fabric.servers_per_leaf) * scene.spec.server.nics;
  const Crossing& crossing = scene.crossing();
  const double inside = crossing.unit - crossing.pod;
  const bool spread = valiant && routers > 2;
  const bool detour = valiant && fabric.pods > 2;
  const double others = std::max(1.0, routers - 1);
  // Load of one link between two routers, in rates of a NIC.
  const bool concentrated = scene.traffic == Traffic::Neighbours && !spread;
  const double local_load = nics * ((spread ? 2.0 : 1.0) * inside / (concentrated ? 1.0 : others) +
                                    (detour ? 3.0 : 2.0) * crossing.pod / routers);
  CutRates rates;
  if (routers > 1 && local_load > 0) {
    rates.push_back({FabricCut::Local, fabric.leaf.port_bandwidth *
                                           static_cast<double>(fabric.local_links) / local_load});
  }
  if (fabric.pods == 1 || crossing.pod <= 0) return rates;
  const double targets = detour                                 ? fabric.pods - 1
                         : scene.traffic == Traffic::Neighbours ? 1
                                                                : scene.span.pods - 1;
  const double links = fabric.links_per_group_pair * targets;
  const Cut global{.per_nic = fabric.leaf.port_bandwidth * links / (nics * routers),
                   .share = (detour ? 2.0 : 1.0) * crossing.pod,
                   .nics = nics * routers,
                   .links = links};
  rates.push_back({FabricCut::Global, scene.through(global)});
  return rates;
}

CutRates fabric_rates(const Scene& scene) {
  using Paths = RoutingSpec::Paths;
  if (scene.fabric.kind == FabricSpec::Kind::FatTree) return fat_tree_rates(scene);
  const Paths paths = scene.fabric.routing.paths;
  CutRates chosen = dragonfly_rates(scene, paths == Paths::Valiant);
  if (paths != Paths::Ugal) return chosen;
  CutRates detour = dragonfly_rates(scene, true);
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
  for (const CutRate& one : fabric_rates(scene)) {
    if (one.rate >= BytesPerSecond(kUncrossed)) continue;
    const std::uint32_t cut = table.cut(one.cut);
    use.push_back(table.use(cut, table.all()[cut].capacity / (one.rate * nics_per_device)));
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
    return Scene{spec, *spec.fabric, span, fabric.collisions, traffic};
  };
  layout.out = resources_of(scene(Traffic::Neighbours), nics, table);
  layout.scale_out = bandwidth_of(layout.out);
  layout.scale_out_all_to_all = bandwidth_of(resources_of(scene(Traffic::Pairs), nics, table));
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
