#pragma once
/// What a `system` entry says, in numbers.

#include <memory>
#include <string>

#include <orrery/platform.hpp>

namespace orrery {

struct ScaleUpSpec {
  bool present = false;            ///< false: devices reach one another through PCIe
  BytesPerSecond bandwidth{};      ///< per device and direction
  Seconds latency{};               ///< device to switch
  int switches = 0;
  bool in_switch_reduction = false;
};

struct NicSpec {
  BytesPerSecond bandwidth{};      ///< per direction
  Seconds latency{};               ///< through the adapter
};

struct SwitchSpec {
  int ports = 0;
  BytesPerSecond port_bandwidth{};
  Seconds latency{};
};

struct FabricSpec {
  bool present = false;
  SwitchSpec leaf, spine;
  int servers_per_leaf = 0;        ///< with rails: servers per group of leaves, one leaf a rail
  bool rails = false;              ///< NIC i of every server of a group is on leaf i
  double oversubscription = 1;     ///< downlinks to uplinks of a leaf
  bool in_network_reduction = false;
};

struct PlatformSpec {
  std::string name;
  int servers = 1;
  int devices = 1;                 ///< per server
  std::shared_ptr<const Accelerator> accelerator;
  ScaleUpSpec scale_up;
  int sockets = 1;
  BytesPerSecond pcie_bandwidth{};
  Seconds pcie_latency{};
  NicSpec nic;
  int nics = 0;                    ///< per server
  FabricSpec fabric;
  Seconds launch_time{};
  Node communication;

  /// Mistakes go to the reader's diagnostics; the result is then unusable.
  static PlatformSpec read(Reader& system, const AcceleratorFactory& make);
  [[nodiscard]] int leaf_groups() const {
    return fabric.present ? (servers + fabric.servers_per_leaf - 1) / fabric.servers_per_leaf : 0;
  }
};

}  // namespace orrery
