// The reads of Reader that end in a number.

#include <fmt/core.h>

#include <charconv>
#include <cmath>
#include <limits>
#include <optional>
#include <stdexcept>
#include <system_error>

#include <orrery/field.hpp>
#include <orrery/reader.hpp>

#include "config/reader_messages.hpp"

namespace orrery {
namespace {

template <class T>
std::optional<T> parse(const std::string& text) {
  const bool plus = text.starts_with('+') && !text.starts_with("+-");
  const char* const end = text.data() + text.size();
  T value{};
  const auto [stop, failure] = std::from_chars(text.data() + (plus ? 1 : 0), end, value);
  return failure == std::errc{} && stop == end ? std::optional(value) : std::nullopt;
}

/// Also takes "15e12": token counts are written so.
std::optional<std::int64_t> parse_integer(const std::string& text) {
  if (const auto plain = parse<std::int64_t>(text)) return plain;
  constexpr double kExact = 9007199254740992.0;  // 2^53: beyond it doubles skip integers
  const auto value = parse<double>(text);
  const bool scientific = text.find_first_of("eE") != std::string::npos;
  if (!value || !scientific || !(std::abs(*value) <= kExact)) return std::nullopt;
  if (*value != std::floor(*value)) return std::nullopt;
  return static_cast<std::int64_t>(*value);
}

/// As expected_but_got(), where quotes make a number text.
std::string no_number(const std::string& key, const std::string& expected, const Node& got) {
  return expected_but_got(key, expected, got) + (got.quoted() ? " in quotes; remove them" : "");
}

std::string integer_from(std::int64_t minimum) {
  return minimum == std::numeric_limits<std::int64_t>::min()
             ? "an integer"
             : fmt::format("an integer of at least {}", minimum);
}

std::string number_between(double low, double high) {
  if (std::isinf(low) && std::isinf(high)) return "a number without a unit";
  if (std::isinf(high)) return fmt::format("a number of at least {} without a unit", low);
  if (std::isinf(low)) return fmt::format("a number of at most {} without a unit", high);
  return fmt::format("a number between {} and {} without a unit", low, high);
}

std::optional<std::int64_t> integer_in(const Node& value, std::int64_t minimum) {
  if (value.kind() != Node::Kind::Scalar || value.quoted()) return std::nullopt;
  const auto number = parse_integer(value.text());
  return number && *number >= minimum ? number : std::nullopt;
}

/// A value in SI units, or what is wrong with it.
struct Checked {
  double value = 0.0;
  std::string problem = {};
};

Checked check_measure(const std::string& key, const Node& node, Dimension dimension) {
  const std::string wrong = expected_but_got(key, describe(dimension), node);
  if (node.kind() != Node::Kind::Scalar) return {.problem = wrong};
  try {
    const Measure found = parse_measure(node.text());
    if (found.dimension == dimension && !found.absolute) return {.value = found.value};
    return {.problem = wrong + (found.dimension == Dimension{} ? " without a unit" : "")};
  } catch (const std::invalid_argument& problem) {
    return {.problem = fmt::format("{}; {}", wrong, problem.what())};
  }
}

/// "bandwidth: must not be negative; expected a bandwidth such as '50 GB/s'; got '-1 GB/s'".
std::string out_of_range(const std::string& key, const char* rule, const Node& node,
                         Dimension dimension) {
  return fmt::format("{}: {}; expected {}; got '{}'", key, rule, describe(dimension), node.text());
}

}  // namespace

namespace {

/// What is wrong with a value beyond `low` or `high`.
std::string beyond(const std::string& key, double value, double low, double high, const Node& node,
                   Dimension dimension) {
  const bool small = value < low;
  const std::string rule = small && low == 0 ? std::string("must not be negative")
                           : small ? "must be at least " + in_shortest_unit(low, dimension)
                                   : "must be at most " + in_shortest_unit(high, dimension);
  return out_of_range(key, rule.c_str(), node, dimension);
}

/// What is wrong with a value that no quantity of its dimension has; empty when nothing is.
std::string absurd(const std::string& key, double value, const Node& node, Dimension dimension) {
  const Limits limits = limits_of(dimension);
  if (value == 0 || (value >= limits.low && value <= limits.high)) return "";
  return beyond(key, value, limits.low, limits.high, node, dimension);
}

}  // namespace

double Reader::measure_within(const std::string& key, Dimension dimension, double low,
                              double high) {
  const Node* node = take(key, true);
  if (node == nullptr) return low;
  Checked checked = check_measure(key, *node, dimension);
  if (checked.problem.empty() && (checked.value < low || checked.value > high)) {
    checked.problem = beyond(key, checked.value, low, high, *node, dimension);
  }
  if (checked.problem.empty()) return checked.value;
  error(key, checked.problem);
  return low;
}

double Reader::measure(const std::string& key, Dimension dimension,
                       std::optional<double> fallback) {
  const Node* node = take(key, !fallback);
  const double harmless = fallback.value_or(0.0);
  if (node == nullptr) return harmless;
  Checked checked = check_measure(key, *node, dimension);
  if (checked.problem.empty() && checked.value < 0.0) {
    checked.problem = out_of_range(key, "must not be negative", *node, dimension);
  }
  if (checked.problem.empty()) checked.problem = absurd(key, checked.value, *node, dimension);
  if (checked.problem.empty()) return checked.value;
  error(key, checked.problem);
  return harmless;
}

double Reader::positive_measure(const std::string& key, Dimension dimension) {
  constexpr double kHarmless = 1.0;  // callers divide by it before the errors are thrown
  const Node* node = take(key, true);
  if (node == nullptr) return kHarmless;
  Checked checked = check_measure(key, *node, dimension);
  if (checked.problem.empty() && checked.value <= 0.0) {
    checked.problem = out_of_range(key, "must be greater than zero", *node, dimension);
  }
  if (checked.problem.empty()) checked.problem = absurd(key, checked.value, *node, dimension);
  if (checked.problem.empty()) return checked.value;
  error(key, checked.problem);
  return kHarmless;
}

Temperature Reader::temperature(const std::string& key, std::optional<Temperature> fallback) {
  const Temperature harmless = fallback.value_or(Temperature::celsius(25));
  const Node* node = take(key, !fallback);
  if (node == nullptr) return harmless;
  const std::string wrong = expected_but_got(key, "a temperature such as '25 degC'", *node);
  if (node->kind() != Node::Kind::Scalar) return error(key, wrong), harmless;
  try {
    const Measure found = parse_measure(node->text());
    const bool right = found.absolute && found.value > 0;
    if (right) return Temperature::kelvin(found.value);
    error(key, found.absolute ? wrong + ", which is below absolute zero" : wrong);
  } catch (const std::invalid_argument& problem) {
    error(key, fmt::format("{}; {}", wrong, problem.what()));
  }
  return harmless;
}

std::int64_t Reader::integer(const std::string& key, std::int64_t minimum) {
  const Node* value = take(key, true);
  if (value == nullptr) return minimum;
  const auto number = integer_in(*value, minimum);
  if (!number) error(key, no_number(key, integer_from(minimum), *value));
  return number.value_or(minimum);
}

std::int64_t Reader::integer_or(const std::string& key, std::int64_t fallback,
                                std::int64_t minimum) {
  return has(key) ? integer(key, minimum) : (ignore(key), fallback);
}

std::vector<std::int64_t> Reader::integers(const std::string& key, std::int64_t minimum) {
  const Node* value = take(key, true);
  if (value == nullptr) return {};
  const std::string expected = integer_from(minimum);
  if (value->kind() != Node::Kind::Sequence) {
    error(key, no_number(key, "a sequence such as [1, 2]", *value));
  }
  std::vector<std::int64_t> result;
  for (const Node& item : value->items()) {
    const auto number = integer_in(item, minimum);
    if (!number) diagnostics_->error(item.where(), no_number(key, expected, item));
    result.push_back(number.value_or(minimum));
  }
  return result;
}

std::optional<double> Reader::number(const std::string& key, const Node& value,
                                     const char* expected) {
  if (value.kind() == Node::Kind::Scalar && !value.quoted()) {
    const auto found = parse<double>(value.text());
    if (found && std::isfinite(*found)) return found;
  }
  diagnostics_->error(value.where(), no_number(key, expected, value));
  return std::nullopt;
}

double Reader::ratio(const std::string& key, double low, double high) {
  const Node* value = take(key, true);
  const double harmless = std::isfinite(low) ? low : 0.0;
  if (value == nullptr) return harmless;
  const std::string expected = number_between(low, high);
  const auto found = number(key, *value, expected.c_str());
  if (!found) return harmless;
  if (*found >= low && *found <= high) return *found;
  error(key, no_number(key, expected, *value));
  return harmless;
}

double Reader::ratio_or(const std::string& key, double fallback, double low, double high) {
  return has(key) ? ratio(key, low, high) : (ignore(key), fallback);
}

bool Reader::boolean_or(const std::string& key, bool fallback) {
  const Node* value = take(key, false);
  if (value == nullptr) return fallback;
  const bool plain = value->kind() == Node::Kind::Scalar && !value->quoted();
  if (plain && value->text() == "true") return true;
  if (plain && value->text() == "false") return false;
  error(key, no_number(key, "true or false", *value));
  return fallback;
}

}  // namespace orrery
