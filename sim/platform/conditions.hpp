#pragma once
/// Which devices of a machine differ from the others, and in what: another build of server, a slow
/// clock, a degraded link.

#include <map>
#include <span>
#include <vector>

#include "platform/platform_spec.hpp"

namespace orrery {

/// What a device has of what its build promises. Condition 0 is everything, in the first build.
struct Condition {
  int build = 0;         ///< of its server: 0 the ordinary one, then those of `mixed` in order
  double clock = 1;      ///< ratio, (0, 1]
  double scale_up = 1;   ///< bandwidth ratio, (0, 1]
  double scale_out = 1;  ///< bandwidth ratio, (0, 1]
  int singled_out = 0;   ///< its server is a class by itself: a number of its own; else 0
  friend auto operator<=>(const Condition&, const Condition&) = default;
};

class Conditions {
 public:
  Conditions() : all_(1) {}
  /// What `degraded` and `mixed` of a system say. Mistakes go to the reader's diagnostics.
  static Conditions of(const SystemKeys& keys, Reader& system, const PlatformSpec& spec,
                       const AcceleratorFactory& make);
  /// Makes the devices of each of these servers a class of their own.
  void single_out(std::span<const int> servers, int devices_per_server);

  [[nodiscard]] bool uniform() const { return of_device_.empty(); }
  /// The number of a device's condition. O(log of the devices that differ).
  [[nodiscard]] int of(int device) const;
  [[nodiscard]] const std::vector<Condition>& all() const { return all_; }
  /// Servers of another build, from `mixed`; builds()[0] is condition.build 1.
  [[nodiscard]] const std::vector<ServerSpec>& builds() const { return builds_; }

 private:
  void set(int device, const Condition& condition);

  std::vector<Condition> all_;    ///< distinct ones
  std::map<int, int> of_device_;  ///< those that are not condition 0
  std::vector<ServerSpec> builds_;
};

}  // namespace orrery
