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
///   Chip chip = chip_schema().read(reader);
///   registry.accelerators.add("chip.mine", make_chip,
///                             []() -> const Table& { return chip_schema().table(); });
///
/// Mistakes go to the reader's diagnostics; a Spec that was read with mistakes holds harmless
/// values and must not be used. Keys that no field names are reported with a suggestion, those that
/// a check reads by hand as well: nothing is read that the table does not say. Every map may have
/// `source` and `notes`.
///
/// A Schema is made once, lives as long as the program and costs about as much as a map of its
/// keys; the Fields, which only the documentation needs, are made when table() is asked. Words are
/// string literals.

#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include <orrery/field.hpp>
#include <orrery/reader.hpp>
#include <orrery/schema_keys.hpp>

namespace orrery {

/// All of `fields`, then all of `more`.
template <class Spec>
std::vector<Binding<Spec>> operator+(std::vector<Binding<Spec>> fields,
                                     const std::vector<Binding<Spec>>& more) {
  fields.insert(fields.end(), more.begin(), more.end());
  return fields;
}

namespace schema {

/// A key that must be there. `Member` is a Quantity, Temperature, number, bool, string, Node (a map
/// that something else reads), an enum with Choices, a Spec with its Schema, a vector of those, or
/// an optional of them. `limit` is positive, within(), between(), whole(), Choices or a pointer to
/// a Schema, which lives as long as the program.
template <class Spec, class Member, class Limit>
Binding<Spec> required(const char* key, Member Spec::* member, Limit limit, const char* doc) {
  return {detail::bind<Member>({key, detail::offset_of(member), true, doc}, std::move(limit))};
}
template <class Spec, class Member>
Binding<Spec> required(const char* key, Member Spec::* member, const char* doc) {
  return required(key, member, Anything{}, doc);
}

/// A key that may be absent: the member then keeps what it holds, which the documentation takes
/// from `Spec{}`. The same goes for a key without a value, which takes back what an entry said.
template <class Spec, class Member, class Limit>
Binding<Spec> optional(const char* key, Member Spec::* member, Limit limit, const char* doc) {
  return {detail::bind<Member>({key, detail::offset_of(member), false, doc}, std::move(limit))};
}
template <class Spec, class Member>
Binding<Spec> optional(const char* key, Member Spec::* member, const char* doc) {
  return optional(key, member, Anything{}, doc);
}

/// `bound`, whose absence means `words`: "hidden / heads".
template <class Spec>
Binding<Spec> otherwise(const char* words, Binding<Spec> bound) {
  bound.fallback = words;
  return bound;
}

/// `bound`, a map that is an entry by itself, such as those of a folder of the library.
template <class Spec>
Binding<Spec> entry(const char* name, Binding<Spec> bound) {
  bound.entry = name;
  return bound;
}

/// `bound`, which is a key only where `holds` of what was read before it; `words` say when.
template <class Spec, class Holds>
Binding<Spec> when(const char* words, Holds holds, Binding<Spec> bound) {
  auto of_bytes = [holds](const std::byte* spec) {
    return static_cast<bool>(std::invoke(holds, detail::at<Spec>(spec)));
  };
  return {{detail::keep(std::make_unique<detail::WhenKey>(words, std::move(of_bytes), bound))}};
}

/// The fields of a part that stand in the same map as those of the whole.
template <class Spec, class Part>
std::vector<Binding<Spec>> inlined(Part Spec::* member, const std::vector<Binding<Part>>& fields) {
  std::vector<Binding<Spec>> result;
  for (const Binding<Part>& field : fields) {
    const std::size_t offset = detail::offset_of(member);
    result.push_back({{detail::keep(std::make_unique<detail::PartKey>(offset, field))}});
  }
  return result;
}

/// What no limit can say: `field` describes what `read`, called with the Reader and the Spec,
/// reads; `below` has the fields of a map.
template <class Spec, class Read>
Binding<Spec> custom(Field field, Read read, detail::CustomKey::Below below = nullptr) {
  auto of_bytes = [read = std::move(read)](Reader& reader, std::byte* spec) {
    read(reader, detail::at<Spec>(spec));
  };
  return {{detail::keep(
      std::make_unique<detail::CustomKey>(std::move(field), std::move(of_bytes), below))}};
}

/// `name` where nothing reads it.
template <class Spec>
Binding<Spec> label() {
  Field field{.key = "name", .required = false, .doc = "for people"};
  return custom<Spec>(std::move(field), [](Reader& reader, Spec&) { reader.ignore("name"); });
}

}  // namespace schema

/// The fields of one kind of map. Immutable once made.
template <class Spec>
class Schema {
 public:
  using Check = std::function<void(Reader&, Spec&)>;

  /// Fields are read in order. `check` comes last and reports what no single field can.
  Schema(std::string name, const std::vector<Binding<Spec>>& bound, Check check = {})
      : name_(std::move(name)), bound_(bound.begin(), bound.end()), check_(std::move(check)) {}
  Schema(const Schema&) = delete;
  Schema& operator=(const Schema&) = delete;
  ~Schema() = default;

  /// For the documentation; made at the first call.
  [[nodiscard]] const Table& table() const {
    std::call_once(described_, [this] {
      const Spec defaults{};
      table_ = schema::detail::describe_keys(name_, schema::detail::bytes_of(defaults), bound_);
    });
    return table_;
  }
  [[nodiscard]] Spec read(Reader& reader) const {
    Spec spec{};
    read(reader, spec);
    return spec;
  }
  [[nodiscard]] Spec read(Reader&& reader) const { return read(reader); }
  /// As read(); what absent keys would set stays as it is in `spec`.
  void read(Reader& reader, Spec& spec) const {
    const std::vector<const std::string*> known =
        schema::detail::read_keys(reader, schema::detail::bytes_of(spec), bound_);
    if (check_) check_(reader, spec);
    reader.finish(known);
  }

 private:
  std::string name_;
  std::vector<schema::detail::BoundKey> bound_;
  Check check_;
  mutable std::once_flag described_;
  mutable Table table_;
};

}  // namespace orrery
