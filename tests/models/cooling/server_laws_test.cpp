// Laws that a server's cooling obeys, whatever its numbers.
#include <cmath>

#include <gtest/gtest.h>

#include "cooling/liquid.hpp"
#include "cooling/reading.hpp"
#include "models/cooling/server_support.hpp"

namespace orrery::cooling_test {
namespace {

using cooling::Coolant;
const Temperature kInlet = Temperature::celsius(25);
constexpr double kRounding = 1e-12;  // relative

// Melinder (2010) by CoolProp, 25 % propylene glycol by mass. 25 degC lies between two points of
// the table, whose error is that of a chord: below 0.02 %.
TEST(ServerLaws, Pg25HasItsPublishedProperties) {
  const auto at = [](double celsius) {
    return cooling::properties(Coolant::Pg25, Temperature::celsius(celsius));
  };
  EXPECT_NEAR(at(25).heat_capacity.si(), 3932.6, 2e-4 * 3932.6);
  EXPECT_NEAR(at(25).density.si(), 1017.17, 2e-4 * 1017.17);
  EXPECT_DOUBLE_EQ(at(40).heat_capacity.si(), 3968.6);
  EXPECT_DOUBLE_EQ(at(40).density.si(), 1009.91);
  EXPECT_DOUBLE_EQ(at(50).heat_capacity.si(), 3992.4);
  EXPECT_DOUBLE_EQ(at(50).density.si(), 1004.38);
}

TEST(ServerLaws, CoolantGoesOnStraightBeyondItsTable) {
  const auto at = [](double celsius) {
    return cooling::properties(Coolant::Water, Temperature::celsius(celsius)).density.si();
  };
  EXPECT_NEAR(at(80), 2 * at(70) - at(60), kRounding * at(70));
  EXPECT_NEAR(at(5), 1.5 * at(10) - 0.5 * at(20), kRounding * at(10));
}

TEST(ServerLaws, FanPowerIsCubicAndFlowLinear) {
  const auto air = entry("air-8gpu-h100");
  EXPECT_NEAR(air->mover_power(0.5) / air->mover_power(1), 0.125, kRounding);
  EXPECT_NEAR(air->whole_stream(0.5, kInlet) / air->whole_stream(1, kInlet), 0.5, kRounding);
  EXPECT_NEAR(air->stream(1, kInlet) / air->whole_stream(1, kInlet), 0.32, kRounding);
  const Temperature hot = Temperature::celsius(45);  // thinner by the ratio of temperatures
  EXPECT_NEAR(air->whole_stream(1, hot) / air->whole_stream(1, kInlet), 298.15 / 318.15, kRounding);
}

// 1 / R = W (1 - e^(-1 / (film W))), film = film1 s^-0.8, W a quarter of the stream.
TEST(ServerLaws, AirSinkFollowsFlowToThePower) {
  const auto air = entry("air-8gpu-h100");
  for (const double speed : {0.3, 0.7, 1.0}) {
    const double film = 0.0195 * std::pow(speed, -0.8);
    const double rate = air->stream(speed, kInlet).si() / 4;
    const double expected = 1 / (rate * (1 - std::exp(-1 / (film * rate))));
    EXPECT_NEAR(air->path(speed, kInlet).sink_to_stream.si(), expected, 1e-9 * expected);
  }
}

TEST(ServerLaws, PlateFilmFallsWithTheRootOfFlow) {
  const std::string use = "{use: cooling/liquid-8gpu-h100, flow: ";
  for (const double litres : {9.0, 36.0}) {
    const auto plates = make_cooling(use + std::to_string(litres) + " L/min}");
    const auto liquid = cooling::properties(Coolant::Pg25, kInlet);
    const double flow = litres / 60000 * liquid.density.si() / 4;
    const double film = 0.0074 * std::pow(flow / 0.0381, -0.5);
    const double rate = flow * liquid.heat_capacity.si();
    const double expected = 0.006 + 1 / (rate * (1 - std::exp(-1 / (film * rate))));
    EXPECT_NEAR(plates->path(1, kInlet).sink_to_stream.si(), expected, 1e-9 * expected);
  }
}

TEST(ServerLaws, SinkNeverHeatsItsStreamAboveItself) {
  for (const double film : {1e-6, 1e-3, 0.1, 100.0}) {
    for (const double rate : {0.01, 1.0, 1000.0}) {
      const KelvinsPerWatt seen =
          cooling::seen_from_inlet(KelvinsPerWatt(film), WattsPerKelvin(rate));
      EXPECT_GE(seen.si() * rate, 1 - kRounding);
      EXPECT_GE(seen.si(), film * (1 - kRounding));
    }
  }
}

TEST(ServerLaws, MoreFlowIsNeverHotter) {
  for (const char* name : {"air-8gpu-h100", "air-8gpu-v100"}) {
    const auto cooling = entry(name);
    thermal::ServerNetwork server(*cooling, 8);
    const thermal::ServerHeat heat = even_heat(8, Watts(300), Watts(1500));
    Temperature before = Temperature::celsius(1000);
    for (double speed = cooling->least_speed(); speed <= 1; speed += 0.01) {
      server.settle(heat, {.speed = speed, .inlet = kInlet});
      EXPECT_LE(server.hottest_die(), before);
      before = server.hottest_die();
    }
  }
}

TEST(ServerLaws, TankFilmFollowsFlowWhereItShould) {
  const std::string use = "{use: cooling/immersion-8gpu-h100, sink: {film_flow: 30 L/min}, flow: ";
  const auto slow = make_cooling(use + "15 L/min}");
  const double rate = 15.0 / 60000 * 800 * 2200 * 0.5 / 4;
  const double film = 0.03 * std::pow(0.5, -0.3);
  const double expected = 1 / (rate * (1 - std::exp(-1 / (film * rate))));
  EXPECT_NEAR(slow->path(1, kInlet).sink_to_stream.si(), expected, 1e-9 * expected);
  EXPECT_EQ(slow->mover_power(1), Watts());
  EXPECT_EQ(slow->captured_share(), 1.0);
}

}  // namespace
}  // namespace orrery::cooling_test
