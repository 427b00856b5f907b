#pragma once
/// The temperatures at which a vendor acts.

#include <orrery/accelerator.hpp>
#include <orrery/schema.hpp>

namespace orrery::accelerator {

/// Keys `operating`, `slowdown` and `shutdown`, which must rise.
const Schema<ThermalLimits>& thermal_limits_schema();

}  // namespace orrery::accelerator
