#pragma once
/// Reads the temperatures at which a vendor acts.

#include <orrery/accelerator.hpp>
#include <orrery/reader.hpp>

namespace orrery::accelerator {

/// Keys `operating`, `slowdown` and `shutdown`, which must rise.
ThermalLimits read_thermal_limits(Reader reader);

}  // namespace orrery::accelerator
