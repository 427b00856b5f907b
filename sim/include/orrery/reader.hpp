#pragma once
/// Typed, unit-aware reading of a `Node`. Errors are collected, so that all independent mistakes of
/// a file are reported at once; a read that failed returns a harmless value and goes on.

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <orrery/node.hpp>
#include <orrery/quantity.hpp>

namespace orrery {

/// The errors of one input, in the order found.
class Diagnostics {
 public:
  void error(const Location& where, const std::string& what);
  /// As error(), with a whole message (place included).
  void error(const std::string& message) { messages_.push_back(message); }
  [[nodiscard]] bool empty() const { return messages_.empty(); }
  /// @throws ConfigError with every message, sorted by place, if there is any.
  void throw_if_any() const;

 private:
  std::vector<std::string> messages_;
};

/// Reads one map. Every key must be read or `finish()` reports it as unknown.
class Reader {
 public:
  /// `name` is what the map is called in messages ("workload"). A node that is no map is reported.
  /// `diagnostics` outlives the reader and its children.
  Reader(Node node, std::string name, Diagnostics& diagnostics);

  [[nodiscard]] const Location& where() const { return node_.where(); }
  /// The place of `key`'s value, or of the map when the key is absent.
  [[nodiscard]] Location where(const std::string& key) const;
  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] Diagnostics& diagnostics() const { return *diagnostics_; }
  [[nodiscard]] bool has(const std::string& key) const;

  /// A quantity with its unit. The one-argument forms report a missing key.
  template <class Q>
  Q quantity(const std::string& key) {
    return Q(measure(key, Q::kDimension, std::nullopt));
  }
  template <class Q>
  Q quantity(const std::string& key, Q fallback) {
    return Q(measure(key, Q::kDimension, fallback.si()));
  }
  /// A quantity that must be greater than zero.
  template <class Q>
  Q positive(const std::string& key) {
    return Q(positive_measure(key, Q::kDimension));
  }
  /// As quantity() and positive(), in SI units, of a dimension that only the run knows.
  double measure(const std::string& key, Dimension dimension, std::optional<double> fallback);
  double positive_measure(const std::string& key, Dimension dimension);
  /// From `low` to `high`, ends included.
  double measure_within(const std::string& key, Dimension dimension, double low, double high);
  /// An absolute temperature such as "25 degC", above absolute zero.
  Temperature temperature(const std::string& key, std::optional<Temperature> fallback = {});
  /// A whole number of at least `minimum`. The forms with `_or` take an absent key for `fallback`.
  std::int64_t integer(const std::string& key, std::int64_t minimum = 1);
  std::int64_t integer_or(const std::string& key, std::int64_t fallback, std::int64_t minimum = 1);
  /// A bare number in [low, high].
  double ratio(const std::string& key, double low, double high);
  double ratio_or(const std::string& key, double fallback, double low, double high);
  bool boolean_or(const std::string& key, bool fallback);
  std::string text(const std::string& key);
  std::string text_or(const std::string& key, const std::string& fallback);
  /// One of named values; others are reported with the list and a suggestion.
  template <class E>
  E choice(const std::string& key, const std::vector<std::pair<std::string, E>>& options,
           const std::optional<E>& fallback = std::nullopt) {
    const Node* value = take(key, !fallback);
    E harmless = fallback.value_or(options.front().second);
    if (value == nullptr) return harmless;
    for (const auto& [name, meaning] : options) {
      if (value->kind() == Node::Kind::Scalar && value->text() == name) return meaning;
    }
    std::vector<std::string> names;
    for (const auto& option : options) names.push_back(option.first);
    refuse_choice(key, *value, names);
    return harmless;
  }
  /// The map at `key`; when absent, reported if `required`, else an empty map is read.
  Reader child(const std::string& key, bool required = true);
  /// The sequence of maps at `key`, in file order; empty when absent and not required.
  std::vector<Reader> children(const std::string& key, bool required = true);
  /// Lists, in file order; a missing key is reported.
  std::vector<std::int64_t> integers(const std::string& key, std::int64_t minimum = 0);
  std::vector<std::string> texts(const std::string& key);
  /// The keys of this map in file order (for maps whose keys are names).
  [[nodiscard]] std::vector<std::string> keys() const;
  /// The raw node at `key` (Null when absent); marks it as read.
  Node raw(const std::string& key);
  /// Accepts a key without looking at it.
  void ignore(const std::string& key);

  /// Reports an error at `key`'s value.
  void error(const std::string& key, const std::string& what);
  /// Reports every key that nobody read, with "did you mean".
  void finish();
  /// Reports every key that is none of `known`, was not ignored and is no prose, read or not.
  void finish(std::span<const std::string* const> known);

 private:
  const Node* take(const std::string& key, bool required);
  void refuse_choice(const std::string& key, const Node& value,
                     const std::vector<std::string>& names);
  void report_unknown(std::vector<std::string> known);
  std::optional<double> number(const std::string& key, const Node& value, const char* expected);

  Node node_;
  std::string name_;
  Diagnostics* diagnostics_;
  std::vector<std::string> known_;    ///< keys asked for, for suggestions
  std::vector<std::string> ignored_;  ///< of them, those that nobody looks at
};

}  // namespace orrery
