#pragma once
/// What a `system` map says, checked and immutable. Its keys: platform/system_keys.hpp.

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <orrery/platform.hpp>

#include "platform/fabric_spec.hpp"

namespace orrery {

/// No wire, switch or drive takes longer; routes add a dozen of them up to the picosecond.
inline constexpr Seconds kLongestLatency = Seconds(0.1);

struct WireSpec {
  BytesPerSecond bandwidth{};  ///< per direction
  Seconds latency{};
};

/// Devices on a grid of up to three axes. Device i is at (i % X, i / X % Y, i / (X Y)).
struct TorusSpec {
  std::vector<int> shape;
  std::vector<bool> wrap;  ///< per axis: whether its ends are joined (axes of three or more)
  /// n x n x 2n or n x 2n x 2n in any order: the wrap of a short axis arrives half of every long
  /// axis further. configs/README.md has the rule and its source.
  bool twisted = false;

  [[nodiscard]] bool joined(std::size_t axis) const { return wrap[axis] && shape[axis] > 2; }
  /// Devices next to `device` in the positive direction of each axis that has one.
  [[nodiscard]] std::vector<int> next(int device) const;
  [[nodiscard]] std::vector<int> coordinates(int device) const;
};

/// How the devices of a server reach one another.
struct ScaleUpSpec {
  /// Listed: over whatever links the server lists, and PCIe where it lists none.
  enum class Kind { NvLink, Pcie, Torus, Listed };
  Kind kind = Kind::Pcie;
  BytesPerSecond bandwidth{};  ///< per device and direction; in a torus of one link
  Seconds latency{};           ///< of a wire: to a switch, or to the other device
  TorusSpec torus;             ///< shape is empty elsewhere
  int switches = 0;            ///< 0: every pair of devices has its own wire
  bool in_switch_reduction = false;
};

/// A part of a server by kind and number, such as gpu3.
struct PartName {
  ComponentKind kind = ComponentKind::Device;
  int index = 0;
};

/// Wires of one sort that a server lists, each between two of its parts.
struct ListedLinks {
  std::string kind;  ///< "nvlink", "pcie" or "upi"
  WireSpec wire;
  std::vector<std::pair<PartName, PartName>> between;
};

/// Drives of a server, all alike. Their rates are zero where the server does not say them: then
/// nothing can be copied to or from them.
struct DriveSpec {
  int count = 0;
  BytesPerSecond read{};
  BytesPerSecond write{};
  Seconds latency{};
  bool on_pcie_switches = false;  ///< dealt to the PCIe switches in order; otherwise to the sockets
  std::optional<DrawSpec> power;  ///< of one
};

/// Memory modules of a server, and what the channels of one socket carry together; zero where the
/// server does not say it: then the memory never limits a copy.
struct HostMemorySpec {
  int count = 0;
  BytesPerSecond per_socket{};
  std::optional<DrawSpec> power;  ///< of one module
};

struct ServerSpec {
  std::string name;
  std::shared_ptr<const Accelerator> accelerator;
  int devices = 1;
  ScaleUpSpec scale_up;
  Seconds launch_time{};
  int sockets = 1;
  std::optional<WireSpec> socket_link;  ///< between any two sockets
  /// One x16 slot; a switch has the same to its socket. Not given where `links` wire the host.
  WireSpec pcie;
  bool host_listed = false;  ///< `links` wire the host: no slot, switch or socket is wired by rule
  int devices_per_pcie_switch = 1;
  int listed_pcie_switches = 0;
  /// Devices reach one another's memory without going through the host's. Otherwise what no link of
  /// their own carries is written to the memory of the sender's socket and read from there.
  bool peer_access = true;
  std::vector<ListedLinks> links;
  DriveSpec storage;
  HostMemorySpec memory;
  WireSpec nic;
  int nics = 0;
  Node communication;
  std::optional<DrawSpec> cpu_power;     ///< of one socket
  std::optional<DrawSpec> nic_power;     ///< of one
  std::optional<DrawSpec> switch_power;  ///< of one scale-up switch
  ServerPower power;                     ///< of the whole server
  Node cooling;                          ///< Null when absent

  [[nodiscard]] int pcie_switches() const {
    if (host_listed) return listed_pcie_switches;
    return (devices + devices_per_pcie_switch - 1) / devices_per_pcie_switch;
  }
  [[nodiscard]] double nics_per_device() const { return static_cast<double>(nics) / devices; }
};

class Conditions;
struct SystemKeys;

struct PlatformSpec {
  std::string name;
  int servers = 1;
  ServerSpec server;
  std::optional<FabricSpec> fabric;  ///< present when servers > 1
  Node communication;

  /// Mistakes go to the reader's diagnostics; a spec read with mistakes must not be used.
  static PlatformSpec read(Reader& system, const AcceleratorFactory& make, Conditions& conditions);
};

}  // namespace orrery
