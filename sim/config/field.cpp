#include <orrery/field.hpp>

#include <cmath>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "units/unit_table.hpp"

namespace orrery {
namespace {

/// "bandwidth" of "a bandwidth such as '50 GB/s'".
std::string name_of(Dimension dimension) {
  std::string text = describe(dimension);
  text = text.substr(0, text.find(" such as"));
  for (const char* article : {"a ", "an "}) {
    if (text.starts_with(article)) return text.substr(std::string(article).size());
  }
  return text;
}

/// " in GB/s" of the same; empty where it has no example.
std::string unit_of(Dimension dimension) {
  const std::string text = describe(dimension);
  const std::size_t quote = text.find('\'');
  if (quote == std::string::npos) return "";
  const std::size_t space = text.find(' ', quote);
  if (space == std::string::npos) return "";
  return " in " + text.substr(space + 1, text.find('\'', space) - space - 1);
}

std::string plural(const std::string& name) {
  if (name.ends_with('y')) return name.substr(0, name.size() - 1) + "ies";
  return name + "s";
}

std::string one_of(const Field& field) {
  switch (field.kind) {
    case Field::Kind::Quantity:
      return name_of(field.dimension);
    case Field::Kind::Temperature:
      return "temperature in degC";
    case Field::Kind::Count:
      return "count";
    case Field::Kind::Ratio:
      return "ratio";
    case Field::Kind::Switch:
      return "boolean";
    case Field::Kind::Choice:
      return fmt::format("{}", fmt::join(field.choices, ", "));
    case Field::Kind::Text:
      return "text";
    case Field::Kind::Map:
    case Field::Kind::Names:
      return "map";
  }
  return "";
}

std::string bound_text(double si, const Field& field) {
  return in_shortest_unit(si, field.dimension);
}

std::string digits_of(double value) {
  constexpr double kWritten = 1e15;  // beyond it nobody counts zeros
  const bool whole = value == std::floor(value) && std::abs(value) < kWritten;
  return whole ? fmt::format("{:.0f}", value) : fmt::format("{:.6g}", value);
}

// How long a text is to read: a power of ten is longer than its zeros.
std::size_t length_of(const std::string& text) {
  constexpr std::size_t kPower = 8;
  return text.size() + (text.find("e+") != std::string::npos ? kPower : 0);
}

}  // namespace

const std::vector<std::string>& prose_keys() {
  static const std::vector<std::string> keys = {"source", "notes"};
  return keys;
}

std::vector<Table> with_entries(const Table& table) {
  std::vector<Table> all = {table};
  for (const Field& field : table.fields) {
    const bool named = !field.entry.empty();
    for (Table& below : with_entries({.name = field.entry, .fields = field.fields})) {
      if (named || !below.name.empty()) all.push_back(std::move(below));
    }
  }
  return all;
}

std::string type_of(const Field& field) {
  const std::string unit = field.kind == Field::Kind::Quantity ? unit_of(field.dimension) : "";
  const std::string one = one_of(field);
  if (!field.list) return one + unit;
  return "list of " + (field.kind == Field::Kind::Choice ? one : plural(one)) + unit;
}

std::string range_of(const Field& field) {
  if (!field.number()) return "";
  constexpr double kBeyondUse = 1e6;  // a bound that only keeps numbers in their types
  const bool low = field.low > -Field::kUnbounded;
  const bool high = field.high < kBeyondUse;
  if (field.kind == Field::Kind::Quantity && !high) return field.above_low ? "> 0" : "";
  if (low && high) {
    return fmt::format("{} to {}", bound_text(field.low, field), bound_text(field.high, field));
  }
  if (low) return fmt::format("at least {}", bound_text(field.low, field));
  return high ? fmt::format("at most {}", bound_text(field.high, field)) : "";
}

std::string in_shortest_unit(double si, Dimension dimension) {
  std::string shortest;
  for (const Unit& unit : units()) {
    if (!(unit.dimension == dimension) || unit.absolute) continue;
    const std::string text = digits_of(si / unit.scale) + " " + std::string(unit.symbol);
    if (shortest.empty() || length_of(text) < length_of(shortest)) shortest = text;
    if (si == 0) break;  // in the plain unit, which comes first
  }
  return shortest.empty() ? digits_of(si) : shortest;
}

}  // namespace orrery
