#pragma once
/// The machine as a graph of components and links: routing and what groups of devices can reach.

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <orrery/accelerator.hpp>
#include <orrery/collective.hpp>
#include <orrery/machine_power.hpp>
#include <orrery/reader.hpp>

namespace orrery {

enum class ComponentKind {
  Device,
  Memory,
  ScaleUpSwitch,
  PcieSwitch,
  Cpu,
  Nic,
  LeafSwitch,
  SpineSwitch,
  CoreSwitch,
  Router  ///< of a dragonfly
};
const char* to_text(ComponentKind kind);

/// A part of the machine with its hierarchical name, such as "server3.gpu5" or "leaf0".
struct Component {
  std::string name;
  ComponentKind kind = ComponentKind::Device;
};

/// A full-duplex connection; `bandwidth` is per direction.
struct Link {
  int from = 0;  ///< component index
  int to = 0;
  BytesPerSecond bandwidth{};
  Seconds latency{};
  std::string kind;  ///< "nvlink", "ici", "pcie", "hbm", "upi", "network"
};

/// A route: the links from one component to another.
struct Route {
  std::vector<int> links;      ///< indices into Platform::links(), in order; empty when none exists
  Seconds latency{};           ///< their sum
  BytesPerSecond bandwidth{};  ///< the least of them
};

/// Devices of one type and clock.
struct DeviceKind {
  std::shared_ptr<const Accelerator> accelerator;
  double clock = 1;  ///< OperatingPoint::clock
  int devices = 0;   ///< of the machine
  int apart = 0;     ///< index + 1 of the server set apart that they belong to; else 0
};

using AcceleratorFactory = std::function<std::shared_ptr<const Accelerator>(Reader&)>;

/// Servers joined by a fabric: of equal build, but for those in `mixed` and the devices in
/// `degraded`. Immutable.
class Platform {
 public:
  /// Reads `system` (see configs/README.md). Mistakes go to the reader's diagnostics.
  /// `make` turns the `accelerator` map into a model.
  /// The devices of the servers `apart` are kinds of their own: they may get hotter than others.
  Platform(Reader& system, const AcceleratorFactory& make, std::span<const int> apart = {});
  ~Platform();
  Platform(Platform&&) noexcept;

  [[nodiscard]] const std::string& name() const;
  [[nodiscard]] int servers() const;
  [[nodiscard]] int devices_per_server() const;
  [[nodiscard]] int devices() const { return servers() * devices_per_server(); }
  /// Of an ordinary device: kinds()[0].
  [[nodiscard]] const Accelerator& accelerator() const;
  /// The kinds of devices; the first is the ordinary one.
  [[nodiscard]] const std::vector<DeviceKind>& kinds() const;
  /// Index into kinds().
  [[nodiscard]] int kind(int device) const;
  /// Devices of equal number differ in nothing: neither in kind nor in what their links carry.
  [[nodiscard]] int condition(int device) const;
  /// All devices are of one condition.
  [[nodiscard]] bool uniform() const;
  /// Bytes of device memory that a job can use on every device.
  [[nodiscard]] Bytes memory_capacity() const;
  /// What the host spends to launch one kernel, of the server's CPU.
  [[nodiscard]] Seconds launch_time() const;
  /// The `communication` map of the system, for the collective model.
  [[nodiscard]] const Node& communication() const;
  /// What everything but the accelerators draws, of an ordinary server and of the fabric.
  [[nodiscard]] const MachinePower& power() const;
  /// The `cooling` map of an ordinary server, for the cooling model; Null when absent.
  [[nodiscard]] const Node& cooling() const;

  [[nodiscard]] const std::vector<Component>& components() const;
  [[nodiscard]] const std::vector<Link>& links() const;
  /// Its hierarchical name, "server3.gpu5", by formula: the graph need not be there.
  [[nodiscard]] std::string device_name(int device) const;
  /// The component index of device `device` (0 … devices()-1, server by server).
  [[nodiscard]] int component_of_device(int device) const;
  /// The route of least latency; ties go to the lower component index. O(E log V).
  [[nodiscard]] Route route(int from_component, int to_component) const;

  /// What the group can talk over when every device of the machine works in a group of the same
  /// shape. `devices` holds at least one, sorted, without duplicates. O(size).
  [[nodiscard]] GroupLayout layout(std::span<const int> devices) const;

 private:
  struct Graph;
  std::unique_ptr<Graph> graph_;
};

}  // namespace orrery
