#include "cooling/cold_plate.hpp"

#include <algorithm>
#include <cmath>
#include <optional>

#include "cooling/liquid.hpp"
#include "cooling/reading.hpp"
#include "cooling/speed_control.hpp"

namespace orrery::cooling {
namespace {

struct ReturnControl {
  Temperature temperature{};
  Seconds ramp{};
};

struct PlateSpec {
  Coolant coolant = Coolant::Pg25;
  Location coolant_at;
  CubicMetresPerSecond flow{};  // at speed 1
  KelvinsPerWatt base{};
  KelvinsPerWatt film{};
  KilogramsPerSecond film_flow{};  // of one plate, at which the film is `film`
  double upstream_share = 0;
  double captured_share = 1;
  double least_speed = 1;
  Watts fan_power{};
  Rows rows;
  DeviceSpec device;
  std::optional<ReturnControl> control;
  std::string caveat;

  static PlateSpec read(Reader& reader);
  void read_plate(Reader plate);
  void read_shares(Reader& reader);
};

void PlateSpec::read_plate(Reader plate) {
  device.sink_capacity = plate.positive<JoulesPerKelvin>("capacity");
  base = plate.positive<KelvinsPerWatt>("base");
  film = plate.positive<KelvinsPerWatt>("film");
  film_flow = plate.positive<KilogramsPerSecond>("film_flow");
  finish(plate);
}

void PlateSpec::read_shares(Reader& reader) {
  captured_share = reader.ratio("captured_share", 0.0, 1.0);
  upstream_share = read_upstream_share(reader, 1.0);
  if (upstream_share > captured_share)
    reader.error("upstream_share",
                 "upstream_share is a part of captured_share; expected at most that");
}

std::optional<ReturnControl> read_control(Reader reader) {
  const ReturnControl control{.temperature = reader.temperature("return"),
                              .ramp = reader.positive<Seconds>("ramp")};
  finish(reader);
  return control;
}

PlateSpec PlateSpec::read(Reader& reader) {
  PlateSpec spec;
  reader.ignore("model");
  reader.ignore("name");
  spec.caveat = reader.text_or("caveat", "");
  spec.coolant_at = reader.where("coolant");
  spec.coolant =
      reader.choice<Coolant>("coolant", {{"water", Coolant::Water}, {"pg25", Coolant::Pg25}});
  spec.flow = reader.positive<CubicMetresPerSecond>("flow");
  spec.fan_power = reader.quantity<Watts>("fan_power");
  if (spec.fan_power.si() < 0) reader.error("fan_power", "fan_power must not be negative");
  spec.read_shares(reader);
  spec.least_speed = reader.ratio_or("least_speed", 1.0, 0.05, 1.0);
  spec.rows = Rows::read(reader);
  spec.device.read(reader);
  spec.read_plate(reader.child("plate"));
  if (reader.has("control")) spec.control = read_control(reader.child("control"));
  finish(reader);
  return spec;
}

class ColdPlates final : public ServerCooling {
 public:
  explicit ColdPlates(PlateSpec spec) : spec_(std::move(spec)) {}

  [[nodiscard]] Medium medium() const override { return Medium::Liquid; }
  [[nodiscard]] std::vector<int> rows(int devices) const override { return spec_.rows.of(devices); }
  [[nodiscard]] HeatPath path(double speed, Temperature inlet) const override {
    const LiquidProperties liquid = at(inlet);
    const KilogramsPerSecond flow = spec_.flow * speed * liquid.density / spec_.rows.widest();
    const KelvinsPerWatt film = spec_.film * std::pow(flow / spec_.film_flow, -0.5);
    HeatPath path = spec_.device.path();
    path.sink_to_stream = spec_.base + seen_from_inlet(film, flow * liquid.heat_capacity);
    return path;
  }
  [[nodiscard]] WattsPerKelvin stream(double speed, Temperature inlet) const override {
    return whole_stream(speed, inlet);
  }
  [[nodiscard]] WattsPerKelvin whole_stream(double speed, Temperature inlet) const override {
    const LiquidProperties liquid = at(inlet);
    return spec_.flow * speed * liquid.density * liquid.heat_capacity;
  }
  [[nodiscard]] double upstream_share() const override { return spec_.upstream_share; }
  [[nodiscard]] double captured_share() const override { return spec_.captured_share; }
  [[nodiscard]] Watts mover_power(double /*speed*/) const override { return spec_.fan_power; }
  [[nodiscard]] double least_speed() const override { return spec_.least_speed; }
  [[nodiscard]] double control(double speed, const ControlInput& input) const override;
  [[nodiscard]] std::string caveat() const override { return spec_.caveat; }

 private:
  [[nodiscard]] LiquidProperties at(Temperature inlet) const;
  PlateSpec spec_;
};

LiquidProperties ColdPlates::at(Temperature inlet) const {
  const Temperature frozen = freezing_point(spec_.coolant);
  if (inlet <= frozen) {
    throw ConfigError(spec_.coolant_at.text() + ": coolant " + name_of(spec_.coolant) +
                      " is frozen at the server's inlet; expected above " + to_text(frozen) +
                      "; got '" + to_text(inlet) + "'");
  }
  return properties(spec_.coolant, inlet);
}

// The flow that takes up the heat between the inlet and the wanted return. It errs towards too much
// flow: heat that the plates do not take is counted too.
double ColdPlates::control(double speed, const ControlInput& input) const {
  if (!spec_.control) return 1.0;
  const Kelvins rise = spec_.control->temperature - input.inlet;
  const double target = rise.si() > 0 ? input.heat / (whole_stream(1.0, input.inlet) * rise) : 1.0;
  const double next = ramped(speed, target, input.interval, spec_.control->ramp);
  return std::clamp(next, spec_.least_speed, 1.0);
}

}  // namespace

std::unique_ptr<const ServerCooling> make_liquid(Reader& reader) {
  return std::make_unique<const ColdPlates>(PlateSpec::read(reader));
}

}  // namespace orrery::cooling
