#pragma once
/// What a group of devices can talk over.

#include <span>

#include "platform/paths.hpp"

namespace orrery {

/// As Platform::layout().
GroupLayout layout_of(std::span<const int> devices, const PlatformSpec& spec, const Paths& paths);

}  // namespace orrery
