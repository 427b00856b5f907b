#pragma once
/// How a group of devices lies on the links of its server, by who sends to whom.

#include <optional>
#include <span>
#include <vector>

#include "platform/server_routes.hpp"

namespace orrery {

/// Who sends to whom: each to the next one of a ring whose order is free, to all others, or to the
/// next one by number.
enum class GroupPattern { Ring, ToAll, ToNext };

/// What a group, or several at once, takes of the links of its server.
struct GroupUse {
  BytesPerSecond alone{};     ///< per device and direction, with nothing else under way
  BytesPerSecond together{};  ///< likewise with all groups of its shape in the server at once
  Seconds latency{};          ///< of the slowest way from device to device
  bool direct = false;        ///< over links of the devices only
  std::vector<int> order;     ///< over routes: in which each sends to the next, as a ring
  /// Per byte that each device sends: of the group alone; and what all groups of its shape in the
  /// server take of the same ways.
  LinkUse own, shared;
};

/// Rings over the links between its devices, several where they close several (DGX-1's cube mesh
/// has six). None where they close none.
std::optional<GroupUse> direct_rings(const MachineGraph& machine, std::span<const int> devices);

/// Over the routes of the server's graph: one ring, or every pair its own.
class RoutedGroup {
 public:
  RoutedGroup(const MachineGraph& machine, const ServerRoutes& routes)
      : machine_(machine), routes_(routes) {}

  /// Zero bandwidth where a way is missing. O(devices^2) routes.
  [[nodiscard]] GroupUse use(std::span<const int> devices, GroupPattern pattern) const;

 private:
  struct Send {
    int from = 0, to = 0;
  };
  [[nodiscard]] std::vector<int> ring_order(std::span<const int> devices) const;
  [[nodiscard]] static std::vector<Send> sends(const std::vector<int>& order, GroupPattern pattern);
  [[nodiscard]] bool add(std::span<const int> devices, GroupPattern pattern, GroupUse& use) const;

  const MachineGraph& machine_;
  const ServerRoutes& routes_;
};

}  // namespace orrery
