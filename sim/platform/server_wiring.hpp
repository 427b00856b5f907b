#pragma once
/// What the devices of one server reach over its links: rings among them, and the way to its NICs.
/// Found on the graph of a single server; remembers what it was asked.

#include <map>
#include <mutex>
#include <span>
#include <vector>

#include "platform/link_use.hpp"
#include "platform/router.hpp"

namespace orrery {

/// How the ring of a group, or several at once, lies on the links of its server.
struct RingUse {
  BytesPerSecond bandwidth{};  ///< per device and direction, all rings together
  Seconds latency{};           ///< of the slowest hop
  bool direct = false;         ///< over links between its devices only
  /// Per byte that each device sends on: of the group alone, and of all groups of its shape in the
  /// server at once.
  LinkUse own, together;
};

/// What a device takes on the way to its NICs, for every byte that it sends to other servers.
struct NicUse {
  LinkUse own;       ///< of it alone
  LinkUse together;  ///< the same ways, with all devices of the server sending as much
  /// The nearest NICs, over which it sends evenly, by number: what each of them carries then.
  std::map<int, double> ports;
};

class ServerWiring {
 public:
  explicit ServerWiring(const ServerSpec& spec);

  [[nodiscard]] const MachineGraph& machine() const { return machine_; }
  [[nodiscard]] const Router& router() const { return router_; }
  /// `devices` by number in the server, sorted, at least two. Links between devices are taken where
  /// they close a ring, several rings where they close several (DGX-1's cube mesh has six);
  /// otherwise one ring goes over the fastest routes. Thread-safe; the result lives as long as
  /// this.
  [[nodiscard]] const RingUse& ring(std::span<const int> devices) const;
  /// What the one with the least rate among `devices` takes. @pre the server has NICs
  [[nodiscard]] const NicUse& to_nics(std::span<const int> devices) const;

 private:
  [[nodiscard]] RingUse find_ring(std::span<const int> devices) const;
  void find_nics();

  ServerSpec spec_;
  MachineGraph machine_;
  Router router_;
  std::vector<NicUse> nics_;           // by device
  std::vector<BytesPerSecond> rates_;  // of the way to its NICs, by device
  BytesPerSecond least_rate_{};
  mutable std::mutex mutex_;
  mutable std::map<std::vector<int>, RingUse> rings_;
};

/// The way from a device or NIC to another one, through host memory where devices do not reach one
/// another's. Empty where there is none.
Route peer_route(const Router& router, const ServerSpec& spec, const MachineGraph::Server& server,
                 int from, int to);

}  // namespace orrery
