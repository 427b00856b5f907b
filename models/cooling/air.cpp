#include "cooling/air.hpp"

#include <cmath>

#include "cooling/reading.hpp"
#include "cooling/speed_control.hpp"

namespace orrery::cooling {
namespace {

// Dry air at sea level.
constexpr double kPressure = 101325.0;   // Pa
constexpr double kGasConstant = 287.05;  // J/(kg K)
constexpr JoulesPerKilogramKelvin kHeatCapacity(1006.0);
// At which the film's resistance is stated.
constexpr Temperature kRatedInlet = Temperature::celsius(25);

KilogramsPerCubicMetre density(Temperature inlet) {
  return KilogramsPerCubicMetre(kPressure / (kGasConstant * inlet.kelvin()));
}

struct AirSinkSpec {
  JoulesPerKelvin capacity{};
  KelvinsPerWatt film{};
  double exponent = 0.8;
};

struct AirSpec {
  CubicMetresPerSecond flow{};  // at speed 1, as all below
  Watts fan_power{};
  double share = 1;  // of the flow that passes the devices
  double least_speed = 0;
  DeviceSpec device;
  AirSinkSpec sink;
  SpeedSpec control;
};

using namespace schema;

const Schema<AirSinkSpec>& air_sink_schema() {
  using S = AirSinkSpec;
  static const Schema<S> result(
      "sink",
      {required("capacity", &S::capacity, positive, "[C_sink] of heat"),
       required("film", &S::film, positive, "[R_film] from sink to air at full speed and 25 degC"),
       optional("exponent", &S::exponent, between(0.0, 1.0), "of the film's flow")});
  return result;
}

class Air final : public ServerCooling {
 public:
  explicit Air(AirSpec spec) : spec_(std::move(spec)), control_(spec_.control, spec_.least_speed) {}

  [[nodiscard]] Medium medium() const override { return Medium::Air; }
  [[nodiscard]] std::vector<int> rows(int devices) const override {
    return spec_.device.rows.of(devices);
  }
  [[nodiscard]] HeatPath path(double speed, Temperature inlet) const override {
    HeatPath path = spec_.device.path(spec_.sink.capacity);
    path.sink_to_stream =
        seen_from_inlet(film(speed, inlet), stream(speed, inlet) / spec_.device.rows.widest());
    return path;
  }
  [[nodiscard]] WattsPerKelvin stream(double speed, Temperature inlet) const override {
    return whole_stream(speed, inlet) * spec_.share;
  }
  [[nodiscard]] WattsPerKelvin whole_stream(double speed, Temperature inlet) const override {
    return spec_.flow * speed * density(inlet) * kHeatCapacity;
  }
  [[nodiscard]] double upstream_share() const override { return spec_.device.upstream_share; }
  [[nodiscard]] double captured_share() const override { return 1.0; }
  [[nodiscard]] Watts mover_power(double speed) const override {
    return spec_.fan_power * (speed * speed * speed);
  }
  [[nodiscard]] double least_speed() const override { return spec_.least_speed; }
  [[nodiscard]] double control(double speed, const ControlInput& input) const override {
    const Seconds settling = spec_.sink.capacity * path(speed, input.inlet).sink_to_stream;
    return control_.next(speed, input, settling);
  }
  [[nodiscard]] std::string caveat() const override { return spec_.device.caveat; }

 private:
  // By mass flow: thin air cools less.
  [[nodiscard]] KelvinsPerWatt film(double speed, Temperature inlet) const {
    return spec_.sink.film *
           std::pow(speed * (density(inlet) / density(kRatedInlet)), -spec_.sink.exponent);
  }
  AirSpec spec_;
  SpeedControl control_;
};

const Schema<AirSpec>& air_schema() {
  using A = AirSpec;
  static const Schema<A> result(
      "cooling.air",
      inlined(&A::device, device_fields()) +
          std::vector{
              required("flow", &A::flow, positive, "[V] of air through the server at full speed"),
              required("fan_power", &A::fan_power, positive, "of all fans at full speed"),
              required("share_past_devices", &A::share, between(0.01, 1.0), "of `flow`"),
              required("least_speed", &A::least_speed, between(0.05, 1.0), "of the highest"),
              required("sink", &A::sink, &air_sink_schema(), "of one device"),
              required("control", &A::control, &speed_schema(), "of the fans")});
  return result;
}

}  // namespace

const Table& air_table() { return air_schema().table(); }

std::unique_ptr<const ServerCooling> make_air(Reader& reader) {
  reader.ignore("model");
  return std::make_unique<const Air>(air_schema().read(reader));
}

}  // namespace orrery::cooling
