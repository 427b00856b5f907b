// Controllers of fans and pumps.
#include <algorithm>

#include <gtest/gtest.h>

#include "models/cooling/server_support.hpp"

namespace orrery::cooling_test {
namespace {

const Temperature kInlet = Temperature::celsius(25);
constexpr Watts kOthers(1500);

// Where speed and temperature agree: die = T(speed), speed = s_min + (1 - s_min) (T - 45) / 34.
double balance(const ServerCooling& cooling, Watts load) {
  double low = cooling.least_speed(), high = 1;
  thermal::ServerNetwork server(cooling, 8);
  while (high - low > 1e-6) {
    const double speed = (low + high) / 2;
    server.settle(even_heat(8, load, kOthers + cooling.mover_power(speed)),
                  {.speed = speed, .inlet = kInlet});
    const double wanted = 0.25 + 0.75 * (server.hottest_die().celsius() - 45) / 34;
    (wanted > speed ? low : high) = speed;
  }
  return low;
}

// From rest to a load and on for half an hour, at intervals shorter and longer than a sink's 20 s.
// The speeds' grid of 0.5 % leaves an error of that size. The sinks lag, so it may go too far once
// (by no more than a twentieth), but not come back too far.
TEST(ServerControl, ConvergesWithoutOscillationAtAnyInterval) {
  const auto cooling = entry("air-8gpu-h100");
  for (const double load : {450.0, 690.0}) {
    const double expected = balance(*cooling, Watts(load));
    for (const double interval : {0.1, 1.0, 5.0, 20.0, 60.0}) {
      Driven server(*cooling, 8);
      server.network.settle(even_heat(8, Watts(80), kOthers), {.speed = 0.3, .inlet = kInlet});
      server.speed = 0.3;
      double most = 0, least_after = 1;
      for (double t = 0; t < 1800; t += interval) {
        server.step(Watts(load), kOthers, kInlet, Seconds(interval));
        most = std::max(most, server.speed);
        if (most > expected) least_after = std::min(least_after, server.speed);
      }
      EXPECT_NEAR(server.speed, expected, 0.006) << interval << " s, " << load << " W";
      EXPECT_GT(least_after, expected - 0.01) << interval << " s, " << load << " W";
      EXPECT_LT(most, expected + 0.05) << interval << " s, " << load << " W";
      const double before = server.speed;
      server.step(Watts(load), kOthers, kInlet, Seconds(interval));
      EXPECT_NEAR(server.speed, before, 0.006);
    }
  }
}

ControlInput input(double die, double memory, double inlet, double interval) {
  return {.die = Temperature::celsius(die),
          .memory = Temperature::celsius(memory),
          .inlet = Temperature::celsius(inlet),
          .heat = Watts(7000),
          .interval = Seconds(interval)};
}

TEST(ServerControl, MovesNoFasterThanItsRamp) {
  const auto cooling = entry("air-8gpu-h100");  // ramp: 20 s from 0 to 1
  EXPECT_NEAR(cooling->control(0.3, input(100, 100, 25, 0.1)), 0.3 + 0.1 / 20, 1e-12);
  EXPECT_NEAR(cooling->control(0.9, input(30, 30, 25, 1)), 0.9 - 1.0 / 20, 1e-12);
}

TEST(ServerControl, StaysWithinItsRange) {
  const auto cooling = entry("air-8gpu-h100");
  double speed = 0.5;
  for (int i = 0; i < 100; ++i) speed = cooling->control(speed, input(150, 150, 25, 1));
  EXPECT_NEAR(speed, 1.0, 1e-9);
  for (int i = 0; i < 100; ++i) speed = cooling->control(speed, input(20, 20, 20, 60));
  EXPECT_NEAR(speed, 0.25, 1e-9);
}

// 30 degC lies halfway between the points {25, 0.3} and {35, 0.6}.
TEST(ServerControl, KeepsAFloorByInlet) {
  const auto cooling = entry("air-8gpu-h100");
  double speed = 0.25;
  for (int i = 0; i < 100; ++i) speed = cooling->control(speed, input(30, 30, 30, 60));
  EXPECT_NEAR(speed, 0.45, 1e-9);
}

TEST(ServerControl, FollowsMemoryWhereItIsHotter) {
  const auto cooling = entry("air-8gpu-h100");
  double speed = 0.25;
  for (int i = 0; i < 100; ++i) speed = cooling->control(speed, input(40, 80, 20, 60));
  EXPECT_NEAR(speed, 0.25 + 0.75 * 30 / 40, 1e-9);
}

TEST(ServerControl, PumpsAtOneSpeedUnlessTold) {
  const auto cooling = entry("liquid-8gpu-h100");
  EXPECT_EQ(cooling->least_speed(), 1.0);
  EXPECT_EQ(cooling->control(1.0, input(90, 90, 25, 10)), 1.0);
}

// heat = W s (return - inlet).
TEST(ServerControl, PumpsForTheWantedReturn) {
  const auto cooling = make_cooling(
      "{use: cooling/liquid-8gpu-h100, least_speed: 0.2, control: {return: 45 degC, ramp: 10 s}}");
  const double full = cooling->whole_stream(1, kInlet).si();
  EXPECT_NEAR(cooling->control(0.6, input(40, 40, 25, 60)), 7000 / (full * 20), 1e-9);
  EXPECT_NEAR(cooling->control(0.2, input(40, 40, 25, 1)), 0.3, 1e-9);
  EXPECT_EQ(cooling->control(0.9, input(40, 40, 46, 60)), 1.0);
}

}  // namespace
}  // namespace orrery::cooling_test
