#pragma once
/// What a group of devices can talk over.

#include <span>

#include "platform/paths.hpp"
#include "platform/resource_table.hpp"
#include "platform/routing.hpp"

namespace orrery {

/// What layouts are computed from besides the spec; all remember what they were asked.
struct Network {
  const Paths& paths;
  const ServerWiring& wiring;
  const ResourceTable& table;
  const Collisions& collisions;
};

/// As Platform::layout().
GroupLayout layout_of(std::span<const int> devices, Others others, const PlatformSpec& spec,
                      const Network& network);

/// The worse of two in every respect, for a group on servers of different builds.
GroupLayout slower(const GroupLayout& a, const GroupLayout& b);
/// With links that carry `scale_up` and `scale_out` of their bandwidth, ratios.
GroupLayout degraded(GroupLayout layout, double scale_up, double scale_out);

}  // namespace orrery
