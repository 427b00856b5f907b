#include "cooling/immersion.hpp"

#include <cmath>

#include "cooling/reading.hpp"

namespace orrery::cooling {
namespace {

struct TankSpec {
  KilogramsPerCubicMetre density{};
  JoulesPerKilogramKelvin heat_capacity{};
  Temperature pour_point{};
  Location pour_point_at;
  CubicMetresPerSecond flow{};  // past one server
  double share = 1;             // of it that passes the devices
  double upstream_share = 0;
  KelvinsPerWatt film{};
  CubicMetresPerSecond film_flow{};  // at which the film is `film`
  double exponent = 0;               // 0: convection that does not depend on the flow
  Rows rows;
  DeviceSpec device;
  std::string caveat;

  static TankSpec read(Reader& reader);
};

TankSpec TankSpec::read(Reader& reader) {
  TankSpec spec;
  reader.ignore("model");
  reader.ignore("name");
  spec.caveat = reader.text_or("caveat", "");
  Reader fluid = reader.child("fluid");
  spec.density = fluid.positive<KilogramsPerCubicMetre>("density");
  spec.heat_capacity = fluid.positive<JoulesPerKilogramKelvin>("heat_capacity");
  spec.pour_point = fluid.temperature("pour_point");
  spec.pour_point_at = fluid.where("pour_point");
  finish(fluid);
  spec.flow = reader.positive<CubicMetresPerSecond>("flow");
  spec.share = reader.ratio("share_past_devices", 0.01, 1.0);
  spec.upstream_share = read_upstream_share(reader, 1.0);
  spec.rows = Rows::read(reader);
  spec.device.read(reader);
  Reader sink = reader.child("sink");
  spec.device.sink_capacity = sink.positive<JoulesPerKelvin>("capacity");
  spec.film = sink.positive<KelvinsPerWatt>("film");
  spec.exponent = sink.ratio_or("exponent", 0.0, 0.0, 1.0);
  spec.film_flow =
      sink.has("film_flow") ? sink.positive<CubicMetresPerSecond>("film_flow") : spec.flow;
  finish(sink);
  finish(reader);
  return spec;
}

// The tank's pump belongs to the plant and runs at one speed.
class Tank final : public ServerCooling {
 public:
  explicit Tank(TankSpec spec) : spec_(std::move(spec)) {}

  [[nodiscard]] Medium medium() const override { return Medium::Liquid; }
  [[nodiscard]] std::vector<int> rows(int devices) const override { return spec_.rows.of(devices); }
  [[nodiscard]] HeatPath path(double speed, Temperature inlet) const override {
    const KelvinsPerWatt film =
        spec_.film * std::pow(spec_.flow * speed / spec_.film_flow, -spec_.exponent);
    HeatPath path = spec_.device.path();
    path.sink_to_stream = seen_from_inlet(film, stream(speed, inlet) / spec_.rows.widest());
    return path;
  }
  [[nodiscard]] WattsPerKelvin stream(double speed, Temperature inlet) const override {
    return whole_stream(speed, inlet) * spec_.share;
  }
  [[nodiscard]] WattsPerKelvin whole_stream(double speed, Temperature inlet) const override {
    if (inlet <= spec_.pour_point) {
      throw ConfigError(spec_.pour_point_at.text() +
                        ": the tank's fluid does not flow at the server's inlet; expected above " +
                        to_text(spec_.pour_point) + "; got '" + to_text(inlet) + "'");
    }
    return spec_.flow * speed * spec_.density * spec_.heat_capacity;
  }
  [[nodiscard]] double upstream_share() const override { return spec_.upstream_share; }
  [[nodiscard]] double captured_share() const override { return 1.0; }
  [[nodiscard]] Watts mover_power(double /*speed*/) const override { return {}; }
  [[nodiscard]] double least_speed() const override { return 1.0; }
  [[nodiscard]] double control(double /*speed*/, const ControlInput& /*input*/) const override {
    return 1.0;
  }
  [[nodiscard]] std::string caveat() const override { return spec_.caveat; }

 private:
  TankSpec spec_;
};

}  // namespace

std::unique_ptr<const ServerCooling> make_immersion(Reader& reader) {
  return std::make_unique<const Tank>(TankSpec::read(reader));
}

}  // namespace orrery::cooling
