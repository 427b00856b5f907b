// What a server's cooling says of bad input.
#include <gtest/gtest.h>

#include "models/cooling/server_support.hpp"

namespace orrery::cooling_test {
namespace {

template <class Action>
std::string message(const Action& action) {
  try {
    action();
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "no error";
}

std::string reading(const std::string& text) {
  return message([&] { make_cooling(text); });
}

void expect_in(const std::string& message, const std::string& part) {
  EXPECT_NE(message.find(part), std::string::npos) << message;
}

TEST(ServerErrors, NamesTheKeyOfAValueThatIsNotPositive) {
  const std::string flow = reading("{use: cooling/air-8gpu-h100, flow: 0 CFM}");
  expect_in(flow, "cooling.yaml:1:");
  expect_in(flow, "flow");
  expect_in(reading("{use: cooling/air-8gpu-h100, sink: {film: 0 K/W}}"), "film");
  expect_in(reading("{use: cooling/liquid-8gpu-h100, plate: {base: -0.01 K/W}}"), "base");
  expect_in(reading("{use: cooling/liquid-8gpu-h100, flow: 0 L/min}"), "flow");
  expect_in(reading("{use: cooling/liquid-8gpu-h100, fan_power: -1 W}"), "fan_power");
  expect_in(reading("{use: cooling/immersion-8gpu-h100, sink: {capacity: 0 J/K}}"), "capacity");
}

TEST(ServerErrors, SuggestsAKey) {
  expect_in(reading("{use: cooling/air-8gpu-h100, lest_speed: 0.3}"),
            "did you mean 'least_speed'?");
}

TEST(ServerErrors, NamesBandsAndFloorsThatFall) {
  expect_in(reading("{use: cooling/air-8gpu-h100, control: {die: {high: 40 degC}}}"), "45.0 degC");
  expect_in(reading("{use: cooling/air-8gpu-h100, control: {inlet: [{at: 30 degC, speed: 0.3}, "
                    "{at: 25 degC, speed: 0.5}]}}"),
            "must rise");
  expect_in(reading("{use: cooling/liquid-8gpu-h100, upstream_share: 0.6}"), "captured_share");
}

TEST(ServerErrors, NamesRowsThatDoNotAddUp) {
  const auto cooling = make_cooling("{use: cooling/air-8gpu-h100, rows: [4, 3]}");
  const std::string text = message([&] { (void)cooling->rows(8); });
  expect_in(text, "cooling.yaml:1:");
  expect_in(text, "expected 8; got '7' of [4, 3]");
  expect_in(reading("{use: cooling/air-8gpu-h100, rows: []}"), "rows");
}

TEST(ServerErrors, NamesACoolantThatIsFrozen) {
  const auto water = make_cooling("{use: cooling/liquid-8gpu-h100, coolant: water}");
  const std::string text = message([&] { (void)water->stream(1, Temperature::celsius(-1)); });
  expect_in(text, "cooling.yaml:1:");
  expect_in(text, "coolant water is frozen at the server's inlet; expected above 0.0 degC");
  const auto tank = entry("immersion-8gpu-h100");
  expect_in(message([&] { (void)tank->path(1, Temperature::celsius(-60)); }), "does not flow");
  const auto pg25 = entry("liquid-8gpu-h100");
  EXPECT_NO_THROW((void)pg25->path(1, Temperature::celsius(-5)));
}

}  // namespace
}  // namespace orrery::cooling_test
