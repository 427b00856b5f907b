// Closed forms of small networks. Tolerances are rounding: 300 K in a double is good to 6e-14 K.
#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include <orrery/error.hpp>

#include "thermal/network.hpp"

namespace orrery::thermal {
namespace {

using Temperatures = std::vector<Temperature>;
using Heats = std::vector<Watts>;
constexpr double kRounding = 1e-10;  // K

// One state of C = 200 J/K behind 0.05 K/W from a boundary: tau = 10 s.
struct Single {
  Single() {
    state = layout.state(JoulesPerKelvin(200));
    const int room = layout.boundary();
    layout.conduct(state, room, WattsPerKelvin(20));
  }
  Layout layout;
  int state = 0;
};

TEST(Network, StepsOneStateAsTheClosedForm) {
  const Single single;
  const Network network(single.layout);
  const Heats heat{Watts(500), Watts()};
  for (const double t : {1e-3, 0.5, 10.0, 300.0}) {
    Temperatures now(2, Temperature::kelvin(300)), mean = now;
    network.advance(heat, Seconds(t), now, mean);
    const double final_rise = 500 * 0.05, tau = 10;
    EXPECT_NEAR(now[0].kelvin(), 300 - final_rise * std::expm1(-t / tau), kRounding);
    const double average = final_rise * (1 + tau / t * std::expm1(-t / tau));
    EXPECT_NEAR(mean[0].kelvin(), 300 + average, kRounding);
    EXPECT_EQ(mean[1], Temperature::kelvin(300));
  }
}

TEST(Network, StaysWhereItIsOverNoTime) {
  const Single single;
  const Network network(single.layout);
  Temperatures now{Temperature::kelvin(330), Temperature::kelvin(300)}, mean = now;
  network.advance(Heats{Watts(500), Watts()}, Seconds(), now, mean);
  EXPECT_EQ(now[0], Temperature::kelvin(330));
  EXPECT_EQ(mean[0], Temperature::kelvin(330));
}

// Two equal states joined to each other only: A is singular. Their mean rises by heat / 2 C; their
// difference decays with tau = C / 2 G.
TEST(Network, HoldsHeatWithoutBoundary) {
  Layout layout;
  const int a = layout.state(JoulesPerKelvin(100)), b = layout.state(JoulesPerKelvin(100));
  layout.conduct(a, b, WattsPerKelvin(5));
  const Network network(layout);
  Temperatures now{Temperature::kelvin(340), Temperature::kelvin(300)}, mean = now;
  network.advance(Heats{Watts(50), Watts(50)}, Seconds(20), now, mean);
  const double middle = 320 + 100 * 20 / 200.0, half = 20 * std::exp(-20 / 10.0);
  EXPECT_NEAR(now[0].kelvin(), middle + half, kRounding);
  EXPECT_NEAR(now[1].kelvin(), middle - half, kRounding);
  const double mean_half = 20 * (1 - std::exp(-2.0)) / 2;
  EXPECT_NEAR(mean[0].kelvin(), 320 + 100 * 10 / 200.0 + mean_half, kRounding);
  EXPECT_THROW(network.settle(Heats(2), now), InternalError);
}

// boundary - stream - junction - stream - junction, a state exchanging with the first.
TEST(Network, PassesHeatDownAStream) {
  Layout layout;
  const int inlet = layout.boundary(), body = layout.state(JoulesPerKelvin(50));
  const int upstream = layout.junction(), downstream = layout.junction();
  layout.stream(inlet, upstream, WattsPerKelvin(40));
  layout.stream(upstream, downstream, WattsPerKelvin(40));
  layout.exchange(body, upstream, downstream, WattsPerKelvin(25));
  const Network network(layout);
  Temperatures now(4, Temperature::celsius(20));
  const Heats heat{Watts(), Watts(300), Watts(80), Watts(12)};
  network.settle(heat, now);
  EXPECT_NEAR(now[2].celsius(), 20 + 80.0 / 40, kRounding);
  EXPECT_NEAR(now[1].celsius(), 22 + 300.0 / 25, kRounding);
  EXPECT_NEAR(now[3].celsius(), 22 + (300.0 + 12) / 40, kRounding);
}

// Dies, memories and sinks of eight devices, time constants from 10 ms to 10 s.
Layout server() {
  Layout layout;
  const int inlet = layout.boundary();
  int upstream = inlet;
  for (int row = 0; row < 2; ++row) {
    const int downstream = layout.junction();
    layout.stream(upstream, downstream, WattsPerKelvin(200));
    for (int device = 0; device < 4; ++device) {
      const int die = layout.state(JoulesPerKelvin(1)), memory = layout.state(JoulesPerKelvin(3));
      const int sink = layout.state(JoulesPerKelvin(600));
      layout.conduct(die, sink, WattsPerKelvin(100));
      layout.conduct(memory, sink, WattsPerKelvin(10));
      layout.exchange(sink, upstream, downstream, WattsPerKelvin(30 + device));
    }
    upstream = downstream;
  }
  return layout;
}

Heats some_heat(std::size_t size) {
  Heats heat(size);
  for (std::size_t i = 1; i < size; ++i) heat[i] = Watts(100.0 + 37.0 * static_cast<double>(i % 5));
  return heat;
}

TEST(Network, TakesTwoHalvesAsOneWhole) {
  const Network network(server());
  const Heats heat = some_heat(network.size());
  for (const double t : {1e-3, 0.1, 7.0, 90.0}) {
    Temperatures whole(network.size(), Temperature::celsius(25)), halves = whole;
    Temperatures mean = whole, first = whole, second = whole;
    network.advance(heat, Seconds(t), whole, mean);
    network.advance(heat, Seconds(t / 2), halves, first);
    network.advance(heat, Seconds(t / 2), halves, second);
    for (std::size_t i = 0; i < whole.size(); ++i) {
      EXPECT_NEAR(whole[i].kelvin(), halves[i].kelvin(), kRounding);
      EXPECT_NEAR(mean[i].kelvin(), (first[i].kelvin() + second[i].kelvin()) / 2, kRounding);
    }
  }
}

TEST(Network, SettlesWhereALongAdvanceEnds) {
  const Network network(server());
  const Heats heat = some_heat(network.size());
  Temperatures settled(network.size(), Temperature::celsius(25)), far = settled, mean = settled;
  network.settle(heat, settled);
  network.advance(heat, Seconds(3600), far, mean);
  for (std::size_t i = 0; i < far.size(); ++i)
    EXPECT_NEAR(settled[i].kelvin(), far[i].kelvin(), 1e-9);
}

TEST(Network, AnswersForMoreIntervalsThanItKeeps) {
  const Single single;
  const Network network(single.layout);
  for (int round = 0; round < 2; ++round) {
    for (int i = 1; i <= 100; ++i) {
      Temperatures now(2, Temperature::kelvin(300)), mean = now;
      network.advance(Heats{Watts(500), Watts()}, Seconds(0.1 * i), now, mean);
      EXPECT_NEAR(now[0].kelvin(), 300 - 25 * std::expm1(-0.01 * i), kRounding);
    }
  }
}

TEST(Network, RejectsAJunctionWithoutLinks) {
  Layout layout;
  layout.state(JoulesPerKelvin(1));
  layout.junction();
  EXPECT_THROW(Network{layout}, InternalError);
}

}  // namespace
}  // namespace orrery::thermal
