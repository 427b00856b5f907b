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
  return fmt::format("a quantity in {}", symbols);
}

}  // namespace orrery
