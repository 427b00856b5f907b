#pragma once
/// What the devices of one server reach over its links: one another, and its NICs. Found on the
/// graph of a single server; remembers what it was asked.

#include <cstdint>
#include <map>
#include <mutex>
#include <span>
#include <utility>
#include <vector>

#include "platform/server_rings.hpp"

namespace orrery {

/// What a device takes on the way to its NICs, for every byte that it sends to other servers.
struct NicUse {
  LinkUse own;       ///< of it alone
  LinkUse together;  ///< the same ways, with all of its fellows sending as much
  /// The NICs over which it sends evenly, by number: what each of them carries then.
  std::map<int, double> ports;
  BytesPerSecond rate{};  ///< with all of its fellows sending as much
};

/// What a ring takes of a server that it enters from another one and leaves for the next, for every
/// byte that each device sends around it.
struct OpenRing {
  LinkUse inside;  ///< from the device at which it enters past all others to that which it leaves
  LinkUse leave;   ///< from there to the NICs
  LinkUse enter;   ///< from the NICs, as a device sends to them
};

class ServerWiring {
 public:
  explicit ServerWiring(const ServerSpec& spec);
  ServerWiring(const ServerWiring&) = delete;
  ServerWiring& operator=(const ServerWiring&) = delete;

  [[nodiscard]] const MachineGraph& machine() const { return machine_; }
  [[nodiscard]] const ServerRoutes& routes() const { return routes_; }
  /// `devices` by number in the server, sorted, at least two. A ring takes links between devices
  /// where they close one, and otherwise goes over routes, as everything else does. Thread-safe;
  /// the result lives as long as this.
  [[nodiscard]] const GroupUse& group(std::span<const int> devices, GroupPattern pattern) const;

  /// By device, with all of the server sending. @pre the server has NICs
  [[nodiscard]] const std::vector<NicUse>& nics_of_all() const { return nics_; }
  /// By place in `devices`, with those alone sending over the same NICs. @pre the server has NICs
  [[nodiscard]] std::vector<NicUse> nics_among(std::span<const int> devices) const;
  /// Several rings that enter and leave at different devices, as it suits the NICs; every one of
  /// these carries as much as with nics_among(). `devices` as for group(), or one. @pre the server
  /// has NICs
  [[nodiscard]] OpenRing open_ring(std::span<const int> devices) const;
  /// The device that sends over this NIC, the first of several; -1 for none.
  [[nodiscard]] int device_at(int nic) const;
  /// Of the NICs nearest to a component of machine() the one whose turn it is, by number; -1 where
  /// it reaches none.
  [[nodiscard]] int nearest_nic(int component, int turn) const;

 private:
  void deal_nics();
  /// How much of the rings leaves by each hop from a device of `order` to the next.
  [[nodiscard]] std::vector<double> openings(const std::vector<int>& order) const;
  [[nodiscard]] bool same_nics(int device, int other) const;
  [[nodiscard]] std::int64_t detour(int from, int to) const;
  [[nodiscard]] const std::vector<int>& nics() const { return machine_.servers.front().nics; }

  ServerSpec spec_;
  MachineGraph machine_;
  ServerRoutes routes_;
  std::vector<std::vector<Route>> to_nics_;  // by device, then NIC
  std::vector<std::vector<int>> nearest_;    // NICs, by device
  std::vector<NicUse> own_nics_;             // by device, which sends alone
  std::vector<NicUse> nics_;                 // likewise, with all of them sending
  mutable std::mutex mutex_;
  mutable std::map<std::pair<GroupPattern, std::vector<int>>, GroupUse> groups_;
};

}  // namespace orrery
