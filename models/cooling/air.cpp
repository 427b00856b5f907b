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

struct AirSpec {
  CubicMetresPerSecond flow{};  // at speed 1, as all below
  Watts fan_power{};
  KelvinsPerWatt film{};
  double exponent = 0;
  double share = 1;  // of the flow that passes the devices
  double upstream_share = 0;
  double least_speed = 0;
  Rows rows;
  DeviceSpec device;
  SpeedControl control;
  std::string caveat;

  static AirSpec read(Reader& reader);
};

AirSpec AirSpec::read(Reader& reader) {
  AirSpec spec;
  reader.ignore("model");
  reader.ignore("name");
  spec.caveat = reader.text_or("caveat", "");
  spec.flow = reader.positive<CubicMetresPerSecond>("flow");
  spec.fan_power = reader.positive<Watts>("fan_power");
  spec.share = reader.ratio("share_past_devices", 0.01, 1.0);
  spec.upstream_share = read_upstream_share(reader, 1.0);
  spec.least_speed = reader.ratio("least_speed", 0.05, 1.0);
  spec.rows = Rows::read(reader);
  spec.device.read(reader);
  Reader sink = reader.child("sink");
  spec.device.sink_capacity = sink.positive<JoulesPerKelvin>("capacity");
  spec.film = sink.positive<KelvinsPerWatt>("film");
  spec.exponent = sink.ratio_or("exponent", 0.8, 0.0, 1.0);
  finish(sink);
  spec.control = SpeedControl::read(reader.child("control"), spec.least_speed);
  finish(reader);
  return spec;
}

class Air final : public ServerCooling {
 public:
  explicit Air(AirSpec spec) : spec_(std::move(spec)) {}

  [[nodiscard]] Medium medium() const override { return Medium::Air; }
  [[nodiscard]] std::vector<int> rows(int devices) const override { return spec_.rows.of(devices); }
  [[nodiscard]] HeatPath path(double speed, Temperature inlet) const override {
    HeatPath path = spec_.device.path();
    path.sink_to_stream =
        seen_from_inlet(film(speed, inlet), stream(speed, inlet) / spec_.rows.widest());
    return path;
  }
  [[nodiscard]] WattsPerKelvin stream(double speed, Temperature inlet) const override {
    return whole_stream(speed, inlet) * spec_.share;
  }
  [[nodiscard]] WattsPerKelvin whole_stream(double speed, Temperature inlet) const override {
    return spec_.flow * speed * density(inlet) * kHeatCapacity;
  }
  [[nodiscard]] double upstream_share() const override { return spec_.upstream_share; }
  [[nodiscard]] double captured_share() const override { return 1.0; }
  [[nodiscard]] Watts mover_power(double speed) const override {
    return spec_.fan_power * (speed * speed * speed);
  }
  [[nodiscard]] double least_speed() const override { return spec_.least_speed; }
  [[nodiscard]] double control(double speed, const ControlInput& input) const override {
    const Seconds settling = spec_.device.sink_capacity * path(speed, input.inlet).sink_to_stream;
    return spec_.control.next(speed, input, settling);
  }
  [[nodiscard]] std::string caveat() const override { return spec_.caveat; }

 private:
  // By mass flow: thin air cools less.
  [[nodiscard]] KelvinsPerWatt film(double speed, Temperature inlet) const {
    return spec_.film * std::pow(speed * (density(inlet) / density(kRatedInlet)), -spec_.exponent);
  }
  AirSpec spec_;
};

}  // namespace

std::unique_ptr<const ServerCooling> make_air(Reader& reader) {
  return std::make_unique<const Air>(AirSpec::read(reader));
}

}  // namespace orrery::cooling
