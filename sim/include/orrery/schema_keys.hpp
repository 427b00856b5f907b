#pragma once
/// What orrery/schema.hpp is made of: limits, and the keys that required(), optional() and the
/// others make. Include that header instead.

#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
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

/// One key of a map: how it is read into a Spec, and what the documentation says of it.
template <class Spec>
class Key {
 public:
  explicit Key(std::string name) : name_(std::move(name)) {}
  Key(const Key&) = delete;
  Key& operator=(const Key&) = delete;
  virtual ~Key() = default;

  [[nodiscard]] const std::string& name() const { return name_; }
  /// Whether it is a key at all, by what was read before it.
  [[nodiscard]] virtual bool applies(const Spec&) const { return true; }
  virtual void read(Reader& reader, Spec& spec) const = 0;
  [[nodiscard]] virtual Field describe() const = 0;

 private:
  std::string name_;
};

/// A key as a Schema has it. Cheap to copy.
template <class Spec>
struct Binding {
  std::shared_ptr<const Key<Spec>> key;
  const char* fallback = nullptr;  ///< said instead of what the member holds
  const char* entry = nullptr;     ///< Field::entry

  [[nodiscard]] Field field() const {
    Field result = key->describe();
    if (fallback != nullptr) result.fallback = fallback;
    if (entry != nullptr) result.entry = entry;
    return result;
  }
};

namespace schema {

struct Anything {};
struct Positive {};
struct Between {
  double low, high;
};
struct Whole {
  std::int64_t low, high;
};
template <class Q>
struct Within {
  Q low, high;
};
template <class E>
using Choices = std::vector<std::pair<std::string, E>>;

/// A quantity greater than zero. Without it a quantity is not negative.
inline constexpr Positive positive{};
/// A bare number, ends included.
constexpr Between between(double low, double high) { return {low, high}; }
constexpr Between at_least(double low) { return {low, Field::kUnbounded}; }
/// A quantity, ends included.
template <class Q>
constexpr Within<Q> within(Q low, Q high) {
  return {low, high};
}
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
  } else if constexpr (std::is_same_v<T, Node>) {
    field.kind = Field::Kind::Map;
  } else if constexpr (IsQuantity<T>) {
    field.kind = Field::Kind::Quantity;
    field.dimension = T::kDimension;
    field.low = 0;
    field.high = limits_of(T::kDimension).high;
    field.above_low = std::is_same_v<Limit, Positive>;
    if constexpr (std::is_same_v<Limit, Within<T>>) {
      field.low = limit.low.si();
      field.high = limit.high.si();
    }
  } else if constexpr (std::is_same_v<T, Temperature>) {
    field.kind = Field::Kind::Temperature;
  } else if constexpr (std::is_same_v<Limit, Between> || std::is_same_v<Limit, Whole>) {
    field.kind = std::is_same_v<Limit, Whole> ? Field::Kind::Count : Field::Kind::Ratio;
    field.low = static_cast<double>(limit.low);
    field.high = static_cast<double>(limit.high);
  } else if constexpr (std::is_same_v<Limit, Choices<T>>) {
    field.kind = Field::Kind::Choice;
    for (const auto& option : limit) field.choices.push_back(option.first);
  } else if constexpr (std::is_same_v<T, std::string>) {
    field.kind = Field::Kind::Text;
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
  } else if constexpr (std::is_same_v<T, Node>) {
    if (!reader.has(key)) (void)reader.child(key);  // says that it is missing
    return reader.raw(key);
  } else if constexpr (std::is_same_v<Limit, Positive>) {
    return reader.positive<T>(key);
  } else if constexpr (std::is_same_v<Limit, Within<T>>) {
    return reader.quantity_within<T>(key, limit.low, limit.high);
  } else if constexpr (IsQuantity<T>) {
    return reader.quantity<T>(key);
  } else if constexpr (std::is_same_v<T, Temperature>) {
    return reader.temperature(key);
  } else if constexpr (std::is_same_v<Limit, Between>) {
    return static_cast<T>(reader.ratio(key, limit.low, limit.high));
  } else if constexpr (std::is_same_v<Limit, Whole>) {
    return static_cast<T>(read_whole(reader, key, limit));
  } else if constexpr (std::is_same_v<T, std::string> && std::is_same_v<Limit, Anything>) {
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

/// A key whose value goes to a member.
template <class Spec, class Member, class Limit>
class MemberKey final : public Key<Spec> {
 public:
  MemberKey(const char* key, Member Spec::* member, Limit limit, bool required, const char* doc)
      : Key<Spec>(key), member_(member), limit_(std::move(limit)), required_(required), doc_(doc) {}

  void read(Reader& reader, Spec& spec) const override {
    if (!required_ && !reader.has(this->name())) return;
    if constexpr (kIsList<Member>) {
      spec.*member_ = list_at<T>(reader, this->name(), limit_);
    } else if constexpr (std::is_same_v<T, Member>) {
      spec.*member_ = value_at<T>(reader, this->name(), limit_, spec.*member_);
    } else {
      spec.*member_ = value_at<T>(reader, this->name(), limit_, T{});
    }
  }
  [[nodiscard]] Field describe() const override {
    Field field{.key = this->name(), .list = kIsList<Member>, .required = required_, .doc = doc_};
    describe_type<T>(field, limit_);
    if constexpr (std::is_same_v<T, Member>) {
      if (!required_) field.fallback = text_of(Spec{}.*member_, limit_);
    }
    return field;
  }

 private:
  using T = Value<Member, Limit>;
  Member Spec::* member_;
  Limit limit_;
  bool required_;
  const char* doc_;
};

template <class Spec, class Holds>
class WhenKey final : public Key<Spec> {
 public:
  WhenKey(const char* words, Holds holds, Binding<Spec> bound)
      : Key<Spec>(bound.key->name()), words_(words), holds_(holds), bound_(std::move(bound)) {}

  [[nodiscard]] bool applies(const Spec& spec) const override {
    return std::invoke(holds_, spec) && bound_.key->applies(spec);
  }
  void read(Reader& reader, Spec& spec) const override { bound_.key->read(reader, spec); }
  [[nodiscard]] Field describe() const override {
    Field field = bound_.field();
    field.when = words_;
    return field;
  }

 private:
  const char* words_;
  Holds holds_;
  Binding<Spec> bound_;
};

template <class Spec, class Part>
class PartKey final : public Key<Spec> {
 public:
  PartKey(Part Spec::* part, Binding<Part> bound)
      : Key<Spec>(bound.key->name()), part_(part), bound_(std::move(bound)) {}

  [[nodiscard]] bool applies(const Spec& spec) const override {
    return bound_.key->applies(spec.*part_);
  }
  void read(Reader& reader, Spec& spec) const override { bound_.key->read(reader, spec.*part_); }
  [[nodiscard]] Field describe() const override { return bound_.field(); }

 private:
  Part Spec::* part_;
  Binding<Part> bound_;
};

/// What no limit can say. `below`, where there is one, has the fields of its map.
template <class Spec>
class CustomKey final : public Key<Spec> {
 public:
  using Read = std::function<void(Reader&, Spec&)>;
  using Below = const Table& (*)();
  CustomKey(Field field, Read read, Below below)
      : Key<Spec>(field.key), field_(std::move(field)), read_(std::move(read)), below_(below) {}

  void read(Reader& reader, Spec& spec) const override { read_(reader, spec); }
  [[nodiscard]] Field describe() const override {
    Field field = field_;
    if (below_ != nullptr) field.fields = below_().fields;
    return field;
  }

 private:
  Field field_;
  Read read_;
  Below below_;
};

}  // namespace detail

}  // namespace schema
}  // namespace orrery
