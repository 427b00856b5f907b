#pragma once
/// A table of fields bound to the members of a Spec: one line says what a key is called, what it
/// may be, where it goes and what it means, and drives reading, messages and documentation.
///
///   const Schema<Chip>& chip_schema() {
///     using namespace schema;
///     static const Schema<Chip> result("chip.mine", {
///         required("rate", &Chip::rate, positive, "of matrix multiplies"),
///         optional("share", &Chip::share, between(0, 1), "of it that is reached"),
///     });
///     return result;
///   }
///   Chip chip = chip_schema().read(reader);       // and registry.accelerators.add(…, table())
///
/// Mistakes go to the reader's diagnostics; a Spec that was read with mistakes holds harmless
/// values and must not be used. Keys that no field names are reported with a suggestion.

#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <orrery/field.hpp>
#include <orrery/reader.hpp>

namespace orrery {

template <class Spec>
class Schema;

/// A field and how it is read into a Spec.
template <class Spec>
struct Binding {
  using Read = std::function<void(Reader&, Spec&)>;
  Field field;
  Read read;
};

/// All of `fields`, then all of `more`.
template <class Spec>
std::vector<Binding<Spec>> operator+(std::vector<Binding<Spec>> fields,
                                     std::vector<Binding<Spec>> more) {
  for (Binding<Spec>& field : more) fields.push_back(std::move(field));
  return fields;
}

namespace schema {

struct Anything {};
struct Positive {};
struct Between {
  double low, high;
};
struct Whole {
  std::int64_t low, high;
};
template <class E>
using Choices = std::vector<std::pair<std::string, E>>;

/// A quantity greater than zero. Without it a quantity is not negative.
inline constexpr Positive positive{};
/// A bare number, ends included.
constexpr Between between(double low, double high) { return {low, high}; }
constexpr Between at_least(double low) { return {low, Field::kUnbounded}; }
/// As many as a double counts one by one.
inline constexpr std::int64_t kMostExact = std::int64_t{1} << 53;
/// A whole number, ends included.
constexpr Whole whole(std::int64_t low = 1, std::int64_t high = 1'000'000'000) {
  return {low, high};
}

namespace detail {

/// A whole number in `limit`; reported at `key` when it is not.
std::int64_t read_whole(Reader& reader, const std::string& key, const Whole& limit);

template <class T>
concept IsQuantity = requires { T::kDimension; };
template <class T>
struct Plain {
  using type = T;
};
template <class T>
struct Plain<std::optional<T>> {
  using type = T;
};
template <class T>
struct Plain<std::vector<T>> {
  using type = T;
};
template <class T>
inline constexpr bool kIsList = false;
template <class T>
inline constexpr bool kIsList<std::vector<T>> = true;
/// The type of one value. "auto" may be a choice that leaves an optional empty.
template <class Member, class Limit>
using Value = std::conditional_t<std::is_same_v<Limit, Choices<Member>>, Member,
                                 typename Plain<Member>::type>;
template <class T>
inline constexpr bool kIsSchema = false;
template <class T>
inline constexpr bool kIsSchema<const Schema<T>*> = true;

template <class T, class Limit>
void describe_type(Field& field, const Limit& limit) {
  if constexpr (kIsSchema<Limit>) {
    field.kind = Field::Kind::Map;
    field.fields = limit->table().fields;
  } else if constexpr (IsQuantity<T>) {
    field.kind = Field::Kind::Quantity;
    field.dimension = T::kDimension;
    field.low = 0;
    field.above_low = std::is_same_v<Limit, Positive>;
  } else if constexpr (std::is_same_v<T, Temperature>) {
    field.kind = Field::Kind::Temperature;
  } else if constexpr (std::is_same_v<Limit, Between> || std::is_same_v<Limit, Whole>) {
    field.kind = std::is_same_v<Limit, Whole> ? Field::Kind::Count : Field::Kind::Ratio;
    field.low = static_cast<double>(limit.low);
    field.high = static_cast<double>(limit.high);
  } else if constexpr (std::is_same_v<T, std::string>) {
    field.kind = Field::Kind::Text;
  } else if constexpr (std::is_same_v<Limit, Choices<T>>) {
    field.kind = Field::Kind::Choice;
    for (const auto& option : limit) field.choices.push_back(option.first);
  } else {
    static_assert(std::is_same_v<T, bool>, "no limit says what this member may be");
    field.kind = Field::Kind::Switch;
  }
}

/// `value` as a file would have it.
template <class T, class Limit>
std::string text_of(const T& value, const Limit& limit) {
  if constexpr (IsQuantity<T>) {
    return in_shortest_unit(value.si(), T::kDimension);
  } else if constexpr (std::is_same_v<T, Temperature>) {
    return to_text(value);
  } else if constexpr (std::is_same_v<Limit, Choices<T>>) {
    for (const auto& option : limit) {
      if (option.second == value) return option.first;
    }
    return "";
  } else if constexpr (std::is_same_v<T, bool>) {
    return value ? "true" : "false";
  } else if constexpr (std::is_same_v<T, std::string>) {
    return value;
  } else if constexpr (std::is_arithmetic_v<T>) {
    return in_shortest_unit(static_cast<double>(value), {});
  } else {
    return "";
  }
}

/// The value at `key`; `now` is what the member holds already.
template <class T, class Limit>
T value_at(Reader& reader, const std::string& key, const Limit& limit, const T& now) {
  if constexpr (kIsSchema<Limit>) {
    T value = now;
    Reader child = reader.child(key);
    limit->read(child, value);
    return value;
  } else if constexpr (std::is_same_v<Limit, Positive>) {
    return reader.positive<T>(key);
  } else if constexpr (IsQuantity<T>) {
    return reader.quantity<T>(key);
  } else if constexpr (std::is_same_v<T, Temperature>) {
    return reader.temperature(key);
  } else if constexpr (std::is_same_v<Limit, Between>) {
    return static_cast<T>(reader.ratio(key, limit.low, limit.high));
  } else if constexpr (std::is_same_v<Limit, Whole>) {
    return static_cast<T>(read_whole(reader, key, limit));
  } else if constexpr (std::is_same_v<T, std::string>) {
    return reader.text(key);
  } else if constexpr (std::is_same_v<T, bool> && std::is_same_v<Limit, Anything>) {
    return reader.boolean_or(key, now);
  } else {
    return reader.choice<T>(key, limit);
  }
}

template <class T, class Limit>
std::vector<T> list_at(Reader& reader, const std::string& key, const Limit& limit) {
  std::vector<T> list;
  if constexpr (kIsSchema<Limit>) {
    for (Reader& item : reader.children(key)) list.push_back(limit->read(item));
  } else if constexpr (std::is_same_v<T, std::string>) {
    list = reader.texts(key);
  } else {
    for (const std::int64_t item : reader.integers(key, limit.low)) {
      list.push_back(static_cast<T>(item));
    }
  }
  return list;
}

template <class Spec, class Member, class Limit>
typename Binding<Spec>::Read reading(std::string key, Member Spec::* member, Limit limit) {
  using T = Value<Member, Limit>;
  return [key = std::move(key), member, limit = std::move(limit)](Reader& reader, Spec& spec) {
    if constexpr (kIsList<Member>) {
      spec.*member = list_at<T>(reader, key, limit);
    } else if constexpr (std::is_same_v<T, Member>) {
      spec.*member = value_at<T>(reader, key, limit, spec.*member);
    } else {
      spec.*member = value_at<T>(reader, key, limit, T{});
    }
  };
}

}  // namespace detail

/// A key that must be there. `Member` is a Quantity, Temperature, number, bool, string, an enum
/// with Choices, a Spec with its Schema, a vector of those, or an optional of them. `limit` is
/// positive, between(), whole(), Choices or a pointer to a Schema; the reference's lifetime is the
/// program's.
template <class Spec, class Member, class Limit>
Binding<Spec> required(const std::string& key, Member Spec::* member, Limit limit,
                       const std::string& doc) {
  Field field{.key = key, .list = detail::kIsList<Member>, .doc = doc};
  detail::describe_type<detail::Value<Member, Limit>>(field, limit);
  return {std::move(field), detail::reading(key, member, std::move(limit))};
}
template <class Spec, class Member>
Binding<Spec> required(const std::string& key, Member Spec::* member, const std::string& doc) {
  return required(key, member, Anything{}, doc);
}

/// A key that may be absent: the member then keeps what it holds, which the documentation takes
/// from `Spec{}`. The same goes for a key without a value, which takes back what an entry said.
template <class Spec, class Member, class Limit>
Binding<Spec> optional(const std::string& key, Member Spec::* member, const Limit& limit,
                       const std::string& doc) {
  Binding<Spec> bound = required(key, member, limit, doc);
  bound.field.required = false;
  if constexpr (std::is_same_v<detail::Value<Member, Limit>, Member>) {
    bound.field.fallback = detail::text_of(Spec{}.*member, limit);
  }
  bound.read = [key, read = std::move(bound.read)](Reader& reader, Spec& spec) {
    if (reader.has(key)) return read(reader, spec);
    reader.ignore(key);
  };
  return bound;
}
template <class Spec, class Member>
Binding<Spec> optional(const std::string& key, Member Spec::* member, const std::string& doc) {
  return optional(key, member, Anything{}, doc);
}

/// `bound`, whose absence means `words`: "hidden / heads".
template <class Spec>
Binding<Spec> otherwise(std::string words, Binding<Spec> bound) {
  bound.field.fallback = std::move(words);
  return bound;
}

/// `bound`, a map that is an entry by itself, such as those of a folder of the library.
template <class Spec>
Binding<Spec> entry(std::string name, Binding<Spec> bound) {
  bound.field.entry = std::move(name);
  return bound;
}

/// `bound`, which is a key only where `holds` of what was read before it; `words` say when.
template <class Spec>
Binding<Spec> when(std::string words, std::function<bool(const Spec&)> holds, Binding<Spec> bound) {
  bound.field.when = std::move(words);
  bound.read = [holds = std::move(holds), read = std::move(bound.read)](Reader& reader,
                                                                        Spec& spec) {
    if (holds(spec)) read(reader, spec);
  };
  return bound;
}

/// `name` where nothing reads it.
template <class Spec>
Binding<Spec> label() {
  Field field{.key = "name", .required = false, .doc = "for people"};
  return {std::move(field), [](Reader& reader, Spec&) { reader.ignore("name"); }};
}

/// The fields of a part that stand in the same map as those of the whole.
template <class Spec, class Part>
std::vector<Binding<Spec>> inlined(Part Spec::* member, const std::vector<Binding<Part>>& fields) {
  std::vector<Binding<Spec>> result;
  for (const Binding<Part>& field : fields) {
    result.push_back({field.field, [member, read = field.read](Reader& reader, Spec& spec) {
                        read(reader, spec.*member);
                      }});
  }
  return result;
}

/// What no limit can say: `field` describes what `read` reads.
template <class Spec>
Binding<Spec> custom(Field field, typename Binding<Spec>::Read read) {
  return {std::move(field), std::move(read)};
}

}  // namespace schema

/// The fields of one kind of map. Immutable once made.
template <class Spec>
class Schema {
 public:
  using Check = std::function<void(Reader&, Spec&)>;

  /// Fields are read in order. `check` comes last and reports what no single field can.
  Schema(std::string name, std::vector<Binding<Spec>> bound, Check check = {})
      : bound_(std::move(bound)), check_(std::move(check)) {
    table_.name = std::move(name);
    for (const Binding<Spec>& one : bound_) table_.fields.push_back(one.field);
  }

  [[nodiscard]] const Table& table() const { return table_; }
  /// Reads the whole map and calls Reader::finish().
  [[nodiscard]] Spec read(Reader& reader) const {
    Spec spec{};
    read(reader, spec);
    return spec;
  }
  [[nodiscard]] Spec read(Reader&& reader) const { return read(reader); }
  /// As read(); what absent keys would set stays as it is in `spec`.
  void read(Reader& reader, Spec& spec) const {
    for (const Binding<Spec>& one : bound_) one.read(reader, spec);
    if (check_) check_(reader, spec);
    for (const std::string& key : prose_keys()) reader.ignore(key);
    reader.finish();
  }

 private:
  Table table_;
  std::vector<Binding<Spec>> bound_;
  Check check_;
};

}  // namespace orrery
