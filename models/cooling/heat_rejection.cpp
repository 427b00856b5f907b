#include "cooling/heat_rejection.hpp"

#include <algorithm>
#include <cmath>

#include "cooling/exchanger.hpp"
#include "cooling/reading.hpp"

namespace orrery::cooling {
namespace {

constexpr int kSpeedHalvings = 30;

// Air (or, wet, saturated air as a stream of the enthalpy that a kelvin of wet bulb holds) against
// water, with fans that slow down to what is wanted.
class FanCooler final : public HeatRejection {
 public:
  FanCooler(Reader& reader, double scale, bool wet) : wet_(wet) {
    ua_ = reader.positive<WattsPerKelvin>("ua") * scale;
    air_ = reader.positive<WattsPerKelvin>("air") * scale;
    water_ = reader.positive<WattsPerKelvin>("water") * scale;
    fan_power_ = reader.positive<Watts>("fan_power") * scale;
    ratio_ = reader.ratio("air_to_water", 0.01, 100.0);
  }

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
  Chiller(Reader& reader, double scale) {
    capacity_ = reader.positive<Watts>("capacity") * scale;
    cop_ = reader.ratio("cop", 1.0, 20.0);
    leaving_ = reader.temperature("leaving");
    wet_ = reader.choice<bool>("condenser", {{"tower", true}, {"air", false}});
    approach_ = reader.quantity<Kelvins>("approach");
    fan_ratio_ = reader.ratio("fan_ratio", 0.0, 0.2);
  }

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
  explicit District(Reader& reader) : supply_(reader.temperature("supply")) {}
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

std::unique_ptr<const HeatRejection> read_rejection(Reader reader, double scale) {
  enum class Kind { DryCooler, Tower, Chiller, District };
  const Kind kind = reader.choice<Kind>("kind", {{"dry_cooler", Kind::DryCooler},
                                                 {"tower", Kind::Tower},
                                                 {"chiller", Kind::Chiller},
                                                 {"district", Kind::District}});
  reader.text_or("name", "");
  std::unique_ptr<const HeatRejection> rejection;
  switch (kind) {
    case Kind::DryCooler:
    case Kind::Tower:
      rejection = std::make_unique<FanCooler>(reader, scale, kind == Kind::Tower);
      break;
    case Kind::Chiller:
      rejection = std::make_unique<Chiller>(reader, scale);
      break;
    case Kind::District:
      rejection = std::make_unique<District>(reader);
      break;
  }
  finish(reader);
  return rejection;
}

}  // namespace orrery::cooling
