#pragma once
/// The power parameters of a GPU, as read from the `power` map of `configs/accelerators/`. Symbols
/// in brackets are those of README.md.

#include <vector>

#include <orrery/accelerator.hpp>
#include <orrery/schema.hpp>

#include "accelerator/per_dtype.hpp"

namespace orrery::accelerator {

struct VoltagePoint {
  Hertz clock{};
  double ratio = 1;  ///< of the voltage at the highest clock
};

struct PowerSpec {
  Watts limit{};           ///< [P_lim] of the board
  Watts lowest_cap{};      ///< that the driver takes
  Watts idle{};            ///< [P_idle] no process holds the device
  Watts fixed{};           ///< [P_fix] a process holds it, without leakage
  Watts memory_at_rest{};  ///< of `idle` and `fixed`, in the HBM
  Watts leakage{};         ///< [P_leak] at `leakage_at` and the highest clock's voltage
  Temperature leakage_at = Temperature::celsius(65);
  PerKelvin leakage_growth{};      ///< [beta]
  Watts clock{};                   ///< [P_clk] of all multiprocessors at the highest clock
  PerDtype<JoulesPerFlop> energy;  ///< [e] of arithmetic at the highest clock's voltage
  JoulesPerByte memory{};          ///< [e_hbm]
  JoulesPerByte link{};            ///< [e_link]
  double polling = 0;  ///< [s] of `clock`, while a communication kernel waits for others
  double stalled = 0;  ///< [w] of `clock`, of multiprocessors that wait for memory
  std::vector<VoltagePoint> voltage;  ///< rising in clock; the last is the highest clock
  Hertz lowest_clock{};
  Hertz clock_step{};
  double spread = 0;  ///< [sigma] of the power of equal work between devices, ratio
  ThermalLimits die;
  ThermalLimits memory_limits;

  [[nodiscard]] Hertz highest_clock() const { return voltage.back().clock; }
  /// [V] ratio of the voltage at clock `at` to that at the highest; linear between points, held
  /// below the first.
  [[nodiscard]] double voltage_at(Hertz at) const;
};

/// The map `power` but for what depends on the rest of the device.
const Schema<PowerSpec>& power_schema();

/// What the rest of a device says to its power.
struct BoardLimits {
  Watts limit{};
  Hertz boost{};
  PerDtype<Flops> formats;  ///< rates of the units, of which each needs an energy
};
/// Puts them into `power` and reports at `reader`, of the map `power`, what does not go together.
void complete_power(Reader& reader, PowerSpec& power, const BoardLimits& board);

}  // namespace orrery::accelerator
