#include "schema/changes.hpp"

#include <algorithm>
#include <cmath>
#include <optional>
#include <stdexcept>
#include <string>

#include <fmt/format.h>

#include <orrery/quantity.hpp>

namespace orrery::schema_test {
namespace {

constexpr double kFreezing = 273.15;

// A number as a file has it, in SI units; nothing where `text` is none.
std::optional<double> number_in(const std::string& text) {
  try {
    return parse_measure(text).value;
  } catch (const std::invalid_argument&) {
    return std::nullopt;
  }
}

// "50 GB/s" of "a bandwidth such as '50 GB/s'".
double usual(const Field& field) {
  if (field.kind != Field::Kind::Quantity) return 2;
  const std::string text = describe(field.dimension);
  const std::size_t quote = text.find('\'') + 1;
  return number_in(text.substr(quote, text.find('\'', quote) - quote)).value_or(1);
}

std::string text_of(const Field& field, double value) {
  switch (field.kind) {
    case Field::Kind::Temperature:
      return fmt::format("{:.6g} degC", value - kFreezing);
    case Field::Kind::Count:
      return fmt::format("{:.0f}", value);
    case Field::Kind::Ratio:
      return fmt::format("{:.6g}", value);
    default:
      return in_shortest_unit(value, field.dimension);
  }
}

std::vector<double> near(const Field& field, std::optional<double> now) {
  if (field.kind == Field::Kind::Temperature) {
    const double value = now.value_or(kFreezing + 20);
    return {value + 5, value - 5, value + 15, value - 15, value + 1, value - 1};
  }
  const double value = now.value_or(usual(field));
  if (value == 0) return {usual(field), 1, 2, usual(field) / 10, 8};
  std::vector<double> all = {value * 1.25, value * 0.8, value * 2,    value / 2,
                             value * 8,    value / 8,   value * 1.02, value / 1.02};
  if (!now) all.insert(all.begin(), value);
  if (field.kind == Field::Kind::Count) {
    all = {value + 1, value - 1, value * 2, value / 2, value * 8, value / 8};
    if (!now) all = {1, 2, 4, 8, 3, 64, 1e6};
  }
  if (field.kind == Field::Kind::Ratio) {
    all.push_back((value + field.low) / 2);
    all.push_back((value + field.high) / 2);
  }
  return all;
}

std::vector<std::string> numbers(const Field& field, const std::optional<std::string>& now) {
  const std::optional<double> value = now ? number_in(*now) : number_in(field.fallback);
  std::vector<std::string> texts;
  for (double other : near(field, value)) {
    if (field.kind == Field::Kind::Count) other = std::round(other);
    const bool above = field.above_low ? other > field.low : other >= field.low;
    const bool temperature = field.kind == Field::Kind::Temperature;
    if (!std::isfinite(other) || other == value || (!temperature && (!above || other > field.high)))
      continue;
    texts.push_back(text_of(field, other));
  }
  return texts;
}

std::vector<std::string> scalars(const Field& field, const std::optional<std::string>& now) {
  if (field.number()) return numbers(field, now);
  std::vector<std::string> all;
  if (field.kind == Field::Kind::Switch) all = {"true", "false"};
  if (field.kind == Field::Kind::Choice) all = field.choices;
  if (field.kind == Field::Kind::Text) all = {"other words"};
  std::erase(all, now.value_or(field.fallback));
  return all;
}

Node scalar(const std::string& text, const Location& where) { return Node::scalar(text, where); }

// One element changed, two that keep their sum, or one less.
std::vector<Node> lists(const Field& field, const Node& now, const Location& where) {
  std::vector<Node> all;
  const std::vector<Node>& items = now.items();
  for (std::size_t i = 0; i < std::min<std::size_t>(items.size(), 2); ++i) {
    for (const std::string& text : scalars(field, items[i].text())) {
      std::vector<Node> other = items;
      other[i] = scalar(text, where);
      all.push_back(Node::sequence(other, where));
    }
  }
  if (field.kind == Field::Kind::Count && items.size() > 1) {
    std::vector<Node> other = items;
    other[0] = scalar(std::to_string(std::stoll(items[0].text()) + 1), where);
    other[1] = scalar(std::to_string(std::stoll(items[1].text()) - 1), where);
    all.push_back(Node::sequence(other, where));
  }
  if (items.size() > 1) all.push_back(Node::sequence({items.begin(), items.end() - 1}, where));
  return all;
}

}  // namespace

std::vector<Node> changed_values(const Field& field, const Node* now, const Location& where) {
  std::vector<Node> all;
  if (field.kind == Field::Kind::Map || field.kind == Field::Kind::Names) {
    if (now != nullptr) all.push_back(Node::null(where));
    return all;
  }
  if (field.list) {
    if (now != nullptr && now->kind() == Node::Kind::Sequence) all = lists(field, *now, where);
    if (now == nullptr) {
      for (const std::string& text : scalars(field, std::nullopt)) {
        all.push_back(Node::sequence({scalar(text, where)}, where));
      }
    }
    return all;
  }
  std::optional<std::string> text;
  if (now != nullptr) text = now->text();
  for (const std::string& other : scalars(field, text)) all.push_back(scalar(other, where));
  if (now != nullptr && !field.required) all.push_back(Node::null(where));
  return all;
}

}  // namespace orrery::schema_test
