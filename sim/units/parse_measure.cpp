#include <fmt/core.h>

#include <charconv>
#include <cmath>
#include <stdexcept>
#include <string_view>
#include <vector>

#include <orrery/quantity.hpp>

#include "units/spelling.hpp"
#include "units/unit_table.hpp"

namespace orrery {
namespace {

[[noreturn]] void reject(const std::string& what) { throw std::invalid_argument(what); }

bool is_one_of(char c, std::string_view characters) {
  return characters.find(c) != std::string_view::npos;
}

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(' ');
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(' ') - first + 1);
}

/// Takes the number off the front of `text`.
double take_number(std::string_view& text) {
  const bool plus = text.size() > 1 && text[0] == '+' && text[1] != '-';
  const char* const begin = text.data() + (plus ? 1 : 0);
  double value = 0.0;
  const auto [end, failure] = std::from_chars(begin, text.data() + text.size(), value);
  if (failure == std::errc::result_out_of_range) reject("the number is out of range");
  if (failure != std::errc{}) reject("it does not start with a number");
  if (!std::isfinite(value)) reject("the number is not finite");
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return value;
}

/// "Gb/s" and "Gbps" mean bits to those who write them, though "GB/s" is the nearer spelling.
std::string bit_rate_meant_by(const std::string& symbol) {
  const bool prefixed = symbol.size() == 4 && is_one_of(symbol[0], "kMGT");
  if (!prefixed || (symbol.substr(1) != "b/s" && symbol.substr(1) != "bps")) return {};
  return fmt::format("{}bit/s", symbol[0]);
}

const Unit& find_unit(const std::string& symbol) {
  std::vector<std::string> symbols;
  for (const Unit& unit : units()) {
    if (unit.symbol == symbol) return unit;
    symbols.emplace_back(unit.symbol);
  }
  std::string near = bit_rate_meant_by(symbol);
  if (near.empty()) near = closest(symbol, symbols);
  if (near.empty()) reject(fmt::format("unknown unit '{}'", symbol));
  reject(fmt::format("unknown unit '{}'; did you mean '{}'?", symbol, near));
}

}  // namespace

Measure parse_measure(const std::string& text) {
  const std::string_view whole = trimmed(text);
  std::string_view rest = whole;
  const double number = take_number(rest);
  if (rest.empty()) return {number, {}};
  const std::string_view digits = whole.substr(0, whole.size() - rest.size());
  const std::string symbol(trimmed(rest));
  if (is_one_of(symbol.front(), "0123456789.,_+-")) {
    reject(fmt::format("the number is malformed after '{}'", digits));
  }
  const Unit& unit = find_unit(symbol);
  if (rest.front() != ' ') {
    reject(fmt::format("no space before the unit; write '{} {}'", digits, symbol));
  }
  const double value = number * unit.scale + unit.zero;
  if (!std::isfinite(value)) reject("the number is out of range");
  return {value, unit.dimension, unit.absolute};
}

}  // namespace orrery
