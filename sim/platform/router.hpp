#pragma once
/// Routes through a machine.

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "platform/machine_graph.hpp"

namespace orrery {

class Router {
 public:
  /// Refers to `machine`, which must outlive it.
  explicit Router(const MachineGraph& machine);
  ~Router();

  /// The routes from one component to others: least latency (to a picosecond), then fewest links,
  /// then the lower component index nearest the end. O(E log V).
  [[nodiscard]] std::vector<Route> routes(int from, std::span<const int> to) const {
    return routes(from, to, {});
  }
  /// Likewise the widest routes: of those whose least bandwidth is highest the one that routes()
  /// would take. `own`: over links of the devices themselves only. Devices pass something on where
  /// `forward` says so. O(E log V) for each bandwidth that is tried, most often one.
  [[nodiscard]] std::vector<Route> widest(int from, std::span<const int> to, bool own,
                                          bool forward) const;

 private:
  struct Graph;
  /// Which links may be taken.
  struct Filter {
    BytesPerSecond floor{};  ///< at least so wide
    bool own = false;
    bool forward = true;  ///< devices pass on, as MachineGraph::devices_forward
  };
  [[nodiscard]] std::vector<Route> routes(int from, std::span<const int> to,
                                          const Filter& filter) const;
  [[nodiscard]] bool open(int link, int from, bool first, const Filter& filter) const;
  [[nodiscard]] Route trace(int from, int to, std::span<const std::int64_t> cost,
                            const Filter& filter) const;
  [[nodiscard]] BytesPerSecond widest_at(int component) const;

  const MachineGraph& machine_;
  std::vector<BytesPerSecond> levels_;  // bandwidths of the links, the highest first
  std::unique_ptr<const Graph> graph_;
};

}  // namespace orrery
