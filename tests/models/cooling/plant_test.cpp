/// Exchangers, heat rejection and buildings.
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>

#include <orrery/error.hpp>
#include <orrery/node.hpp>

#include "cooling/exchanger.hpp"
#include "cooling/heat_rejection.hpp"
#include "cooling/plant.hpp"

namespace orrery::cooling {
namespace {

Node resolved(const std::string& yaml) {
  const Library library({std::filesystem::path(ORRERY_SOURCE_DIR) / "configs"});
  return library.resolve(parse_yaml(yaml, "test.yaml"));
}

template <class Make>
auto made(const std::string& yaml, Make make) {
  Diagnostics diagnostics;
  Reader reader(resolved(yaml), "facility", diagnostics);
  auto result = make(reader);
  diagnostics.throw_if_any();
  return result;
}
std::unique_ptr<const Plant> air_plant(const std::string& yaml) {
  return made(yaml, make_air_plant);
}
std::unique_ptr<const Plant> liquid_plant(const std::string& yaml) {
  return made(yaml, make_liquid_plant);
}
std::unique_ptr<const HeatRejection> rejection(const std::string& entry) {
  return made("use: heat-rejection/" + entry,
              [](Reader& reader) { return make_rejection(rejection_schema().read(reader), 1.0); });
}

Weather weather(double dry, double wet) {
  return {.dry_bulb = Temperature::celsius(dry), .wet_bulb = Temperature::celsius(wet)};
}

constexpr Watts kMegawatt(1e6);
// Servers that warm air by 14 K, and coolant by 10 K.
PlantLoad air_load(double megawatts = 1) {
  return {.air_heat = kMegawatt * megawatts, .air_stream = kMegawatt * megawatts / Kelvins(14)};
}
PlantLoad liquid_load() {
  return {.air_heat = kMegawatt * 0.2,
          .air_stream = kMegawatt * 0.2 / Kelvins(14),
          .liquid_heat = kMegawatt * 0.8,
          .liquid_stream = kMegawatt * 0.8 / Kelvins(10)};
}

TEST(Exchanger, HasTheEffectivenessOfCounterflow) {
  EXPECT_DOUBLE_EQ(effectiveness(2, 0), 1 - std::exp(-2));  // one stream does not change
  EXPECT_DOUBLE_EQ(effectiveness(2, 1), 2.0 / 3.0);         // equal streams: NTU / (1 + NTU)
  // Nearly equal ones come close to that, without a jump.
  EXPECT_NEAR(effectiveness(2, 1 - 1e-6), 2.0 / 3.0, 1e-6);
  const double x = std::exp(-1.5 * 0.5);
  EXPECT_DOUBLE_EQ(effectiveness(1.5, 0.5), (1 - x) / (1 - 0.5 * x));
  EXPECT_EQ(exchange(WattsPerKelvin(10), WattsPerKelvin(0), WattsPerKelvin(5)), WattsPerKelvin(0));
}

TEST(DryCooler, ReachesItsDesignPoint) {
  // 1 MW from 46.1 to 40.6 degC in air of 35 degC at full fans of 40.15 kW; sizes have three
  // digits.
  const Rejected found = rejection("dry-cooler")
                             ->reject(kMegawatt * 10, Temperature::celsius(46.1),
                                      kMegawatt / Kelvins(5.5), weather(35, 24));
  EXPECT_NEAR(found.heat.si(), 1e6, 0.01e6);
  EXPECT_NEAR(found.power.si(), 40.15e3, 100);
}

TEST(DryCooler, TakesNoMoreThanIsWantedAndSavesFans) {
  const auto cooler = rejection("dry-cooler");
  const Rejected found = cooler->reject(kMegawatt * 0.5, Temperature::celsius(46.1),
                                        kMegawatt / Kelvins(5.5), weather(35, 24));
  EXPECT_DOUBLE_EQ(found.heat.si(), 0.5e6);
  EXPECT_LT(found.power.si(), 0.25 * 40.2e3);  // less than half of the speed, cubed
  const Rejected none = cooler->reject(kMegawatt, Temperature::celsius(30),
                                       kMegawatt / Kelvins(5.5), weather(35, 24));
  EXPECT_EQ(none.heat, Watts(0));
}

TEST(Tower, ApproachesTheWetBulb) {
  // Water 9 K above the wet bulb is cooled by 6 K: an approach of 3 K, whatever the dry bulb.
  for (const double dry : {26.0, 40.0}) {
    const Rejected found = rejection("cooling-tower")
                               ->reject(kMegawatt * 10, Temperature::celsius(34),
                                        kMegawatt / Kelvins(6), weather(dry, 25));
    EXPECT_NEAR(found.heat.si(), 1e6, 0.03e6);
  }
}

TEST(Chiller, HasItsRatedCoefficientAtItsDesignPoint) {
  // York YT: 6.67 degC leaving, 29.44 entering the condenser: the curves are 1 there, to 1 %.
  const Temperature leaving = Temperature::celsius(6.67), entering = Temperature::celsius(29.44);
  EXPECT_NEAR(ChillerCurves::capacity(leaving, entering), 1, 0.015);
  EXPECT_NEAR(ChillerCurves::input_by_temperature(leaving, entering), 1, 0.015);
  EXPECT_NEAR(ChillerCurves::input_by_part_load(1), 1, 0.001);
  const auto chiller = made(
      "{use: heat-rejection/water-cooled-chiller, leaving: 6.67 degC, capacity: 1 MW, fan_ratio: "
      "0}",
      [](Reader& reader) { return make_rejection(rejection_schema().read(reader), 1.0); });
  const Rejected found = chiller->reject(kMegawatt, Temperature::celsius(12.67),
                                         kMegawatt / Kelvins(6), weather(35, 25.44));
  EXPECT_NEAR(found.heat / found.power, 5.96, 0.02 * 5.96);
}

TEST(Chiller, TakesMorePowerInHotterWeather) {
  const auto chiller = rejection("water-cooled-chiller");
  Watts last{};
  for (const double wet : {14.0, 18.0, 22.0, 26.0}) {
    const Rejected found = chiller->reject(kMegawatt, Temperature::celsius(18),
                                           kMegawatt / Kelvins(8), weather(40, wet));
    EXPECT_DOUBLE_EQ(found.heat.si(), 1e6);
    EXPECT_GT(found.power, last);
    last = found.power;
  }
}

struct Sums {
  Joules in, out, stored;
};
Sums advanced(PlantRun& run, const PlantLoad& load, const Weather& outside, Seconds interval,
              int times) {
  Sums sums;
  for (int i = 0; i < times; ++i) {
    run.advance(load, outside, interval);
    sums.in += (load.air_heat + load.liquid_heat) * interval + run.state().electricity;
    sums.out += run.state().rejected;
    sums.stored += run.state().stored;
  }
  return sums;
}

TEST(Plant, KeepsItsEnergyThroughFailures) {
  for (const char* entry : {"machine-room", "free-air", "rear-door", "warm-water", "tower-water",
                            "chilled-liquid", "immersion-dry-cooler"}) {
    const std::string use = std::string("use: facilities/") + entry;
    const bool liquid = std::string(entry).find("water") != std::string::npos ||
                        std::string(entry).find("liquid") != std::string::npos ||
                        std::string(entry).find("immersion") != std::string::npos;
    const auto plant = liquid ? liquid_plant(use) : air_plant(use);
    EXPECT_EQ(plant->liquid(), liquid);
    const PlantLoad load = liquid ? liquid_load() : air_load();
    const auto run = plant->start(load, weather(20, 14));
    (void)advanced(*run, load, weather(20, 14), Seconds(10), 10);
    run->set_fault(liquid ? PlantFault::CoolantPump : PlantFault::RoomFans, true);
    const Sums failed = advanced(*run, load, weather(38, 25), Seconds(7), 30);
    EXPECT_NEAR((failed.in - failed.out - failed.stored) / failed.in, 0, 1e-9) << entry;
    EXPECT_GT(failed.stored, 0.2 * failed.in) << entry;
    run->set_fault(liquid ? PlantFault::CoolantPump : PlantFault::RoomFans, false);
    const Sums back = advanced(*run, load, weather(38, 25), Seconds(60), 30);
    EXPECT_NEAR((back.in - back.out - back.stored) / back.in, 0, 1e-9) << entry;
  }
}

TEST(Plant, StaysWhereItHasSettled) {
  const auto plant = air_plant("use: facilities/machine-room");
  const auto run = plant->start(air_load(), weather(30, 22));
  EXPECT_NEAR(run->state().supply_air.celsius(), 22, 0.01);
  (void)advanced(*run, air_load(), weather(30, 22), Seconds(60), 600);
  EXPECT_NEAR(run->state().supply_air.celsius(), 22, 0.05);
}

TEST(Plant, GivesTheSameAtLongAndShortIntervals) {
  const auto plant = liquid_plant("use: facilities/warm-water");
  const auto fine = plant->start(liquid_load(), weather(15, 10));
  const auto coarse = plant->start(liquid_load(), weather(15, 10));
  (void)advanced(*fine, liquid_load(), weather(40, 25), Seconds(1), 3600);
  (void)advanced(*coarse, liquid_load(), weather(40, 25), Seconds(3600), 1);
  EXPECT_NEAR(coarse->state().supply_liquid.celsius(), fine->state().supply_liquid.celsius(), 0.1);
}

TEST(Plant, WarmsByItsHeatWhenTheChillerTrips) {
  const auto plant = air_plant("use: facilities/machine-room");
  const auto run = plant->start(air_load(), weather(30, 22));
  run->set_fault(PlantFault::Chiller, true);
  const Temperature before = run->state().return_air;
  const Sums sums = advanced(*run, air_load(), weather(30, 22), Seconds(1), 900);
  // Water of 42 MJ/K and a room of 8 MJ/K take all of 1 MW, 50 kW of fans and 15 kW of pumps, but
  // not alike: the room keeps its set point while the water is cold enough.
  EXPECT_NEAR(sums.stored.si(), 1.065e6 * 900, 1e-6 * sums.stored.si());
  EXPECT_GT(run->state().return_air, before + Kelvins(3));
  EXPECT_LT(run->state().return_air, before + Kelvins(1.065e6 * 900 / 8e6));
}

TEST(Plant, IsNoColderInHotterWeather) {
  for (const char* entry : {"warm-water", "tower-water"}) {
    const auto plant = liquid_plant(std::string("use: facilities/") + entry);
    Temperature last;
    for (const double dry : {0.0, 15.0, 30.0, 40.0}) {
      const auto run = plant->start(liquid_load(), weather(dry, 0.7 * dry));
      EXPECT_GE(run->state().supply_liquid, last - Kelvins(1e-6)) << entry << dry;
      last = run->state().supply_liquid;
    }
  }
}

TEST(Plant, DrawsWhatSuchBuildingsDo) {
  const auto pue = [](const Plant& plant, const PlantLoad& load, const Weather& outside) {
    const auto run = plant.start(load, outside);
    const Watts it = load.air_heat + load.liquid_heat;
    return 1 + plant.distribution_loss() + run->state().power / it;
  };
  // shared/research/power-thermal.md: 1.03-1.04 for warm water, 1.09 for a large fleet.
  EXPECT_NEAR(pue(*liquid_plant("use: facilities/warm-water"), liquid_load(), weather(12, 9)), 1.04,
              0.015);
  EXPECT_NEAR(pue(*air_plant("use: facilities/free-air"), air_load(), weather(15, 11)), 1.09, 0.01);
  // Chilled water: 1.3 and more are usual.
  EXPECT_NEAR(pue(*air_plant("use: facilities/machine-room"), air_load(), weather(25, 18)), 1.32,
              0.05);
}

TEST(Plant, SaysThatItIsTooSmall) {
  const auto plant = air_plant("{use: facilities/machine-room, design_power: 100 kW}");
  EXPECT_THROW(plant->start(air_load(), weather(30, 22)), SimulationError);
}

std::string mistakes(const std::string& yaml, bool liquid = false) {
  try {
    (void)(liquid ? liquid_plant(yaml) : air_plant(yaml));
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "";
}

TEST(Plant, ReportsMistakes) {
  const auto expect = [](const std::string& change, const std::string& word) {
    const std::string found = mistakes("{use: facilities/machine-room, " + change + "}");
    EXPECT_NE(found.find(word), std::string::npos) << change << " got: " << found;
  };
  expect("exchanger: {ua: -1 kW/K}", "must be greater than zero");
  expect("water: {flow: 0 W/K}", "must be greater than zero");
  expect("water: {supply: -3 degC}", "water freezes");
  expect("water: {supply: 30 degC}", "cannot cool");
  expect("rejection: {kind: river}", "river");
  expect("fan_powr: 3 kW", "fan_powr");
}

TEST(Plant, HasNoPartsToLoseThatItHasNot) {
  const auto plant = air_plant("use: facilities/free-air");
  const auto run = plant->start(air_load(), weather(20, 14));
  EXPECT_THROW(run->set_fault(PlantFault::Chiller, true), ConfigError);
  EXPECT_THROW(run->set_fault(PlantFault::CoolantPump, true), ConfigError);
  EXPECT_THROW(plant->start(liquid_load(), weather(20, 14)), ConfigError);
}

}  // namespace
}  // namespace orrery::cooling
