// A server's temperatures against the network of all its devices, and its balance of heat.
#include <cmath>

#include <gtest/gtest.h>

#include <orrery/error.hpp>

#include "thermal/network.hpp"
#include "thermal/server_network.hpp"

namespace orrery::thermal {
namespace {

// Rows of three; conductances go up with the speed.
class Fake final : public ServerCooling {
 public:
  [[nodiscard]] Medium medium() const override { return Medium::Liquid; }
  [[nodiscard]] std::vector<int> rows(int devices) const override {
    std::vector<int> result;
    for (int i = 0; i < devices; ++i) result.push_back(i / 3);
    return result;
  }
  [[nodiscard]] HeatPath path(double speed, Temperature) const override {
    return {.die_capacity = JoulesPerKelvin(1),
            .memory_capacity = JoulesPerKelvin(3),
            .sink_capacity = JoulesPerKelvin(600),
            .die_to_sink = KelvinsPerWatt(0.01),
            .memory_to_sink = KelvinsPerWatt(0.1),
            .sink_to_stream = KelvinsPerWatt(0.03 / speed)};
  }
  [[nodiscard]] WattsPerKelvin stream(double speed, Temperature) const override {
    return WattsPerKelvin(200 * speed);
  }
  [[nodiscard]] WattsPerKelvin whole_stream(double speed, Temperature) const override {
    return WattsPerKelvin(500 * speed);
  }
  [[nodiscard]] double upstream_share() const override { return 0.2; }
  [[nodiscard]] double captured_share() const override { return 0.7; }
  [[nodiscard]] Watts mover_power(double) const override { return {}; }
  [[nodiscard]] double least_speed() const override { return 0.2; }
  [[nodiscard]] double control(double speed, const ControlInput&) const override { return speed; }
};

constexpr int kDevices = 6;
const Temperature kInlet = Temperature::celsius(27.3);

ServerHeat uneven() {
  ServerHeat heat{.die = {}, .memory = {}, .others = Watts(1500)};
  for (int i = 0; i < kDevices; ++i) {
    heat.die.emplace_back(400 + 45.0 * i);
    heat.memory.emplace_back(90 - 7.0 * i);
  }
  return heat;
}

Watts total(const ServerHeat& heat) {
  Watts sum = heat.others;
  for (int i = 0; i < kDevices; ++i)
    sum += heat.die[static_cast<std::size_t>(i)] + heat.memory[static_cast<std::size_t>(i)];
  return sum;
}

TEST(ServerNetwork, SettlesByHandArithmetic) {
  const Fake cooling;
  ServerNetwork server(cooling, kDevices);
  const ServerHeat heat{.die = std::vector<Watts>(kDevices, Watts(600)),
                        .memory = std::vector<Watts>(kDevices, Watts(90)),
                        .others = Watts(1500)};
  server.settle(heat, {.speed = 1, .inlet = kInlet});
  const double first = 27.3 + 0.2 * 1500 / 200, second = first + 3 * 690 / 200.0;
  EXPECT_NEAR(server.sink(0).celsius(), first + 690 * 0.03, 1e-9);
  EXPECT_NEAR(server.die(0).celsius(), first + 690 * 0.03 + 600 * 0.01, 1e-9);
  EXPECT_NEAR(server.memory(5).celsius(), second + 690 * 0.03 + 90 * 0.1, 1e-9);
  EXPECT_EQ(server.hottest_die(), max(server.die(3), max(server.die(4), server.die(5))));
  EXPECT_EQ(server.hottest_memory(),
            max(server.memory(3), max(server.memory(4), server.memory(5))));
  const ServerExchange rest = server.advance(heat, {.speed = 1, .inlet = kInlet}, Seconds(10));
  EXPECT_NEAR(rest.outlet.celsius(), 27.3 + (6 * 690 + 0.7 * 1500) / 500, 1e-9);
  EXPECT_NEAR(rest.room.si(), 0.3 * 1500 * 10, 1e-9);
  EXPECT_NEAR(rest.stored.si(), 0, 1e-6);  // of 13 MJ held above absolute zero
}

// The same server with every device a part of one network.
Layout whole_layout() {
  const Fake cooling;
  const HeatPath path = cooling.path(1, kInlet);
  Layout layout;
  const int inlet = layout.boundary();
  for (int i = 0; i < kDevices; ++i) {
    const int die = layout.state(path.die_capacity), memory = layout.state(path.memory_capacity);
    const int sink = layout.state(path.sink_capacity);
    layout.conduct(die, sink, 1 / path.die_to_sink);
    layout.conduct(memory, sink, 1 / path.memory_to_sink);
  }
  int upstream = layout.junction();
  layout.stream(inlet, upstream, cooling.stream(1, kInlet));
  for (int row = 0; row < 2; ++row) {
    const int downstream = layout.junction();
    layout.stream(upstream, downstream, cooling.stream(1, kInlet));
    for (int i = 3 * row; i < 3 * row + 3; ++i)
      layout.exchange(3 + 3 * i, upstream, downstream, 1 / path.sink_to_stream);
    upstream = downstream;
  }
  return layout;
}

TEST(ServerNetwork, AgreesWithTheNetworkOfAllDevices) {
  const Fake cooling;
  ServerNetwork server(cooling, kDevices);
  const ServerHeat heat = uneven();
  const Network network(whole_layout());
  std::vector<Watts> heats(network.size());
  for (std::size_t i = 0; i < kDevices; ++i) {
    heats[1 + 3 * i] = heat.die[i];
    heats[2 + 3 * i] = heat.memory[i];
  }
  heats[1 + 3 * kDevices] = heat.others * 0.2;
  std::vector<Temperature> all(network.size(), Temperature::celsius(25)), mean = all;
  all[0] = kInlet;
  for (const double t : {0.01, 1.0, 30.0, 600.0}) {
    server.advance(heat, {.speed = 1, .inlet = kInlet}, Seconds(t));
    network.advance(heats, Seconds(t), all, mean);
    for (int i = 0; i < kDevices; ++i) {
      const std::size_t first = 1 + 3 * static_cast<std::size_t>(i);
      EXPECT_NEAR(server.die(i).kelvin(), all[first].kelvin(), 1e-9);
      EXPECT_NEAR(server.memory(i).kelvin(), all[first + 1].kelvin(), 1e-9);
      EXPECT_NEAR(server.sink(i).kelvin(), all[first + 2].kelvin(), 1e-9);
    }
  }
}

TEST(ServerNetwork, LosesNoHeat) {
  const Fake cooling;
  ServerNetwork server(cooling, kDevices);
  const ServerHeat heat = uneven();
  double speed = 1;
  for (const double t : {1e-3, 0.05, 1.0, 12.0, 300.0, 86400.0}) {
    const ServerExchange went = server.advance(heat, {.speed = speed, .inlet = kInlet}, Seconds(t));
    const double put_in = total(heat).si() * t;
    EXPECT_NEAR((went.stream + went.room + went.stored).si(), put_in, 1e-9 * put_in);
    speed -= 0.1;
  }
}

TEST(ServerNetwork, StandsStillOverNoTime) {
  const Fake cooling;
  ServerNetwork server(cooling, kDevices);
  server.settle(uneven(), {.speed = 1, .inlet = kInlet});
  const Temperature die = server.die(4);
  const ServerExchange went = server.advance(uneven(), {.speed = 1, .inlet = kInlet}, Seconds());
  EXPECT_NEAR((server.die(4) - die).si(), 0, 1e-9);
  EXPECT_EQ(went.stream, Joules());
  EXPECT_NEAR(went.outlet.celsius(), 27.3 + (total(uneven()).si() - 0.3 * 1500) / 500, 1e-9);
}

TEST(ServerNetwork, IsNeverHotterWithMoreFlow) {
  const Fake cooling;
  ServerNetwork server(cooling, kDevices);
  Temperature before = Temperature::celsius(1000);
  for (double speed = 0.2; speed <= 1; speed += 0.0125) {
    server.settle(uneven(), {.speed = speed, .inlet = kInlet});
    EXPECT_LE(server.hottest_die(), before);
    before = server.hottest_die();
  }
}

TEST(ServerNetwork, FollowsTheInletExactly) {
  const Fake cooling;
  ServerNetwork server(cooling, kDevices);
  server.settle(uneven(), {.speed = 1, .inlet = kInlet});
  const Temperature die = server.hottest_die();
  server.settle(uneven(), {.speed = 1, .inlet = kInlet + Kelvins(0.01)});
  EXPECT_NEAR((server.hottest_die() - die).si(), 0.01, 1e-9);
}

// More speeds and inlets than the cache holds.
TEST(ServerNetwork, AnswersAlikeAfterForgetting) {
  const Fake cooling;
  ServerNetwork server(cooling, kDevices);
  server.settle(uneven(), {.speed = 1, .inlet = kInlet});
  const Temperature die = server.hottest_die();
  for (int i = 0; i < 200; ++i)
    server.settle(uneven(), {.speed = 0.5, .inlet = Temperature::celsius(20 + i)});
  server.settle(uneven(), {.speed = 1, .inlet = kInlet});
  EXPECT_EQ(server.hottest_die(), die);
}

TEST(ServerNetwork, RejectsHeatOfAnotherCountOfDevices) {
  const Fake cooling;
  ServerNetwork server(cooling, kDevices);
  EXPECT_THROW(server.settle({.die = {Watts(1)}, .memory = {Watts(1)}, .others = {}},
                             {.speed = 1, .inlet = kInlet}),
               InternalError);
}

}  // namespace
}  // namespace orrery::thermal
