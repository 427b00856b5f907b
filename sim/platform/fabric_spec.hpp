#pragma once
/// What a `fabric` map says, and how the fabric is laid out for a number of servers.

#include <optional>
#include <vector>

#include <orrery/quantity.hpp>
#include <orrery/schema.hpp>

#include "platform/power_spec.hpp"

namespace orrery {

struct ServerSpec;
struct PlatformSpec;

struct SwitchSpec {
  int ports = 0;
  BytesPerSecond port_bandwidth{};
  Seconds latency{};  ///< port to port
  std::optional<DrawSpec> power;
  Watts optics{};  ///< in one port that is used
};

/// How flows are put on equal paths.
struct RoutingSpec {
  /// Adaptive: packet by packet, no collisions. Ecmp: a hash puts every flow on a random path.
  /// Static: flows are dealt out evenly, but none is divided.
  enum class Kind { Adaptive, Ecmp, Static };
  /// Of a dragonfly: the direct global links, a random group in between, or the better of both.
  enum class Paths { Minimal, Valiant, Ugal };
  Kind kind = Kind::Adaptive;
  Paths paths = Paths::Minimal;
  int flows_per_nic = 1;  ///< connections that a message is split over evenly
  double efficiency = 1;  ///< ratio of what links with several routes give to what they carry
};

/// Servers that share a leaf, or with rails a set of leaves, or a router, are a unit; units that
/// share spines, or a dragonfly's group, are a pod. Servers fill units and pods in order.
struct FabricSpec {
  enum class Kind { FatTree, Dragonfly };
  Kind kind = Kind::FatTree;
  SwitchSpec leaf;  ///< or router of a dragonfly
  std::optional<SwitchSpec> spine, core;
  Seconds cable_latency{};
  Seconds global_cable_latency{};  ///< of a dragonfly, between groups
  bool rails = false;              ///< NIC i of every server of a unit goes to leaf i of it
  double oversubscription =
      1;  ///< ratio of what servers may send into a leaf to what its uplinks carry
  double core_oversubscription = 1;  ///< likewise of leaves and a spine
  bool in_network_reduction = false;
  RoutingSpec routing;

  int servers_per_leaf = 1;  ///< of a unit
  int servers_per_pod = 1;
  int units = 1;
  int pods = 1;

  // A fat tree. A rail has spines and cores of its own; without rails there is one "rail".
  int leaves_per_unit = 1;
  int uplinks_per_leaf = 0;
  int spines_per_rail = 0;   ///< in a pod; 0 in a machine of one unit
  int cables_per_spine = 0;  ///< from one leaf to one spine, used as one link
  int uplinks_per_spine = 0;
  int cores_per_spine = 0;  ///< spine i of every pod has the same cores; 0 with one pod
  int cables_per_core = 0;

  // A dragonfly; its pods are the groups that are built, filled or not.
  int routers_per_group = 1;
  int local_links = 1;  ///< between two routers of a group, used as one
  int global_links_per_router = 0;
  int links_per_group_pair = 0;

  /// The spines of a pod's rail are one component, and the cores above it: traffic is spread over
  /// them.
  bool bundled = false;

  [[nodiscard]] int units_per_pod() const { return servers_per_pod / servers_per_leaf; }
};

/// The same fabric with its spines and cores as bundles.
FabricSpec bundled(FabricSpec fabric);

const Schema<FabricSpec>& fabric_schema();
/// What the ports allow, for keys that `fabric` leaves out; what they do not goes to its
/// diagnostics.
void complete_fabric(Reader& fabric, const ServerSpec& server, FabricSpec& spec);
/// Lays the fabric out for so many servers. What does not fit is reported at `servers` of `system`.
void wire_fabric(FabricSpec& fabric, const PlatformSpec& platform, Reader& system);

const Schema<SwitchSpec>& switch_schema();
/// The parts of the above that differ: keys, limits of ports, numbers of switches.
std::vector<Binding<FabricSpec>> fat_tree_fields();
void complete_fat_tree(Reader& reader, const ServerSpec& server, FabricSpec& fabric);
void wire_fat_tree(FabricSpec& fabric, const PlatformSpec& platform, Reader& system);
std::vector<Binding<FabricSpec>> dragonfly_fields();
void complete_dragonfly(Reader& reader, const ServerSpec& server, FabricSpec& fabric);
void wire_dragonfly(FabricSpec& fabric, const PlatformSpec& platform, Reader& system);

}  // namespace orrery
