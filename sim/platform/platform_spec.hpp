#pragma once
/// What a `system` map says, checked and immutable. The keys are described in configs/README.md.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <orrery/platform.hpp>

#include "platform/fabric_spec.hpp"

namespace orrery {

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
  enum class Kind { NvLink, Pcie, Torus };
  Kind kind = Kind::Pcie;
  BytesPerSecond bandwidth{};  ///< per device and direction; in a torus of one link
  Seconds latency{};           ///< of a wire: to a switch, or to the other device
  TorusSpec torus;             ///< shape is empty elsewhere
  int switches = 0;            ///< 0: every pair of devices has its own wire
  bool in_switch_reduction = false;
};

struct ServerSpec {
  std::string name;
  std::shared_ptr<const Accelerator> accelerator;
  int devices = 1;
  ScaleUpSpec scale_up;
  Seconds launch_time{};
  int sockets = 1;
  std::optional<WireSpec> socket_link;  ///< between any two sockets
  WireSpec pcie;                        ///< one x16 slot; a switch has the same to its socket
  int devices_per_pcie_switch = 1;
  WireSpec nic;
  int nics = 0;
  Node communication;
  std::optional<DrawSpec> cpu_power;     ///< of one socket
  std::optional<DrawSpec> nic_power;     ///< of one
  std::optional<DrawSpec> switch_power;  ///< of one scale-up switch
  ServerPower power;                     ///< of the whole server
  Node cooling;                          ///< Null when absent

  [[nodiscard]] int pcie_switches() const { return devices / devices_per_pcie_switch; }
  /// Devices per NIC or NICs per device are whole: the other one is below 1.
  [[nodiscard]] double nics_per_device() const { return static_cast<double>(nics) / devices; }
};

class Conditions;

struct PlatformSpec {
  std::string name;
  int servers = 1;
  ServerSpec server;
  std::optional<FabricSpec> fabric;  ///< present when servers > 1
  Node communication;

  /// Mistakes go to the reader's diagnostics; a spec read with mistakes must not be used.
  static PlatformSpec read(Reader& system, const AcceleratorFactory& make, Conditions& conditions);
};

/// Reads the keys of a torus beside those of its wires. A spec read with mistakes has a legal
/// shape.
TorusSpec read_torus(Reader& scale_up, int devices);
ServerSpec read_server(Reader server, const AcceleratorFactory& make);

/// A whole number of parts from `minimum` to a million.
int read_count(Reader& reader, const std::string& key, std::optional<int> fallback = std::nullopt,
               int minimum = 1);
/// Reads over the keys that are for people.
void ignore_prose(Reader& reader);

}  // namespace orrery
