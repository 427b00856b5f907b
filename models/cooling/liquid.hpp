#pragma once
/// Properties of coolants.

#include <orrery/quantity.hpp>

namespace orrery::cooling {

enum class Coolant { Water, Pg25 };

/// Water, or water with 25 % propylene glycol by mass.
struct LiquidProperties {
  KilogramsPerCubicMetre density{};
  JoulesPerKilogramKelvin heat_capacity{};
};

/// Interpolated between 10 and 70 degC, extrapolated outside.
LiquidProperties properties(Coolant coolant, Temperature temperature);
Temperature freezing_point(Coolant coolant);
const char* name_of(Coolant coolant);

}  // namespace orrery::cooling
