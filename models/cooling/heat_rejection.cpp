#include "cooling/heat_rejection.hpp"

#include <algorithm>
#include <cmath>

#include "cooling/exchanger.hpp"

namespace orrery::cooling {
namespace {

constexpr int kSpeedHalvings = 30;

// Air (or, wet, saturated air as a stream of the enthalpy that a kelvin of wet bulb holds) against
// water, with fans that slow down to what is wanted.
class FanCooler final : public HeatRejection {
 public:
  FanCooler(const RejectionSpec& spec, double scale)
      : wet_(spec.kind == RejectionSpec::Kind::Tower),
        ua_(spec.ua * scale),
        air_(spec.air * scale),
        water_(spec.water * scale),
        fan_power_(spec.fan_power * scale),
        ratio_(spec.air_to_water) {}

  [[nodiscard]] Rejected reject(Watts wanted, Temperature water, WattsPerKelvin flow,
                                const Weather& weather) const override {
    const Kelvins above = water - (wet_ ? weather.wet_bulb : weather.dry_bulb);
    if (wanted <= Watts(0) || above <= Kelvins(0)) return {};
    const Watts most = rate(1.0, flow) * above;
    if (most <= wanted) return {.heat = most, .power = fan_power_};
    double low = 0, high = 1;
    for (int i = 0; i < kSpeedHalvings; ++i) {
      const double middle = 0.5 * (low + high);
      (rate(middle, flow) * above < wanted ? low : high) = middle;
    }
    return {.heat = wanted, .power = fan_power_ * (high * high * high)};
  }

 private:
  // [n_w, n_a] of Buildings' dry cooler: films go with the flows.
  static constexpr double kWaterExponent = 0.85;
  static constexpr double kAirExponent = 0.8;
  [[nodiscard]] WattsPerKelvin rate(double speed, WattsPerKelvin flow) const {
    if (speed <= 0 || flow <= WattsPerKelvin(0)) return {};
    // UA = 1 / (1 / hA_water + 1 / hA_air), hA_air = ratio hA_water at the design flows.
    const WattsPerKelvin water_film = ua_ * (1.0 + 1.0 / ratio_);
    const WattsPerKelvin air_film = water_film * ratio_;
    const WattsPerKelvin water = water_film * std::pow(flow / water_, kWaterExponent);
    const WattsPerKelvin air = air_film * std::pow(speed, kAirExponent);
    return exchange(water * (air / (water + air)), flow, air_ * speed);
  }

  bool wet_;
  WattsPerKelvin ua_, air_, water_;
  Watts fan_power_;
  double ratio_ = 1;
};

class Chiller final : public HeatRejection {
 public:
  Chiller(const RejectionSpec& spec, double scale)
      : capacity_(spec.capacity * scale),
        cop_(spec.cop),
        leaving_(spec.leaving),
        wet_(spec.condenser == RejectionSpec::Condenser::Tower),
        approach_(spec.approach),
        fan_ratio_(spec.fan_ratio) {}

  [[nodiscard]] Rejected reject(Watts wanted, Temperature water, WattsPerKelvin flow,
                                const Weather& weather) const override {
    if (wanted <= Watts(0)) return {};
    const Temperature outdoors = wet_ ? weather.wet_bulb : weather.dry_bulb;
    // The curves hold for condenser water of 16 degC and more; colder water is held back.
    const Temperature entering = max(outdoors + approach_, kColdestCondenser);
    const Watts available = capacity_ * ChillerCurves::capacity(leaving_, entering);
    const Watts most = min(available, flow * max(Kelvins(0), water - leaving_));
    const Watts heat = min(wanted, most);
    if (heat <= Watts(0)) return {};
    const double part = std::max(heat / available, kLeastPart);
    const Watts compressor = available * (1.0 / cop_) *
                             (ChillerCurves::input_by_temperature(leaving_, entering) *
                              ChillerCurves::input_by_part_load(part));
    // Below its least part a chiller goes on and off.
    const Watts drawn = compressor * std::min(1.0, heat / available / kLeastPart);
    return {.heat = heat, .power = drawn + (heat + drawn) * fan_ratio_};
  }
  [[nodiscard]] bool chiller() const override { return true; }

 private:
  static constexpr Temperature kColdestCondenser = Temperature::celsius(16);
  static constexpr double kLeastPart = 0.1;
  Watts capacity_;
  double cop_ = 1;
  Temperature leaving_;
  bool wet_ = true;
  Kelvins approach_;
  double fan_ratio_ = 0;
};

// Water that comes at a given temperature whatever the load, and whose heat is somebody's to use.
class District final : public HeatRejection {
 public:
  explicit District(Temperature supply) : supply_(supply) {}
  [[nodiscard]] Rejected reject(Watts wanted, Temperature water, WattsPerKelvin flow,
                                const Weather&) const override {
    return {.heat = max(Watts(0), min(wanted, flow * (water - supply_))), .power = {}};
  }
  [[nodiscard]] bool outdoor() const override { return false; }

 private:
  Temperature supply_;
};

// York YT 1055 kW, COP 5.96: capFunT and EIRFunT in (leaving, entering), EIRFunPLR.
constexpr double kCapacity[] = {0.1785912,  -0.05900023,  -0.0005946963,
                                0.09297889, -0.002841024, 0.004974221};
constexpr double kInput[] = {0.524511,   -0.02850126,  0.000803472,
                             0.01893133, 0.0001151629, -0.00009340642};
constexpr double kPartLoad[] = {0.2619878, 0.2393605, 0.4988306};

double biquadratic(const double (&a)[6], Temperature leaving, Temperature entering) {
  const double x = leaving.celsius();
  const double y = entering.celsius();
  return a[0] + a[1] * x + a[2] * x * x + a[3] * y + a[4] * y * y + a[5] * x * y;
}

// Warmer chilled water than the curves were made for is taken as their end: cautious.
constexpr Temperature kWarmestLeaving = Temperature::celsius(18);
constexpr Temperature kWarmestEntering = Temperature::celsius(45);

}  // namespace

double ChillerCurves::capacity(Temperature leaving, Temperature entering) {
  return std::max(
      0.1, biquadratic(kCapacity, min(leaving, kWarmestLeaving), min(entering, kWarmestEntering)));
}

double ChillerCurves::input_by_temperature(Temperature leaving, Temperature entering) {
  return std::max(
      0.1, biquadratic(kInput, min(leaving, kWarmestLeaving), min(entering, kWarmestEntering)));
}

double ChillerCurves::input_by_part_load(double part) {
  return kPartLoad[0] + kPartLoad[1] * part + kPartLoad[2] * part * part;
}

const Schema<RejectionSpec>& rejection_schema() {
  using namespace schema;
  using R = RejectionSpec;
  using Kind = R::Kind;
  const auto fan = [](Binding<R> field) {
    return when<R>("kind: dry_cooler or tower", &R::fans, field);
  };
  const auto chiller = [](Binding<R> field) {
    return when<R>("kind: chiller", [](const R& r) { return r.kind == Kind::Chiller; }, field);
  };
  static const Schema<R> result(
      "rejection",
      {required("kind", &R::kind,
                Choices<Kind>{{"dry_cooler", Kind::DryCooler},
                              {"tower", Kind::Tower},
                              {"chiller", Kind::Chiller},
                              {"district", Kind::District}},
                "what takes the heat"),
       label<R>(), fan(required("ua", &R::ua, positive, "[UA] at the design flows")),
       fan(required("air", &R::air, positive, "heat rate of the air")),
       fan(required("water", &R::water, positive, "heat rate of the water")),
       fan(required("fan_power", &R::fan_power, positive, "at full speed")),
       fan(required("air_to_water", &R::air_to_water, between(0.01, 100.0),
                    "conductance of the air's film by that of the water's")),
       chiller(required("capacity", &R::capacity, positive, "heat that it takes at its rating")),
       chiller(required("cop", &R::cop, between(1.0, 20.0), "heat by electricity, at its rating")),
       chiller(required("leaving", &R::leaving, "chilled water")),
       chiller(required(
           "condenser", &R::condenser,
           Choices<R::Condenser>{{"tower", R::Condenser::Tower}, {"air", R::Condenser::Air}},
           "its water follows the wet or the dry bulb")),
       chiller(required("approach", &R::approach, "of its water to the outdoors")),
       chiller(required("fan_ratio", &R::fan_ratio, between(0.0, 0.2),
                        "power of the condenser's fans by the heat that they take")),
       when<R>(
           "kind: district", [](const R& r) { return r.kind == Kind::District; },
           required("supply", &R::supply, "of the water that comes, whatever the load"))});
  return result;
}

std::unique_ptr<const HeatRejection> make_rejection(const RejectionSpec& spec, double scale) {
  switch (spec.kind) {
    case RejectionSpec::Kind::DryCooler:
    case RejectionSpec::Kind::Tower:
      return std::make_unique<FanCooler>(spec, scale);
    case RejectionSpec::Kind::Chiller:
      return std::make_unique<Chiller>(spec, scale);
    case RejectionSpec::Kind::District:
      break;
  }
  return std::make_unique<District>(spec.supply);
}

}  // namespace orrery::cooling
