#pragma once
/// What orrery/schema.hpp is made of: limits, and the keys that required(), optional() and the
/// others make. Include that header instead.
///
/// A key knows the type of its value and where in a Spec it goes, but not the Spec: there are
/// hundreds of keys and few types of values, and what each combination instantiates is paid in
/// every build.

#include <bit>
#include <cstddef>
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

namespace schema::detail {

/// One key of a map: how it is read into a Spec, and what the documentation says of it.
class Key {
 public:
  explicit Key(std::string name) : name_(std::move(name)) {}
  Key(const Key&) = delete;
  Key& operator=(const Key&) = delete;
  virtual ~Key() = default;

  [[nodiscard]] const std::string& name() const { return name_; }
  /// Whether it is a key at all, by what was read of `spec` before it.
  [[nodiscard]] virtual bool applies(const std::byte* spec) const;
  virtual void read(Reader& reader, std::byte* spec) const = 0;
  /// `defaults` is a Spec before anything is read.
  [[nodiscard]] virtual Field describe(const std::byte* defaults) const = 0;

 private:
  std::string name_;
};

/// Holds `key` as long as the program runs: a Schema does, and no reader then counts who needs it.
const Key* keep(std::unique_ptr<const Key> key);

/// A key as a Schema has it.
struct BoundKey {
  const Key* key = nullptr;
  const char* fallback = nullptr;  ///< said instead of what the member holds
  const char* entry = nullptr;     ///< Field::entry

  [[nodiscard]] Field field(const std::byte* defaults) const;
};

}  // namespace schema::detail

/// A key of the maps that a Spec is read from. Cheap to copy.
template <class Spec>
struct Binding : schema::detail::BoundKey {};

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

/// Where a member lies in its Spec, in bytes. In the Itanium C++ ABI, which GCC and Clang follow,
/// that is what a pointer to a data member is.
template <class Spec, class Member>
std::size_t offset_of(Member Spec::* member) {
  static_assert(sizeof member == sizeof(std::ptrdiff_t));
  return static_cast<std::size_t>(std::bit_cast<std::ptrdiff_t>(member));
}
/// A Spec without its type, and back.
template <class Spec>
std::byte* bytes_of(Spec& spec) {
  return reinterpret_cast<std::byte*>(&spec);
}
template <class Spec>
const std::byte* bytes_of(const Spec& spec) {
  return reinterpret_cast<const std::byte*>(&spec);
}
template <class T>
T& at(std::byte* spec, std::size_t offset = 0) {
  return *reinterpret_cast<T*>(spec + offset);
}
template <class T>
const T& at(const std::byte* spec, std::size_t offset = 0) {
  return *reinterpret_cast<const T*>(spec + offset);
}

/// What required() and optional() say of a key besides its type.
struct MemberWords {
  const char* key;
  std::size_t offset;
  bool required;
  const char* doc;
};

/// What quantities may be, in SI units: those that no range is given for not negative, or above
/// zero.
struct QuantityLimit {
  Dimension dimension;
  bool above_zero = false;
  std::optional<std::pair<double, double>> range = std::nullopt;
};
template <class Q, class Limit>
QuantityLimit limit_of(const Limit& limit) {
  QuantityLimit result{.dimension = Q::kDimension, .above_zero = std::is_same_v<Limit, Positive>};
  if constexpr (std::is_same_v<Limit, Within<Q>>) {
    result.range = {limit.low.si(), limit.high.si()};
  }
  return result;
}
void describe_quantity(Field& field, const QuantityLimit& limit);
/// In SI units.
double read_quantity(Reader& reader, const std::string& key, const QuantityLimit& limit);

/// A quantity of any dimension, which is a double in SI units.
class QuantityKey final : public Key {
 public:
  QuantityKey(const MemberWords& words, const QuantityLimit& limit)
      : Key(words.key), words_(words), limit_(limit) {}

  void read(Reader& reader, std::byte* spec) const override;
  [[nodiscard]] Field describe(const std::byte* defaults) const override;

 private:
  MemberWords words_;
  QuantityLimit limit_;
};

template <class T, class Limit>
void describe_type(Field& field, const Limit& limit) {
  if constexpr (kIsSchema<Limit>) {
    field.kind = Field::Kind::Map;
    field.fields = limit->table().fields;
  } else if constexpr (std::is_same_v<T, Node>) {
    field.kind = Field::Kind::Map;
  } else if constexpr (IsQuantity<T>) {
    describe_quantity(field, limit_of<T>(limit));
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
  if constexpr (std::is_same_v<T, Temperature>) {
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
  } else if constexpr (IsQuantity<T>) {
    return T(read_quantity(reader, key, limit_of<T>(limit)));
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
template <class Member, class Limit>
class MemberKey final : public Key {
 public:
  MemberKey(const MemberWords& words, Limit limit)
      : Key(words.key), words_(words), limit_(std::move(limit)) {}

  void read(Reader& reader, std::byte* spec) const override {
    if (!words_.required && !reader.has(name())) return;
    Member& member = at<Member>(spec, words_.offset);
    if constexpr (kIsList<Member>) {
      member = list_at<T>(reader, name(), limit_);
    } else if constexpr (std::is_same_v<T, Member>) {
      member = value_at<T>(reader, name(), limit_, member);
    } else {
      member = value_at<T>(reader, name(), limit_, T{});
    }
  }
  [[nodiscard]] Field describe(const std::byte* defaults) const override {
    Field field{
        .key = name(), .list = kIsList<Member>, .required = words_.required, .doc = words_.doc};
    describe_type<T>(field, limit_);
    if constexpr (std::is_same_v<T, Member>) {
      if (!words_.required) field.fallback = text_of(at<T>(defaults, words_.offset), limit_);
    }
    return field;
  }

 private:
  using T = Value<Member, Limit>;
  MemberWords words_;
  Limit limit_;
};

/// `bound`, which is a key only where `holds` of the Spec.
class WhenKey final : public Key {
 public:
  using Holds = std::function<bool(const std::byte*)>;
  WhenKey(const char* words, Holds holds, const BoundKey& bound)
      : Key(bound.key->name()), words_(words), holds_(std::move(holds)), bound_(bound) {}

  [[nodiscard]] bool applies(const std::byte* spec) const override;
  void read(Reader& reader, std::byte* spec) const override;
  [[nodiscard]] Field describe(const std::byte* defaults) const override;

 private:
  const char* words_;
  Holds holds_;
  BoundKey bound_;
};

/// `bound` of a part that lies at `offset` in the Spec.
class PartKey final : public Key {
 public:
  PartKey(std::size_t offset, const BoundKey& bound)
      : Key(bound.key->name()), offset_(offset), bound_(bound) {}

  [[nodiscard]] bool applies(const std::byte* spec) const override;
  void read(Reader& reader, std::byte* spec) const override;
  [[nodiscard]] Field describe(const std::byte* defaults) const override;

 private:
  std::size_t offset_;
  BoundKey bound_;
};

/// What no limit can say. `below`, where there is one, has the fields of its map.
class CustomKey final : public Key {
 public:
  using Read = std::function<void(Reader&, std::byte*)>;
  using Below = const Table& (*)();
  CustomKey(Field field, Read read, Below below)
      : Key(field.key), field_(std::move(field)), read_(std::move(read)), below_(below) {}

  void read(Reader& reader, std::byte* spec) const override;
  [[nodiscard]] Field describe(const std::byte* defaults) const override;

 private:
  Field field_;
  Read read_;
  Below below_;
};

template <class Member, class Limit>
BoundKey bind(const MemberWords& words, Limit limit) {
  if constexpr (IsQuantity<Member>) {
    static_assert(std::is_standard_layout_v<Member> && sizeof(Member) == sizeof(double));
    return {keep(std::make_unique<QuantityKey>(words, limit_of<Member>(limit)))};
  } else {
    return {keep(std::make_unique<MemberKey<Member, Limit>>(words, std::move(limit)))};
  }
}

/// Reads `spec` by `keys`, in order. Returns the names of those that apply.
std::vector<const std::string*> read_keys(Reader& reader, std::byte* spec,
                                          const std::vector<BoundKey>& keys);
Table describe_keys(const std::string& name, const std::byte* defaults,
                    const std::vector<BoundKey>& keys);

}  // namespace detail

}  // namespace schema
}  // namespace orrery
