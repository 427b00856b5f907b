#pragma once
/// Where a building's heat leaves it: dry coolers, towers, chillers, or somebody else's water.
/// Sizes are those for 1 MW of IT power and scale with `scale`. Symbols in brackets are those of
/// README.md.

#include <memory>

#include <orrery/cooling.hpp>
#include <orrery/schema.hpp>

namespace orrery::cooling {

/// What leaves at one instant.
struct Rejected {
  Watts heat{};   ///< taken out of the water
  Watts power{};  ///< drawn for it; leaves with the heat
};

class HeatRejection {
 public:
  virtual ~HeatRejection() = default;
  /// Takes up to `wanted` out of water that arrives at `water` with the heat rate `flow`; as much
  /// as it can where that is more.
  [[nodiscard]] virtual Rejected reject(Watts wanted, Temperature water, WattsPerKelvin flow,
                                        const Weather& weather) const = 0;
  /// Has compressors that can trip.
  [[nodiscard]] virtual bool chiller() const { return false; }
  [[nodiscard]] virtual bool outdoor() const { return true; }
};

/// What an entry of configs/heat-rejection says; the keys of other kinds stay as they are.
struct RejectionSpec {
  enum class Kind { DryCooler, Tower, Chiller, District };
  enum class Condenser { Tower, Air };
  Kind kind = Kind::DryCooler;
  // Of a dry cooler or a tower:
  WattsPerKelvin ua{}, air{}, water{};
  Watts fan_power{};
  double air_to_water = 1;  ///< conductance of the air's film by that of the water's
  // Of a chiller:
  Watts capacity{};
  double cop = 1;
  Temperature leaving{};
  Condenser condenser = Condenser::Tower;
  Kelvins approach{};
  double fan_ratio = 0;
  Temperature supply{};  ///< of district water

  [[nodiscard]] bool fans() const { return kind == Kind::DryCooler || kind == Kind::Tower; }
};
const Schema<RejectionSpec>& rejection_schema();
std::unique_ptr<const HeatRejection> make_rejection(const RejectionSpec& spec, double scale);

/// An electric chiller's curves (EnergyPlus' ElectricEIR form): how capacity and the energy input
/// ratio go with the temperatures of leaving chilled water and entering condenser water, and the
/// latter with the part of the load.
struct ChillerCurves {
  [[nodiscard]] static double capacity(Temperature leaving, Temperature entering);
  [[nodiscard]] static double input_by_temperature(Temperature leaving, Temperature entering);
  [[nodiscard]] static double input_by_part_load(double part);
};

}  // namespace orrery::cooling
