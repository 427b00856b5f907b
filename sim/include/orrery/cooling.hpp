#pragma once
/// The interfaces of cooling models: how heat leaves a server, and how it leaves the building. Both
/// are pure descriptions; the job loop integrates them in time.

#include <memory>
#include <string>
#include <vector>

#include <orrery/quantity.hpp>

namespace orrery {

/// From one device to the stream that cools it, at one speed of its fans or pumps. Die and memory
/// both conduct to one sink (or cold plate), which gives its heat to the stream.
struct HeatPath {
  JoulesPerKelvin die_capacity{};
  JoulesPerKelvin memory_capacity{};
  JoulesPerKelvin sink_capacity{};
  KelvinsPerWatt die_to_sink{};
  KelvinsPerWatt memory_to_sink{};
  KelvinsPerWatt sink_to_stream{};
};

/// What a controller of fans or pumps sees.
struct ControlInput {
  Temperature die;     ///< hottest of the server
  Temperature memory;  ///< hottest of the server
  Temperature inlet;   ///< of the stream
  Watts heat{};        ///< of the whole server
  Seconds interval{};  ///< since the last call
};

/// How heat leaves a server's devices: fans over sinks, cold plates, or a tank of liquid. Speed is
/// a ratio of the highest, in [least_speed(), 1]. Immutable: what changes in time is the caller's.
class ServerCooling {
 public:
  enum class Medium { Air, Liquid };
  virtual ~ServerCooling() = default;
  /// What takes up the devices' heat.
  [[nodiscard]] virtual Medium medium() const = 0;
  /// Row of every device along the stream, one per device, from 0. Devices of a row share the
  /// stream; a row takes in what leaves the one before it.
  [[nodiscard]] virtual std::vector<int> rows(int devices) const = 0;
  /// Of each device. A stream of fixed properties takes no notice of `inlet`.
  [[nodiscard]] virtual HeatPath path(double speed, Temperature inlet) const = 0;
  /// Heat that the part of the stream that passes the devices takes up per kelvin.
  [[nodiscard]] virtual WattsPerKelvin stream(double speed, Temperature inlet) const = 0;
  /// As stream(), of everything that enters the server in its devices' medium; at least that.
  [[nodiscard]] virtual WattsPerKelvin whole_stream(double speed, Temperature inlet) const = 0;
  /// Of the heat of all other parts of the server, the share that enters the devices' stream before
  /// the first row.
  [[nodiscard]] virtual double upstream_share() const = 0;
  /// Of the heat of all other parts, the share that ends in the devices' medium at all. The rest
  /// goes to the room's air. At least upstream_share(); 1 where the medium is air.
  [[nodiscard]] virtual double captured_share() const = 0;
  /// Electricity of the server's own fans and pumps, all of which ends in the server as heat.
  [[nodiscard]] virtual Watts mover_power(double speed) const = 0;
  [[nodiscard]] virtual double least_speed() const = 0;
  /// The speed that the controller asks for next, in [least_speed(), 1].
  [[nodiscard]] virtual double control(double speed, const ControlInput& input) const = 0;
  /// What of it is estimated; empty if nothing.
  [[nodiscard]] virtual std::string caveat() const { return {}; }
};

struct Weather {
  Temperature dry_bulb = Temperature::celsius(20);
  Temperature wet_bulb = Temperature::celsius(14);
};

/// What the servers hand to the building, as means over an interval.
struct PlantLoad {
  Watts air_heat{};                ///< into the room's air
  WattsPerKelvin air_stream{};     ///< that the servers draw in and blow out
  Watts liquid_heat{};             ///< into the coolant of plates or tanks
  WattsPerKelvin liquid_stream{};  ///< that the servers draw
};

/// Parts of a plant that a job can lose and get back.
enum class PlantFault { Chiller, CoolantPump, RoomFans };

/// The state of a building's cooling at one instant. Energies are since the last advance().
struct PlantState {
  Temperature supply_air;
  Temperature return_air;
  Temperature supply_liquid;  ///< as supply_air where there is no liquid
  Temperature return_liquid;
  Joules electricity{};  ///< fans, pumps, compressors, towers
  Joules rejected{};     ///< heat that left to the outdoors, or to whoever takes it
  Joules stored{};       ///< rise of what water, tanks and the room hold
  Watts power{};         ///< of the plant now
};

/// A run of a plant: its loops warm and cool. electricity + heat of the load = rejected + stored,
/// to rounding, over every advance().
class PlantRun {
 public:
  virtual ~PlantRun() = default;
  [[nodiscard]] virtual const PlantState& state() const = 0;
  /// Goes on by `interval` under a constant load.
  virtual void advance(const PlantLoad& load, const Weather& weather, Seconds interval) = 0;
  /// Loses (or gets back) a part. @throws ConfigError when the plant has no such part.
  virtual void set_fault(PlantFault fault, bool lost) = 0;
};

/// A building's cooling. Immutable; the runs that it starts do not refer to one another.
class Plant {
 public:
  virtual ~Plant() = default;
  /// At rest under a constant load; for a plant without loops simply its supply. The plant outlives
  /// the run.
  /// @throws SimulationError when it cannot carry the load.
  [[nodiscard]] virtual std::unique_ptr<PlantRun> start(const PlantLoad& load,
                                                        const Weather& weather) const = 0;
  /// Whether it supplies liquid.
  [[nodiscard]] virtual bool liquid() const = 0;
  /// Whether weather has an effect.
  [[nodiscard]] virtual bool outdoor() const = 0;
  /// Ratio of IT power that the building loses before the servers: transformers, UPS, busbars.
  [[nodiscard]] virtual double distribution_loss() const = 0;
  /// What of it is estimated; empty if nothing.
  [[nodiscard]] virtual std::string caveat() const { return {}; }
};

}  // namespace orrery
