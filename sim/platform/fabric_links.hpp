#pragma once
/// The links between the switches of a fabric, kind by kind: its graph, its resources and its power
/// are made from this.

#include <cstdint>
#include <vector>

#include <orrery/machine_power.hpp>

#include "platform/platform_spec.hpp"

namespace orrery {

/// Links of one kind. Those of one switch carry what it sends up, to its group, or from its group
/// to another one; traffic is spread over them.
struct LinkBundle {
  FabricLinks kind = FabricLinks::LeafUplinks;
  WireSpec cable;            ///< one of them: half the latency of the switches at its ends included
  int cables = 0;            ///< of a switch, of two routers, or of two groups
  std::int64_t bundles = 0;  ///< in the machine, one for each direction it is sent in
  double nics = 0;           ///< that send into one bundle, all traffic leaving

  [[nodiscard]] BytesPerSecond bandwidth() const {
    return cable.bandwidth * static_cast<double>(cables);
  }
};

/// One cable between two switches of these kinds.
WireSpec cable(const SwitchSpec& below, const SwitchSpec& above, Seconds cable_latency);

/// From the servers up; those that the machine has.
/// @pre the fabric is wired
std::vector<LinkBundle> link_bundles(const PlatformSpec& spec);

}  // namespace orrery
