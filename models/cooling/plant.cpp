#include "cooling/plant.hpp"

#include <optional>

#include <fmt/format.h>

#include <orrery/error.hpp>

#include "cooling/heat_chain.hpp"
#include "cooling/reading.hpp"

namespace orrery::cooling {
namespace {

constexpr Watts kReference(1e6);  // that sizes in files are for
// Water that nobody keeps from freezing is not cooled below this.
constexpr Temperature kColdestWater = Temperature::celsius(2);

[[noreturn]] void no_such_part(const char* part, const std::string& plant) {
  throw ConfigError(fmt::format("{} has no {} to lose", plant, part));
}

class ConstantRun final : public PlantRun {
 public:
  ConstantRun(Temperature air, Temperature liquid, double overhead, std::string name)
      : overhead_(overhead), name_(std::move(name)) {
    state_.supply_air = air;
    state_.supply_liquid = liquid;
  }
  [[nodiscard]] const PlantState& state() const override { return state_; }
  void rest(const PlantLoad& load) {
    const auto rise = [](Watts heat, WattsPerKelvin stream) {
      return stream > WattsPerKelvin(0) ? heat / stream : Kelvins(0);
    };
    state_.return_air = state_.supply_air + rise(load.air_heat, load.air_stream);
    state_.return_liquid = state_.supply_liquid + rise(load.liquid_heat, load.liquid_stream);
    state_.power = (load.air_heat + load.liquid_heat) * overhead_;
  }
  void advance(const PlantLoad& load, const Weather&, Seconds interval) override {
    rest(load);
    state_.electricity = state_.power * interval;
    state_.rejected = (load.air_heat + load.liquid_heat) * interval + state_.electricity;
    state_.stored = Joules(0);
  }
  void set_fault(PlantFault, bool) override { no_such_part("part", name_); }

 private:
  double overhead_;
  std::string name_;
  PlantState state_;
};

class ConstantPlant final : public Plant {
 public:
  explicit ConstantPlant(Reader& reader) {
    reader.ignore("model");
    name_ = reader.text_or("name", "the building");
    caveat_ = reader.text_or("caveat", "");
    air_ = reader.temperature("air");
    liquid_ = reader.temperature("liquid", air_);
    overhead_ = reader.ratio_or("overhead", 0.0, 0.0, 5.0);
    loss_ = reader.ratio_or("distribution_loss", 0.0, 0.0, 0.5);
    finish(reader);
  }
  [[nodiscard]] std::unique_ptr<PlantRun> start(const PlantLoad& load,
                                                const Weather&) const override {
    auto run = std::make_unique<ConstantRun>(air_, liquid_, overhead_, name_);
    run->rest(load);
    return run;
  }
  [[nodiscard]] bool liquid() const override { return true; }
  [[nodiscard]] bool outdoor() const override { return false; }
  [[nodiscard]] double distribution_loss() const override { return loss_; }
  [[nodiscard]] std::string caveat() const override { return caveat_; }

 private:
  std::string name_, caveat_;
  Temperature air_, liquid_;
  double overhead_ = 0, loss_ = 0;
};

ChainSpec read_chain(Reader& reader, double scale, bool air) {
  ChainSpec spec;
  spec.supply = reader.temperature("supply");
  spec.capacity = reader.positive<JoulesPerKelvin>("capacity") * scale;
  spec.mover_power = reader.quantity<Watts>(air ? "fan_power" : "pump_power") * scale;
  spec.outdoor_air = air && reader.boolean_or("outdoor_air", false);
  if (spec.outdoor_air) return spec;
  Reader exchanger = reader.child("exchanger");
  spec.ua = exchanger.positive<WattsPerKelvin>("ua") * scale;
  finish(exchanger);
  Reader water = reader.child("water");
  spec.water = water.positive<WattsPerKelvin>("flow") * scale;
  spec.water_capacity = water.positive<JoulesPerKelvin>("capacity") * scale;
  spec.water_pump = water.quantity<Watts>("pump_power") * scale;
  spec.water_supply = water.temperature("supply");
  if (spec.water_supply < kColdestWater) {
    water.error("supply", fmt::format("supply: water freezes; expected at least {}; got {}",
                                      to_text(kColdestWater), to_text(spec.water_supply)));
  }
  if (spec.water_supply > spec.supply) {
    water.error("supply", fmt::format("supply: water of {} cannot cool to {}",
                                      to_text(spec.water_supply), to_text(spec.supply)));
  }
  finish(water);
  spec.rejection = read_rejection(reader.child("rejection"), scale);
  return spec;
}

class ChainRun final : public PlantRun {
 public:
  ChainRun(HeatChain air, std::optional<HeatChain> liquid, std::string name)
      : air_(std::move(air)), liquid_(std::move(liquid)), name_(std::move(name)) {}

  [[nodiscard]] const PlantState& state() const override { return state_; }
  void settle(const PlantLoad& load, const Weather& weather) {
    air_.settle(load.air_heat, load.air_stream, weather);
    if (liquid_) liquid_->settle(load.liquid_heat, load.liquid_stream, weather);
    note();
  }
  void advance(const PlantLoad& load, const Weather& weather, Seconds interval) override {
    air_.advance(load.air_heat, load.air_stream, weather, interval);
    if (liquid_) liquid_->advance(load.liquid_heat, load.liquid_stream, weather, interval);
    note();
  }
  void set_fault(PlantFault fault, bool lost) override {
    switch (fault) {
      case PlantFault::RoomFans:
        air_.movers_lost = lost;
        return;
      case PlantFault::CoolantPump:
        if (!liquid_) no_such_part("coolant pump", name_);
        liquid_->movers_lost = lost;
        return;
      case PlantFault::Chiller:
        break;
    }
    bool any = false;
    for (HeatChain* chain : {&air_, liquid_ ? &*liquid_ : nullptr}) {
      if (chain == nullptr || !chain->spec().rejection || !chain->spec().rejection->chiller()) {
        continue;
      }
      chain->chiller_lost = lost;
      any = true;
    }
    if (!any) no_such_part("chiller", name_);
  }

 private:
  void note() {
    state_.supply_air = air_.supply();
    state_.return_air = air_.back();
    state_.supply_liquid = liquid_ ? liquid_->supply() : air_.supply();
    state_.return_liquid = liquid_ ? liquid_->back() : air_.back();
    state_.power = air_.power() + (liquid_ ? liquid_->power() : Watts(0));
    state_.electricity = air_.electricity() + (liquid_ ? liquid_->electricity() : Joules(0));
    state_.rejected = air_.rejected() + (liquid_ ? liquid_->rejected() : Joules(0));
    state_.stored = air_.stored() + (liquid_ ? liquid_->stored() : Joules(0));
  }

  HeatChain air_;
  std::optional<HeatChain> liquid_;
  std::string name_;
  PlantState state_;
};

class ChainPlant final : public Plant {
 public:
  ChainPlant(Reader& reader, bool liquid) {
    reader.ignore("model");
    name_ = reader.text_or("name", "the building");
    caveat_ = reader.text_or("caveat", "");
    const double scale = reader.positive<Watts>("design_power") / kReference;
    loss_ = reader.ratio_or("distribution_loss", 0.0, 0.0, 0.5);
    if (liquid) {
      liquid_ = read_chain(reader, scale, false);
      Reader air = reader.child("air");
      air_ = read_chain(air, scale, true);
      finish(air);
    } else {
      air_ = read_chain(reader, scale, true);
    }
    finish(reader);
  }
  [[nodiscard]] std::unique_ptr<PlantRun> start(const PlantLoad& load,
                                                const Weather& weather) const override {
    if (load.liquid_heat > Watts(0) && !liquid_) {
      throw ConfigError(fmt::format(
          "environment.facility: {} has no coolant for servers with cold plates or tanks; expected "
          "a facility such as facilities/warm-water",
          name_));
    }
    std::optional<HeatChain> liquid;
    if (liquid_) liquid.emplace(*liquid_);
    auto run = std::make_unique<ChainRun>(HeatChain(air_), std::move(liquid), name_);
    run->settle(load, weather);
    return run;
  }
  [[nodiscard]] bool liquid() const override { return liquid_.has_value(); }
  [[nodiscard]] bool outdoor() const override {
    const auto outside = [](const ChainSpec& chain) {
      return chain.outdoor_air || (chain.rejection && chain.rejection->outdoor());
    };
    return outside(air_) || (liquid_ && outside(*liquid_));
  }
  [[nodiscard]] double distribution_loss() const override { return loss_; }
  [[nodiscard]] std::string caveat() const override { return caveat_; }

 private:
  std::string name_, caveat_;
  double loss_ = 0;
  ChainSpec air_;
  std::optional<ChainSpec> liquid_;
};

}  // namespace

std::unique_ptr<const Plant> make_constant_plant(Reader& reader) {
  return std::make_unique<const ConstantPlant>(reader);
}

std::unique_ptr<const Plant> make_air_plant(Reader& reader) {
  return std::make_unique<const ChainPlant>(reader, false);
}

std::unique_ptr<const Plant> make_liquid_plant(Reader& reader) {
  return std::make_unique<const ChainPlant>(reader, true);
}

}  // namespace orrery::cooling
