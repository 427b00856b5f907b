#pragma once
/// The ways that copies and messages take within one server.

#include <cstdint>
#include <map>
#include <mutex>
#include <span>
#include <utility>
#include <vector>

#include "platform/link_use.hpp"
#include "platform/router.hpp"

namespace orrery {

/// Latency to a picosecond, then links: what makes a route the nearer one.
std::pair<std::int64_t, std::size_t> distance(const Route& route);

/// The rule: two devices that their own links join (NVLink, ICI) talk over those. Where there are
/// none, and to everything else, the widest route is taken, and of equally wide ones that of least
/// latency, then of fewest links. Devices pass nothing on, except in a torus, unless there is no
/// other way; what devices without peer access send goes through host memory.
class ServerRoutes {
 public:
  /// `machine` is one server of build `spec`; both must outlive this.
  ServerRoutes(const MachineGraph& machine, const ServerSpec& spec);

  /// From component to component; empty where there is no way. Thread-safe.
  [[nodiscard]] Route route(int from, int to) const;
  /// Likewise to several. O(E log V) most often; between devices remembered.
  [[nodiscard]] std::vector<Route> routes(int from, std::span<const int> to) const;
  /// Adds what a message takes: a hop over several links of one kind is spread over them.
  void add(int from, const Route& route, double share, LinkUse& use) const;
  /// From a device to all devices, by number: no route to itself and to those that it does not
  /// reach. Remembered. Thread-safe.
  [[nodiscard]] const std::vector<Route>& between_devices(int number) const;
  /// Sums what many messages take, as add() does. O(links) to make and to read.
  class Loads {
   public:
    explicit Loads(const ServerRoutes& routes);
    void add(int from, const Route& route, double share);
    [[nodiscard]] LinkUse use() const;

   private:
    const ServerRoutes& routes_;
    std::vector<double> there_, back_;  // by link
  };
  /// Whether it takes links of the devices only.
  [[nodiscard]] bool own(const Route& route) const;
  [[nodiscard]] const Router& router() const { return router_; }

 private:
  /// Adds what goes over the links of one kind that join the ends of link `taken`.
  void add_hop(int taken, bool forward, double share, LinkUse& use) const;
  template <class Find>
  void add_missing(int from, std::span<const int> to, std::vector<Route>& result, Find find) const;
  void add_widest(int from, std::span<const int> to, bool own_links,
                  std::vector<Route>& result) const;
  [[nodiscard]] Route through_host(int from, int to) const;

  const MachineGraph& machine_;
  const ServerSpec& spec_;
  Router router_;
  std::vector<std::vector<int>> hops_;  // links of one kind between two components
  std::vector<std::size_t> hop_of_;     // by link: its place in hops_
  std::map<int, int> device_numbers_;   // by component
  mutable std::mutex mutex_;
  mutable std::map<int, std::vector<Route>> known_;  // by device, as between_devices()
};

}  // namespace orrery
