#include <fmt/core.h>

#include <string_view>

#include <orrery/quantity.hpp>

namespace orrery {
namespace {

struct Name {
  Dimension dimension;
  std::string_view text;
  Limits limits;
};

constexpr Name kNames[] = {
    {{}, "a bare number such as '0.5'", {1e-30, 1e30}},
    {Seconds::kDimension, "a time such as '5 us'", {1e-18, 1e10}},
    {Hertz::kDimension, "a frequency such as '1.98 GHz'", {1e-6, 1e15}},
    {Bytes::kDimension, "a size such as '80 GB'", {1e-9, 1e24}},
    {BytesPerSecond::kDimension, "a bandwidth such as '50 GB/s'", {1.0, 1e27}},
    {Flops::kDimension, "an amount of work such as '10 TFLOP'", {1e-6, 1e30}},
    {FlopsPerSecond::kDimension, "a compute rate such as '989 TFLOP/s'", {1e-6, 1e27}},
    {Joules::kDimension, "an energy such as '5 kJ'", {1e-21, 1e21}},
    {Watts::kDimension, "a power such as '700 W'", {1e-12, 1e15}},
    {JoulesPerFlop::kDimension, "an energy per operation such as '0.4 pJ/FLOP'", {1e-24, 1e9}},
    {JoulesPerByte::kDimension, "an energy per amount of data such as '5 pJ/bit'", {1e-24, 1e9}},
    {Kelvins::kDimension, "a temperature difference such as '5 K'", {1e-9, 1e6}},
    {PerKelvin::kDimension, "a temperature coefficient such as '0.015 /K'", {1e-15, 1e6}},
    {KelvinsPerWatt::kDimension, "a thermal resistance such as '0.03 K/W'", {1e-12, 1e9}},
    {WattsPerKelvin::kDimension, "a conductance such as '50 W/K'", {1e-9, 1e12}},
    {JoulesPerKelvin::kDimension, "a heat capacity such as '200 J/K'", {1e-9, 1e15}},
    {CubicMetresPerSecond::kDimension, "a flow such as '1105 CFM' or '20 L/min'", {1e-15, 1e9}},
    {Kilograms::kDimension, "a mass such as '5 kg'", {1e-12, 1e15}},
    {KilogramsPerSecond::kDimension, "a mass flow such as '0.5 kg/s'", {1e-12, 1e12}},
    {KilogramsPerCubicMetre::kDimension, "a density such as '1010 kg/m3'", {1e-6, 1e9}},
    {JoulesPerKilogramKelvin::kDimension, "a specific heat such as '3969 J/(kg K)'", {1e-6, 1e9}},
};

void append_power(std::string& text, std::string_view symbol, int exponent) {
  if (exponent == 0) return;
  text += text.empty() ? "" : " ";
  text += exponent == 1 ? std::string(symbol) : fmt::format("{}^{}", symbol, exponent);
}

}  // namespace

std::string describe(Dimension dimension) {
  for (const Name& name : kNames) {
    if (name.dimension == dimension) return std::string(name.text);
  }
  std::string symbols;
  append_power(symbols, "B", dimension.byte);
  append_power(symbols, "FLOP", dimension.flop);
  append_power(symbols, "J", dimension.joule);
  append_power(symbols, "K", dimension.kelvin);
  append_power(symbols, "s", dimension.second);
  append_power(symbols, "m", dimension.metre);
  append_power(symbols, "kg", dimension.kilogram);
  return fmt::format("a quantity in {}", symbols);
}

Limits limits_of(Dimension dimension) {
  for (const Name& name : kNames) {
    if (name.dimension == dimension) return name.limits;
  }
  return {1e-30, 1e30};
}

}  // namespace orrery
