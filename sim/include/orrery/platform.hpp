#pragma once
/// The machine as a graph of components and links: routing and what groups of devices can reach.

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <orrery/accelerator.hpp>
#include <orrery/collective.hpp>
#include <orrery/machine_part.hpp>
#include <orrery/machine_power.hpp>
#include <orrery/reader.hpp>
#include <orrery/resource.hpp>

namespace orrery {

/// Devices of one type and clock.
struct DeviceKind {
  std::shared_ptr<const Accelerator> accelerator;
  double clock = 1;     ///< OperatingPoint::clock
  int devices = 0;      ///< of the machine
  int singled_out = 0;  ///< index + 1 of the singled-out server that they belong to; else 0
};

/// What the devices outside of a group do meanwhile.
enum class Others {
  Alike,  ///< they work in groups of the same shape
  Idle
};

using AcceleratorFactory = std::function<std::shared_ptr<const Accelerator>(Reader&)>;

/// Servers joined by a fabric: of equal build, but for those in `mixed` and the devices in
/// `degraded`. Immutable.
class Platform {
 public:
  /// Reads `system` (see configs/README.md). Mistakes go to the reader's diagnostics: a platform
  /// that was read with mistakes must not be used.
  /// `make` turns the `accelerator` map into a model.
  /// The devices of each of the servers `singled_out` are kinds of their own: they may get hotter
  /// than others.
  Platform(Reader& system, const AcceleratorFactory& make, std::span<const int> singled_out = {});
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
  /// Numbers count from 0; @pre 0 <= device < devices(), as of kind()
  [[nodiscard]] int condition(int device) const;
  /// All devices are of one condition.
  [[nodiscard]] bool uniform() const;
  /// Devices after which the machine repeats, within the parts of its fabric: 1 where any device is
  /// as good as another, devices_per_server() where their places in the server differ, devices()
  /// where servers do.
  [[nodiscard]] int period() const;
  /// Devices in each nested part of the fabric, from small to large: those behind one leaf (or one
  /// set of rails), then those of a pod. Empty for one server.
  [[nodiscard]] const std::vector<int>& fabric_parts() const;
  /// "server3.gpu5". @pre 0 <= device < devices()
  [[nodiscard]] std::string device_name(int device) const;
  /// The device of that name; none where there is no such device.
  [[nodiscard]] std::optional<int> find_device(std::string_view name) const;
  /// Bytes of device memory that a job can use on every device.
  [[nodiscard]] Bytes memory_capacity() const;
  /// What the host spends to launch one kernel, of the server's CPU.
  [[nodiscard]] Seconds launch_time() const;
  /// The `communication` map of the system, for the collective model. It, and what else is returned
  /// by reference, lives as long as the platform.
  [[nodiscard]] const Node& communication() const;
  /// What everything but the accelerators draws, of an ordinary server and of the fabric.
  [[nodiscard]] const MachinePower& power() const;
  /// The `cooling` map of an ordinary server, for the cooling model; Null when absent.
  [[nodiscard]] const Node& cooling() const;

  /// Some servers and what joins them, part by part; sorted, without duplicates, at least one. With
  /// `every_switch` each spine and core is a component of its own. O(their components). The
  /// platform outlives the part.
  [[nodiscard]] MachinePart part(std::span<const int> servers, bool every_switch = false) const;

  /// What the group can talk over when every device of the machine works in a group of the same
  /// shape, or alone. `devices` holds at least one, sorted, without duplicates. O(size).
  [[nodiscard]] GroupLayout layout(std::span<const int> devices,
                                   Others others = Others::Alike) const;
  /// What operations share, once for all servers and switches that are alike: the ResourceUse of
  /// layout() refers to it by index. Those of the ordinary build come first, then those of `mixed`
  /// servers; each build has links between switches of its own number. Made at the first call;
  /// thread-safe.
  [[nodiscard]] const std::vector<Resource>& resources() const;
  /// What traffic does to links, adapters and switches: of resources that are alike the busiest.
  /// @param resources by resource, as StepResult::resource_activity
  [[nodiscard]] MachineActivity activity(std::span<const double> resources) const;

 private:
  struct Graph;
  std::unique_ptr<Graph> graph_;
};

}  // namespace orrery
