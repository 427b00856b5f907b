#include "platform/scale_out.hpp"

#include <algorithm>

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

/// The least of what leaves and spines let every NIC send.
BytesPerSecond fat_tree_rate(const Scene& scene) {
  const FabricSpec& fabric = scene.fabric;
  const BytesPerSecond port = min(scene.spec.server.nic.bandwidth, fabric.leaf.port_bandwidth);
  const double nics = nics_per_leaf(scene);
  const Cut leaf{.per_nic = port / fabric.oversubscription,
                 .share = scene.crossing().unit,
                 .nics = nics,
                 .links = static_cast<double>(std::max(1, fabric.uplinks_per_leaf))};
  const BytesPerSecond rate = scene.through(leaf);
  if (fabric.pods == 1) return rate;
  // Each spine takes its part of the NICs of a pod's rail.
  const Cut spine{.per_nic = leaf.per_nic / fabric.core_oversubscription,
                  .share = scene.crossing().pod,
                  .nics = nics * fabric.units_per_pod() / fabric.spines_per_rail,
                  .links = static_cast<double>(fabric.uplinks_per_spine)};
  return min(rate, scene.through(spine));
}

/// Minimal: one hop in the group for traffic that stays there, up to one before and one after the
/// global link; neighbours in order load one link to the next router and those to the next group.
/// Valiant: two hops in the group, three around two global links, all spread.
BytesPerSecond dragonfly_rate(const Scene& scene, bool valiant) {
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
  BytesPerSecond rate{1e30};
  if (routers > 1 && local_load > 0) {
    rate = fabric.leaf.port_bandwidth * static_cast<double>(fabric.local_links) / local_load;
  }
  if (fabric.pods == 1 || crossing.pod <= 0) return rate;
  const double targets = detour                                 ? fabric.pods - 1
                         : scene.traffic == Traffic::Neighbours ? 1
                                                                : scene.span.pods - 1;
  const double links = fabric.links_per_group_pair * targets;
  const Cut global{.per_nic = fabric.leaf.port_bandwidth * links / (nics * routers),
                   .share = (detour ? 2.0 : 1.0) * crossing.pod,
                   .nics = nics * routers,
                   .links = links};
  return min(rate, scene.through(global));
}

BytesPerSecond fabric_rate(const Scene& scene) {
  using Paths = RoutingSpec::Paths;
  if (scene.fabric.kind == FabricSpec::Kind::FatTree) return fat_tree_rate(scene);
  const Paths paths = scene.fabric.routing.paths;
  const BytesPerSecond chosen = dragonfly_rate(scene, paths == Paths::Valiant);
  return paths == Paths::Ugal ? max(chosen, dragonfly_rate(scene, true)) : chosen;
}

/// What one NIC moves between its devices and its leaf.
BytesPerSecond nic_bandwidth(const PlatformSpec& spec) {
  return min(min(spec.server.nic.bandwidth, spec.server.pcie.bandwidth),
             spec.fabric->leaf.port_bandwidth);
}

/// What PCIe lets every device send at once. Where some switches have no NIC, their devices share
/// the wire to the socket.
BytesPerSecond pcie_share(const ServerSpec& server) {
  if (server.nics >= server.pcie_switches()) return server.pcie.bandwidth;
  return server.pcie.bandwidth / static_cast<double>(server.devices_per_pcie_switch);
}

BytesPerSecond device_share(const Scene& scene) {
  const PlatformSpec& spec = scene.spec;
  const BytesPerSecond nic = min(nic_bandwidth(spec), fabric_rate(scene));
  return min(nic * spec.server.nics_per_device(), pcie_share(spec.server));
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
                             const Collisions& collisions) {
  const FabricSpec& fabric = *spec.fabric;
  layout.scale_out = device_share({spec, fabric, span, collisions, Traffic::Neighbours});
  layout.scale_out_all_to_all = device_share({spec, fabric, span, collisions, Traffic::Pairs});
  layout.scale_out_alone = min(nic_bandwidth(spec) * std::max(1.0, spec.server.nics_per_device()),
                               spec.server.pcie.bandwidth);
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
