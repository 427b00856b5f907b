#pragma once
/// What a group of devices in a torus can talk over.

#include <span>

#include "platform/platform_spec.hpp"

namespace orrery {

/// All links of a device that has a neighbour on both sides of every axis, per direction.
BytesPerSecond torus_bandwidth(const ScaleUpSpec& scale_up);

/// `devices` are those of a group in one server, sorted, two or more; `first` is the server's first
/// device.
TorusLinks torus_links(std::span<const int> devices, int first, const ScaleUpSpec& scale_up);

}  // namespace orrery
