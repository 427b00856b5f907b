#pragma once
/// How Platform makes a MachinePart.

#include <functional>
#include <span>
#include <vector>

#include <orrery/machine_part.hpp>

#include "platform/conditions.hpp"
#include "platform/server_wiring.hpp"

namespace orrery {

/// As Platform::layout().
using GroupLayouts = std::function<GroupLayout(std::span<const int>)>;

/// Servers of a machine and what each of them is.
struct PartServers {
  std::span<const int> indices;  ///< sorted, without duplicates
  /// By build, as Condition::build; they outlive the part.
  std::vector<const ServerSpec*> builds;
  std::vector<const ServerWiring*> wirings;
  GroupLayouts layouts;
};

MachinePart make_part(PlatformSpec spec, const Conditions& conditions, const PartServers& servers);

}  // namespace orrery
