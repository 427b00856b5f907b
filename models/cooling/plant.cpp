#include "cooling/plant.hpp"

#include <optional>

#include <fmt/format.h>

#include <orrery/error.hpp>

#include "cooling/heat_chain.hpp"
#include "cooling/heat_rejection.hpp"

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

using namespace schema;

constexpr Between kLoss = between(0.0, 0.5);

struct ConstantSpec {
  std::string name = "the building", caveat;
  Temperature air;
  std::optional<Temperature> liquid;
  double overhead = 0, loss = 0;
};

const Schema<ConstantSpec>& constant_schema() {
  using C = ConstantSpec;
  static const Schema<C> result(
      "plant.constant",
      {optional("name", &C::name, "in messages"),
       optional("caveat", &C::caveat, "what is estimated; printed with every result"),
       required("air", &C::air, "that servers draw in, whatever the load"),
       otherwise("`air`", optional("liquid", &C::liquid, "coolant, likewise")),
       optional("overhead", &C::overhead, between(0.0, 5.0),
                "electricity of the plant by the heat that it takes"),
       optional("distribution_loss", &C::loss, kLoss, "of the electricity of IT")});
  return result;
}

class ConstantPlant final : public Plant {
 public:
  explicit ConstantPlant(ConstantSpec spec) : spec_(std::move(spec)) {}
  [[nodiscard]] std::unique_ptr<PlantRun> start(const PlantLoad& load,
                                                const Weather&) const override {
    auto run = std::make_unique<ConstantRun>(spec_.air, spec_.liquid.value_or(spec_.air),
                                             spec_.overhead, spec_.name);
    run->rest(load);
    return run;
  }
  [[nodiscard]] bool liquid() const override { return true; }
  [[nodiscard]] bool outdoor() const override { return false; }
  [[nodiscard]] double distribution_loss() const override { return spec_.loss; }
  [[nodiscard]] std::string caveat() const override { return spec_.caveat; }

 private:
  ConstantSpec spec_;
};

struct ExchangerSpec {
  WattsPerKelvin ua{};
};

struct WaterSpec {
  WattsPerKelvin flow{};
  JoulesPerKelvin capacity{};
  Watts pump_power{};
  Temperature supply{};
};

// A chain as an entry says it, for the reference power.
struct ChainEntry {
  Temperature supply{};
  JoulesPerKelvin capacity{};
  Watts mover_power{};
  bool outdoor_air = false;
  ExchangerSpec exchanger;
  WaterSpec water;
  RejectionSpec rejection;

  [[nodiscard]] ChainSpec scaled(double scale) const {
    ChainSpec spec;
    spec.supply = supply;
    spec.capacity = capacity * scale;
    spec.mover_power = mover_power * scale;
    spec.outdoor_air = outdoor_air;
    if (outdoor_air) return spec;
    spec.ua = exchanger.ua * scale;
    spec.water = water.flow * scale;
    spec.water_capacity = water.capacity * scale;
    spec.water_pump = water.pump_power * scale;
    spec.water_supply = water.supply;
    spec.rejection = make_rejection(rejection, scale);
    return spec;
  }
};

const Schema<ExchangerSpec>& exchanger_schema() {
  static const Schema<ExchangerSpec> result(
      "exchanger", {required("ua", &ExchangerSpec::ua, positive, "[UA] to the water")});
  return result;
}

const Schema<WaterSpec>& water_schema() {
  using W = WaterSpec;
  static const Schema<W> result("water",
                                {required("flow", &W::flow, positive, "[W_2] heat rate"),
                                 required("capacity", &W::capacity, positive, "[C_2] of heat"),
                                 required("pump_power", &W::pump_power, "warms the water"),
                                 required("supply", &W::supply, "set point, at least 2 degC")});
  return result;
}

void check_chain(Reader& reader, const ChainEntry& chain) {
  if (chain.outdoor_air) return;
  Reader water = reader.child("water");
  if (!water.has("supply")) return;
  const Temperature supply = chain.water.supply;
  if (supply < kColdestWater) {
    water.error("supply", fmt::format("supply: water freezes; expected at least {}; got {}",
                                      to_text(kColdestWater), to_text(supply)));
  }
  if (supply > chain.supply) {
    water.error("supply", fmt::format("supply: water of {} cannot cool to {}", to_text(supply),
                                      to_text(chain.supply)));
  }
}

std::vector<Binding<ChainEntry>> chain_fields(bool air) {
  using C = ChainEntry;
  const auto closed = [air](Binding<C> field) {
    if (!air) return field;
    return when<C>("outdoor_air: false", [](const C& c) { return !c.outdoor_air; }, field);
  };
  std::vector<Binding<C>> fields = {
      required("supply", &C::supply, air ? "[T_set] of the air" : "[T_set] of the coolant"),
      required("capacity", &C::capacity, positive, "[C_1] of it and what it touches"),
      required(air ? "fan_power" : "pump_power", &C::mover_power, "of the room; warms it")};
  if (air) {
    fields.push_back(
        optional("outdoor_air", &C::outdoor_air, "the air is exchanged with the outdoors"));
  }
  fields.push_back(closed(required("exchanger", &C::exchanger, &exchanger_schema(), "to water")));
  fields.push_back(closed(required("water", &C::water, &water_schema(), "loop to the rejection")));
  fields.push_back(
      closed(entry("rejection", required("rejection", &C::rejection, &rejection_schema(),
                                         "where the heat leaves"))));
  return fields;
}

const Schema<ChainEntry>& room_schema() {
  static const Schema<ChainEntry> result("air", chain_fields(true), check_chain);
  return result;
}

struct BuildingSpec {
  std::string name = "the building", caveat;
  Watts design_power{};
  double loss = 0;
  ChainEntry first;  // the only one, or that of the coolant
  ChainEntry room;   // beside a coolant's
};

std::vector<Binding<BuildingSpec>> building_fields(bool liquid) {
  using B = BuildingSpec;
  std::vector<Binding<B>> fields = {
      optional("name", &B::name, "in messages"),
      optional("caveat", &B::caveat, "what is estimated; printed with every result"),
      required("design_power", &B::design_power, positive,
               "of IT; all sizes below are for 1 MW and scale with it"),
      optional("distribution_loss", &B::loss, kLoss, "of the electricity of IT")};
  fields = std::move(fields) + inlined(&B::first, chain_fields(!liquid));
  if (liquid) {
    fields.push_back(required("air", &B::room, &room_schema(), "the room around the plates"));
  }
  return fields;
}

const Schema<BuildingSpec>& building_schema(bool liquid) {
  const auto check = [](Reader& reader, const BuildingSpec& spec) {
    check_chain(reader, spec.first);
  };
  static const Schema<BuildingSpec> air_plant("plant.air", building_fields(false), check);
  static const Schema<BuildingSpec> liquid_plant("plant.liquid", building_fields(true), check);
  return liquid ? liquid_plant : air_plant;
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
  ChainPlant(const BuildingSpec& spec, bool liquid)
      : name_(spec.name), caveat_(spec.caveat), loss_(spec.loss) {
    const double scale = spec.design_power / kReference;
    air_ = (liquid ? spec.room : spec.first).scaled(scale);
    if (liquid) liquid_ = spec.first.scaled(scale);
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
  reader.ignore("model");
  return std::make_unique<const ConstantPlant>(constant_schema().read(reader));
}

std::unique_ptr<const Plant> make_air_plant(Reader& reader) {
  reader.ignore("model");
  return std::make_unique<const ChainPlant>(building_schema(false).read(reader), false);
}

std::unique_ptr<const Plant> make_liquid_plant(Reader& reader) {
  reader.ignore("model");
  return std::make_unique<const ChainPlant>(building_schema(true).read(reader), true);
}

const Table& constant_plant_table() { return constant_schema().table(); }
const Table& air_plant_table() { return building_schema(false).table(); }
const Table& liquid_plant_table() { return building_schema(true).table(); }

}  // namespace orrery::cooling
