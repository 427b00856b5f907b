#include "cooling/liquid.hpp"

#include <algorithm>
#include <array>
#include <cstddef>

namespace orrery::cooling {
namespace {

struct Row {
  double celsius, density, heat_capacity;  // kg/m3, J/(kg K)
};
using Properties = std::array<Row, 7>;

// Melinder (2010), as in CoolProp's MPG.
constexpr Properties kWater{{{10, 999.97, 4197.4},
                             {20, 998.52, 4186.6},
                             {30, 995.99, 4180.4},
                             {40, 992.53, 4178.3},
                             {50, 988.24, 4179.5},
                             {60, 983.27, 4183.6},
                             {70, 977.73, 4189.8}}};
constexpr Properties kPg25{{{10, 1022.94, 3896.3},
                            {20, 1019.28, 3920.5},
                            {30, 1014.90, 3944.6},
                            {40, 1009.91, 3968.6},
                            {50, 1004.38, 3992.4},
                            {60, 998.40, 4015.7},
                            {70, 992.05, 4038.5}}};

}  // namespace

LiquidProperties properties(Coolant coolant, Temperature temperature) {
  const Properties& table = coolant == Coolant::Water ? kWater : kPg25;
  const double steps = (temperature.celsius() - table.front().celsius) / 10;
  const double below = std::clamp(steps, 0.0, static_cast<double>(table.size() - 2));
  const auto index = static_cast<std::size_t>(below);
  const Row &from = table[index], &to = table[index + 1];
  const double share = steps - static_cast<double>(index);
  return {.density = KilogramsPerCubicMetre(from.density + share * (to.density - from.density)),
          .heat_capacity = JoulesPerKilogramKelvin(
              from.heat_capacity + share * (to.heat_capacity - from.heat_capacity))};
}

// Of PG25: ASHRAE Handbook, Fundamentals, chapter on secondary coolants, from memory.
Temperature freezing_point(Coolant coolant) {
  return Temperature::celsius(coolant == Coolant::Water ? 0 : -10);
}

const char* name_of(Coolant coolant) { return coolant == Coolant::Water ? "water" : "pg25"; }

}  // namespace orrery::cooling
