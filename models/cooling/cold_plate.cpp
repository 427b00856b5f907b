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
  JoulesPerKelvin capacity{};
  KelvinsPerWatt base{};
  KelvinsPerWatt film{};
  KilogramsPerSecond film_flow{};  // of one plate, at which the film is `film`
};

struct LiquidSpec {
  Coolant coolant = Coolant::Pg25;
  Location coolant_at;
  CubicMetresPerSecond flow{};  // at speed 1
  double captured_share = 1;
  double least_speed = 1;
  Watts fan_power{};
  DeviceSpec device;
  PlateSpec plate;
  std::optional<ReturnControl> control;
};

using namespace schema;

const Schema<PlateSpec>& plate_schema() {
  using P = PlateSpec;
  static const Schema<P> result(
      "plate",
      {required("capacity", &P::capacity, positive, "[C_sink] of heat"),
       required("base", &P::base, positive, "resistance of the plate itself"),
       required("film", &P::film, positive, "[R_film] from plate to coolant at `film_flow`"),
       required("film_flow", &P::film_flow, positive, "of one plate")});
  return result;
}

const Schema<ReturnControl>& return_schema() {
  using R = ReturnControl;
  static const Schema<R> result("control",
                                {required("return", &R::temperature, "of the coolant that leaves"),
                                 required("ramp", &R::ramp, positive, "from no to full flow")});
  return result;
}

void check_plates(Reader& reader, LiquidSpec& spec) {
  spec.coolant_at = reader.where("coolant");
  if (spec.device.upstream_share <= spec.captured_share) return;
  reader.error("upstream_share",
               "upstream_share is a part of captured_share; expected at most that");
}

const Schema<LiquidSpec>& liquid_schema() {
  using L = LiquidSpec;
  static const Schema<L> result(
      "cooling.liquid",
      inlined(&L::device, device_fields()) +
          std::vector{required("coolant", &L::coolant,
                               Choices<Coolant>{{"water", Coolant::Water}, {"pg25", Coolant::Pg25}},
                               "pg25: a quarter of propylene glycol"),
                      required("flow", &L::flow, positive, "[V] of coolant through the server"),
                      required("fan_power", &L::fan_power, "of the fans for what the plates leave"),
                      required("captured_share", &L::captured_share, between(0.0, 1.0),
                               "[c] of the heat of all other parts, what ends in the coolant"),
                      optional("least_speed", &L::least_speed, between(0.05, 1.0),
                               "of `flow`, where `control` lowers it"),
                      required("plate", &L::plate, &plate_schema(), "of one device"),
                      optional("control", &L::control, &return_schema(),
                               "flow that holds the temperature of the return; without it all")},
      check_plates);
  return result;
}

class ColdPlates final : public ServerCooling {
 public:
  explicit ColdPlates(LiquidSpec spec) : spec_(std::move(spec)) {}

  [[nodiscard]] Medium medium() const override { return Medium::Liquid; }
  [[nodiscard]] std::vector<int> rows(int devices) const override {
    return spec_.device.rows.of(devices);
  }
  [[nodiscard]] HeatPath path(double speed, Temperature inlet) const override {
    const LiquidProperties liquid = at(inlet);
    const KilogramsPerSecond flow =
        spec_.flow * speed * liquid.density / spec_.device.rows.widest();
    const KelvinsPerWatt film = spec_.plate.film * std::pow(flow / spec_.plate.film_flow, -0.5);
    HeatPath path = spec_.device.path(spec_.plate.capacity);
    path.sink_to_stream = spec_.plate.base + seen_from_inlet(film, flow * liquid.heat_capacity);
    return path;
  }
  [[nodiscard]] WattsPerKelvin stream(double speed, Temperature inlet) const override {
    return whole_stream(speed, inlet);
  }
  [[nodiscard]] WattsPerKelvin whole_stream(double speed, Temperature inlet) const override {
    const LiquidProperties liquid = at(inlet);
    return spec_.flow * speed * liquid.density * liquid.heat_capacity;
  }
  [[nodiscard]] double upstream_share() const override { return spec_.device.upstream_share; }
  [[nodiscard]] double captured_share() const override { return spec_.captured_share; }
  [[nodiscard]] Watts mover_power(double /*speed*/) const override { return spec_.fan_power; }
  [[nodiscard]] double least_speed() const override { return spec_.least_speed; }
  [[nodiscard]] double control(double speed, const ControlInput& input) const override;
  [[nodiscard]] std::string caveat() const override { return spec_.device.caveat; }

 private:
  [[nodiscard]] LiquidProperties at(Temperature inlet) const;
  LiquidSpec spec_;
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

const Table& liquid_table() { return liquid_schema().table(); }

std::unique_ptr<const ServerCooling> make_liquid(Reader& reader) {
  reader.ignore("model");
  return std::make_unique<const ColdPlates>(liquid_schema().read(reader));
}

}  // namespace orrery::cooling
