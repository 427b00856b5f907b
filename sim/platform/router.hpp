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
  [[nodiscard]] std::vector<Route> routes(int from, std::span<const int> to) const;

 private:
  struct Graph;
  [[nodiscard]] Route trace(int from, int to, std::span<const std::int64_t> cost) const;

  const MachineGraph& machine_;
  std::unique_ptr<const Graph> graph_;
};

}  // namespace orrery
