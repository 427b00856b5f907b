#pragma once
/// From a medium that servers warm (room air, or the coolant of their plates) over an exchanger and
/// a water loop to where heat is rejected; or, for air, straight to the outdoors. Each loop is one
/// mass of water or air at its return temperature.

#include <memory>
#include <optional>

#include "cooling/heat_rejection.hpp"

namespace orrery::cooling {

/// The keys of a chain, for the plant's design power.
struct ChainSpec {
  Temperature supply;          ///< set point of the medium, held by valves while there is room
  Temperature water_supply;    ///< of the water, likewise
  JoulesPerKelvin capacity{};  ///< of the medium and what it touches
  Watts mover_power{};         ///< fans of the room or pumps of the coolant; warms the medium
  bool outdoor_air = false;    ///< the medium is exchanged with the outdoors
  WattsPerKelvin ua{};         ///< [UA] of the exchanger to the water
  WattsPerKelvin water{};      ///< heat rate of the water
  JoulesPerKelvin water_capacity{};
  Watts water_pump{};                              ///< warms the water
  std::shared_ptr<const HeatRejection> rejection;  ///< null with outdoor air
};

class HeatChain {
 public:
  explicit HeatChain(ChainSpec spec) : spec_(std::move(spec)) {}

  /// At rest under `load`, which a stream of heat rate `stream` carries.
  /// @throws SimulationError when that is nowhere below boiling.
  void settle(Watts load, WattsPerKelvin stream, const Weather& weather);
  void advance(Watts load, WattsPerKelvin stream, const Weather& weather, Seconds interval);

  [[nodiscard]] Temperature supply() const { return supply_; }
  [[nodiscard]] Temperature back() const { return medium_; }
  [[nodiscard]] Watts power() const { return power_; }
  // Of the last advance().
  [[nodiscard]] Joules electricity() const { return electricity_; }
  [[nodiscard]] Joules rejected() const { return rejected_; }
  [[nodiscard]] Joules stored() const { return stored_; }
  [[nodiscard]] const ChainSpec& spec() const { return spec_; }

  bool movers_lost = false;   ///< fans of the room or pumps of the coolant stand
  bool chiller_lost = false;  ///< nothing is rejected

 private:
  struct Flows;
  [[nodiscard]] Flows flows(WattsPerKelvin stream, const Weather& weather) const;
  [[nodiscard]] Temperature medium_at_rest(Watts load, WattsPerKelvin stream,
                                           const Weather& weather);

  ChainSpec spec_;
  Temperature medium_ = Temperature::celsius(30), water_ = Temperature::celsius(20);
  Temperature supply_ = Temperature::celsius(25);
  Watts power_{};
  Joules electricity_{}, rejected_{}, stored_{};
};

}  // namespace orrery::cooling
