#pragma once
/// The ways that copies and messages take within one server.

#include <map>
#include <mutex>
#include <span>
#include <vector>

#include "platform/link_use.hpp"
#include "platform/router.hpp"

namespace orrery {

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
  /// Whether it takes links of the devices only.
  [[nodiscard]] bool own(const Route& route) const;
  [[nodiscard]] const Router& router() const { return router_; }

 private:
  [[nodiscard]] bool device(int component) const {
    return machine_.components[static_cast<std::size_t>(component)].kind == ComponentKind::Device;
  }
  [[nodiscard]] const std::vector<Route>& between_devices(int from) const;
  template <class Find>
  void add_missing(int from, std::span<const int> to, std::vector<Route>& result, Find find) const;
  void add_widest(int from, std::span<const int> to, bool own_links,
                  std::vector<Route>& result) const;
  [[nodiscard]] Route through_host(int from, int to) const;

  const MachineGraph& machine_;
  const ServerSpec& spec_;
  Router router_;
  mutable std::mutex mutex_;
  mutable std::map<int, std::vector<Route>> known_;  // by device: to all devices
};

}  // namespace orrery
