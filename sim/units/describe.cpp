#include <fmt/core.h>

#include <string_view>

#include <orrery/quantity.hpp>

namespace orrery {
namespace {

struct Name {
  Dimension dimension;
  std::string_view text;
};

constexpr Name kNames[] = {
    {{}, "a bare number such as '0.5'"},
    {Seconds::kDimension, "a time such as '5 us'"},
    {Hertz::kDimension, "a frequency such as '1.98 GHz'"},
    {Bytes::kDimension, "a size such as '80 GB'"},
    {BytesPerSecond::kDimension, "a bandwidth such as '50 GB/s'"},
    {Flops::kDimension, "an amount of work such as '10 TFLOP'"},
    {FlopsPerSecond::kDimension, "a compute rate such as '989 TFLOP/s'"},
    {Joules::kDimension, "an energy such as '5 kJ'"},
    {Watts::kDimension, "a power such as '700 W'"},
    {JoulesPerFlop::kDimension, "an energy per operation such as '0.4 pJ/FLOP'"},
    {JoulesPerByte::kDimension, "an energy per amount of data such as '5 pJ/bit'"},
    {Kelvins::kDimension, "a temperature difference such as '5 K'"},
    {PerKelvin::kDimension, "a temperature coefficient such as '0.015 /K'"},
    {KelvinsPerWatt::kDimension, "a thermal resistance such as '0.03 K/W'"},
    {WattsPerKelvin::kDimension, "a conductance such as '50 W/K'"},
    {JoulesPerKelvin::kDimension, "a heat capacity such as '200 J/K'"},
    {CubicMetresPerSecond::kDimension, "a flow such as '1105 CFM' or '20 L/min'"},
    {Kilograms::kDimension, "a mass such as '5 kg'"},
    {KilogramsPerSecond::kDimension, "a mass flow such as '0.5 kg/s'"},
    {KilogramsPerCubicMetre::kDimension, "a density such as '1010 kg/m3'"},
    {JoulesPerKilogramKelvin::kDimension, "a specific heat such as '3969 J/(kg K)'"},
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

}  // namespace orrery
