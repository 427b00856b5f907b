#pragma once
/// The temperatures of one server's devices.

#include <memory>
#include <vector>

#include <orrery/cooling.hpp>
#include <orrery/quantity.hpp>

namespace orrery::thermal {

/// Heat that goes into a server's parts, constant over an interval.
struct ServerHeat {
  std::vector<Watts> die{};     ///< one per device
  std::vector<Watts> memory{};  ///< one per device
  Watts others{};               ///< all other parts, fans included
};

/// What its stream does, constant over an interval.
struct ServerFlow {
  double speed = 1;     ///< of fans or pumps, (0, 1]; after a failure below least_speed()
  Temperature inlet{};  ///< of the stream
};

/// Where the heat of an interval went: stream + room + stored is all that was put in, to rounding.
struct ServerExchange {
  Joules stream{};       ///< into the devices' medium
  Joules room{};         ///< of other parts, into the room's air
  Joules stored{};       ///< rise of what dies, memory and sinks hold
  Temperature outlet{};  ///< mean over the interval of the whole stream, what passed by included
};

/// Dies, memories and sinks of one server under a ServerCooling, in rows along its stream:
///
///   T_0 = T_in + upstream_share others / W               W  = stream(), W' = whole_stream()
///   T_r = T_(r-1) + sum over row r of (T_sink - T_(r-1)) / R_sink / W
///   T_out = T_in + (W (T_last - T_in) + (captured_share - upstream_share) others) / W'
///
/// A device's sink works against what enters its row, which makes the devices of a row alike but
/// for their heat. So the mean device of every row is solved with the stream, and each device's
/// distance from that mean apart from it; both are exact.
///
/// Conductances are computed for speeds in steps of 0.5 % and inlets in steps of 1 K; the inlet's
/// temperature itself is exact. Copies share what they have computed, and are not for two threads
/// at once.
class ServerNetwork {
 public:
  /// All starts at 25 degC. `cooling` outlives it.
  /// @throws ConfigError when the cooling's rows do not fit the devices.
  ServerNetwork(const ServerCooling& cooling, int devices);

  /// Goes to the steady state.
  /// @throws ConfigError when the cooling does not work at this inlet (a frozen coolant).
  void settle(const ServerHeat& heat, const ServerFlow& flow);
  /// Goes on by `interval` >= 0; exact while heat and flow are constant. About 1 us for 8 devices
  /// at a speed and interval met before. @throws ConfigError as settle().
  ServerExchange advance(const ServerHeat& heat, const ServerFlow& flow, Seconds interval);

  [[nodiscard]] int devices() const { return static_cast<int>(row_.size()); }
  [[nodiscard]] Temperature die(int device) const { return at(device, kDie); }
  [[nodiscard]] Temperature memory(int device) const { return at(device, kMemory); }
  [[nodiscard]] Temperature sink(int device) const { return at(device, kSink); }
  [[nodiscard]] Temperature hottest_die() const { return hottest(kDie); }
  [[nodiscard]] Temperature hottest_memory() const { return hottest(kMemory); }

 private:
  enum Part : std::size_t { kDie, kMemory, kSink, kParts };
  struct Point;   // a speed and an inlet, solved
  struct Points;  // a bounded cache of them
  [[nodiscard]] Temperature at(int device, Part part) const;
  [[nodiscard]] Temperature hottest(Part part) const;
  const Point& point(const ServerFlow& flow);
  void load(const ServerHeat& heat, const ServerFlow& flow);
  void average();
  void spread(int device);
  void keep(int device);
  void rejoin();
  [[nodiscard]] Joules held(const Point& point) const;

  const ServerCooling* cooling_;
  std::vector<int> row_;        // of every device
  std::vector<double> in_row_;  // devices of every row
  std::shared_ptr<Points> points_;
  std::vector<Temperature> temperature_;  // kParts per device

  // Of the network of rows: inlet, kParts per row, T_0, a junction per row, outlet.
  std::vector<Watts> row_heat_;
  std::vector<Temperature> row_temperature_, row_mean_;
  // Of one device's distance from its row: kParts, and the row at zero.
  std::vector<Watts> apart_heat_;
  std::vector<Temperature> apart_, apart_mean_;
  std::vector<Watts> device_heat_;  // kParts per device
};

}  // namespace orrery::thermal
