#include "cooling/immersion.hpp"

#include <cmath>
#include <optional>

#include "cooling/reading.hpp"

namespace orrery::cooling {
namespace {

struct FluidSpec {
  KilogramsPerCubicMetre density{};
  JoulesPerKilogramKelvin heat_capacity{};
  Temperature pour_point{};
  Location pour_point_at;
};

struct TankSinkSpec {
  JoulesPerKelvin capacity{};
  KelvinsPerWatt film{};
  double exponent = 0;                            // convection that does not depend on the flow
  std::optional<CubicMetresPerSecond> film_flow;  // at which the film is `film`
};

struct TankSpec {
  FluidSpec fluid;
  CubicMetresPerSecond flow{};  // past one server
  double share = 1;             // of it that passes the devices
  DeviceSpec device;
  TankSinkSpec sink;
};

using namespace schema;

const Schema<FluidSpec>& fluid_schema() {
  using F = FluidSpec;
  static const Schema<F> result(
      "fluid",
      {required("density", &F::density, positive, "of the liquid"),
       required("heat_capacity", &F::heat_capacity, positive, "likewise"),
       required("pour_point", &F::pour_point, "it does not flow at or below it")},
      [](Reader& reader, F& fluid) { fluid.pour_point_at = reader.where("pour_point"); });
  return result;
}

const Schema<TankSinkSpec>& tank_sink_schema() {
  using S = TankSinkSpec;
  static const Schema<S> result(
      "sink",
      {required("capacity", &S::capacity, positive, "[C_sink] of heat"),
       required("film", &S::film, positive, "[R_film] from sink to liquid at `film_flow`"),
       optional("exponent", &S::exponent, between(0.0, 1.0),
                "of the film's flow; 0: natural convection"),
       otherwise("`flow`", optional("film_flow", &S::film_flow, positive, "past the server"))});
  return result;
}

const Schema<TankSpec>& tank_schema() {
  using T = TankSpec;
  static const Schema<T> result(
      "cooling.immersion",
      inlined(&T::device, device_fields()) +
          std::vector{required("fluid", &T::fluid, &fluid_schema(), "of the tank"),
                      required("flow", &T::flow, positive, "[V] past one server"),
                      required("share_past_devices", &T::share, between(0.01, 1.0), "of `flow`"),
                      required("sink", &T::sink, &tank_sink_schema(), "of one device")});
  return result;
}

// The tank's pump belongs to the plant and runs at one speed.
class Tank final : public ServerCooling {
 public:
  explicit Tank(TankSpec spec) : spec_(std::move(spec)) {}

  [[nodiscard]] Medium medium() const override { return Medium::Liquid; }
  [[nodiscard]] std::vector<int> rows(int devices) const override {
    return spec_.device.rows.of(devices);
  }
  [[nodiscard]] HeatPath path(double speed, Temperature inlet) const override {
    const KelvinsPerWatt film =
        spec_.sink.film * std::pow(spec_.flow * speed / spec_.sink.film_flow.value_or(spec_.flow),
                                   -spec_.sink.exponent);
    HeatPath path = spec_.device.path(spec_.sink.capacity);
    path.sink_to_stream = seen_from_inlet(film, stream(speed, inlet) / spec_.device.rows.widest());
    return path;
  }
  [[nodiscard]] WattsPerKelvin stream(double speed, Temperature inlet) const override {
    return whole_stream(speed, inlet) * spec_.share;
  }
  [[nodiscard]] WattsPerKelvin whole_stream(double speed, Temperature inlet) const override {
    if (inlet <= spec_.fluid.pour_point) {
      throw ConfigError(spec_.fluid.pour_point_at.text() +
                        ": the tank's fluid does not flow at the server's inlet; expected above " +
                        to_text(spec_.fluid.pour_point) + "; got '" + to_text(inlet) + "'");
    }
    return spec_.flow * speed * spec_.fluid.density * spec_.fluid.heat_capacity;
  }
  [[nodiscard]] double upstream_share() const override { return spec_.device.upstream_share; }
  [[nodiscard]] double captured_share() const override { return 1.0; }
  [[nodiscard]] Watts mover_power(double /*speed*/) const override { return {}; }
  [[nodiscard]] double least_speed() const override { return 1.0; }
  [[nodiscard]] double control(double /*speed*/, const ControlInput& /*input*/) const override {
    return 1.0;
  }
  [[nodiscard]] std::string caveat() const override { return spec_.device.caveat; }

 private:
  TankSpec spec_;
};

}  // namespace

const Table& immersion_table() { return tank_schema().table(); }

std::unique_ptr<const ServerCooling> make_immersion(Reader& reader) {
  reader.ignore("model");
  return std::make_unique<const Tank>(tank_schema().read(reader));
}

}  // namespace orrery::cooling
