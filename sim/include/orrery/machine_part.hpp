#pragma once
/// Some servers of a machine, part by part, with the switches between them: where a workload names
/// components, and what copies and collectives between them take of shared resources.

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <orrery/collective.hpp>
#include <orrery/resource.hpp>

namespace orrery {

enum class ComponentKind {
  Device,
  Memory,
  ScaleUpSwitch,
  PcieSwitch,
  Cpu,
  Dram,  ///< memory of one socket
  Nic,
  Ssd,
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

/// A connection of two components.
struct Link {
  int from = 0;  ///< component index
  int to = 0;
  BytesPerSecond bandwidth{};  ///< from `from` to `to`
  Seconds latency{};
  std::string kind;          ///< "nvlink", "ici", "pcie", "hbm", "dram", "upi", "drive", "network"
  BytesPerSecond back{};     ///< from `to` to `from`
  bool half_duplex = false;  ///< both directions share `bandwidth`: a memory
};

/// A route: the links from one component to another.
struct Route {
  std::vector<int> links;      ///< indices into the graph's links, in order; empty when none exists
  Seconds latency{};           ///< their sum
  BytesPerSecond bandwidth{};  ///< the least of them
};

/// What a copy takes.
struct CopyPath {
  std::vector<ResourceUse> uses;  ///< per byte copied: every way of its route, and the memories
  Seconds latency{};
  BytesPerSecond bandwidth{};  ///< with nothing else under way
  int limit = 0;               ///< the resource that bounds it
};

/// Immutable. Made by Platform::part(); the platform must outlive it.
class MachinePart {
 public:
  struct Graph;
  explicit MachinePart(std::unique_ptr<const Graph> graph);
  ~MachinePart();
  MachinePart(MachinePart&&) noexcept;

  /// Servers in order, each with its devices first; then switches from the leaves up. The spines of
  /// a pod that traffic is spread over are one component ("spines0"), and so are cores.
  [[nodiscard]] const std::vector<Component>& components() const;
  [[nodiscard]] const std::vector<Link>& links() const;
  /// Both directions of link i are resources 2i (from `from`) and 2i + 1; of a half-duplex link
  /// only 2i is ever used.
  [[nodiscard]] const std::vector<Resource>& resources() const;
  /// The component of that name, or -1. O(log components).
  [[nodiscard]] int find(std::string_view name) const;
  /// The component of a device, counted over the whole machine, or -1 when its server is not part.
  [[nodiscard]] int component_of_device(int device) const;

  /// The route of least latency; ties go to the lower component index. Devices, drives and memories
  /// pass nothing on, but for the devices of a torus. O(E log V).
  [[nodiscard]] Route route(int from, int to) const;
  /// A copy from one component to another: a device or socket means its memory. None where there is
  /// no way. What devices without peer access copy goes through host memory.
  [[nodiscard]] std::optional<CopyPath> copy(int from, int to) const;
  /// What a group of devices can talk over when nothing else is under way, in terms of this part's
  /// resources: as Platform::layout() otherwise. `kind` says who sends to whom: to the next one of
  /// a ring, to all, or the first to the second; the links of that pattern are the layout's rings.
  /// @pre all devices are part, sorted
  [[nodiscard]] GroupLayout layout(std::span<const int> devices, CollectiveKind kind) const;
  /// The links as lines of text: what `orrery check --draw` prints. Every link stands under both of
  /// its ends, with what it carries from there; components whose lines are equal share them.
  [[nodiscard]] std::string drawing() const;

 private:
  std::unique_ptr<const Graph> graph_;
};

}  // namespace orrery
