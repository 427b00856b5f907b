#pragma once
/// What a group of devices can talk over.

#include <span>

#include "platform/paths.hpp"

namespace orrery {

/// As Platform::layout().
GroupLayout layout_of(std::span<const int> devices, const PlatformSpec& spec, const Paths& paths);

/// The worse of two in every respect, for a group on servers of different builds.
GroupLayout slower(const GroupLayout& a, const GroupLayout& b);
/// With links that carry `scale_up` and `scale_out` of their bandwidth, ratios.
GroupLayout degraded(GroupLayout layout, double scale_up, double scale_out);

}  // namespace orrery
