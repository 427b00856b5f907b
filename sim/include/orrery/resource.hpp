#pragma once
/// What operations share: the capacities of a machine's parts.

#include <string>

#include <orrery/quantity.hpp>

namespace orrery {

enum class ResourceKind {
  Hbm,
  ScaleUpPort,  ///< NVLink, or all links of a device in a torus
  PcieLink,
  SocketLink,
  Dram,
  Nic,  ///< an adapter's port, with the cable to its leaf
  Drive,
  FabricLinks  ///< uplinks of a leaf, a pod's spines, links between routers
};
const char* to_text(ResourceKind kind);

/// A capacity, one direction of a link where it has two. Immutable.
struct Resource {
  std::string name;  ///< by the machine's formula: "server0.gpu1>server0.pcie_switch0"
  ResourceKind kind = ResourceKind::PcieLink;
  BytesPerSecond capacity{};
  Seconds latency{};
  int link = -1;            ///< in the graph that it comes from; -1 for several links as one
  double multiplicity = 1;  ///< such resources in the whole machine
  /// What the part that it belongs to draws through it at rest and at full activity: each direction
  /// of an adapter, a drive, a switch port takes its share. Zero where the part does not say it.
  Watts idle{}, busy{};
};

}  // namespace orrery
