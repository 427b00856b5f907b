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

  /// How far it is from one component to every other, and the last step of the way.
  struct Distances {
    struct Step {
      int from = 0, link = 0;
    };
    int from = 0;
    std::vector<std::int64_t> cost;  ///< by component; the greatest value where nothing leads
    std::vector<Step> last;          ///< likewise
  };
  /// Over links of the network only, from one adapter to others. O(E log V) of the network.
  [[nodiscard]] Distances over_network(int from) const;
  /// The route to one of them, empty where there is none. O(its links).
  [[nodiscard]] Route route(const Distances& distances, int to) const;

 private:
  struct Graph;
  enum class Only : std::uint8_t { All, Own, Network };
  /// Which links may be taken.
  struct Filter {
    BytesPerSecond floor{};  ///< at least so wide
    Only only = Only::All;
    bool forward = true;  ///< devices pass on, as MachineGraph::devices_forward
  };
  [[nodiscard]] std::vector<Route> routes(int from, std::span<const int> to,
                                          const Filter& filter) const;
  [[nodiscard]] Distances distances(int from, const Filter& filter) const;
  [[nodiscard]] bool open(int link, int from, bool first, const Filter& filter) const;
  [[nodiscard]] BytesPerSecond widest_at(int component) const;

  const MachineGraph& machine_;
  /// By link, and by component, what the search asks of every one that it meets.
  enum class LinkKind : std::uint8_t { Other, Own, Memory, Network };
  std::vector<LinkKind> link_kinds_;
  std::vector<bool> devices_;
  std::vector<BytesPerSecond> levels_;  // bandwidths of the links, the highest first
  std::unique_ptr<const Graph> graph_;
};

}  // namespace orrery
