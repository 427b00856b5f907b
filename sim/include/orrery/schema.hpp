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
/// A Schema is made once and costs about as much as a map of its keys; the Fields, which only the
/// documentation needs, are made when table() is asked. Words are string literals.

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
                                     std::vector<Binding<Spec>> more) {
  for (Binding<Spec>& field : more) fields.push_back(std::move(field));
  return fields;
}

namespace schema {

/// A key that must be there. `Member` is a Quantity, Temperature, number, bool, string, Node (a map
/// that something else reads), an enum with Choices, a Spec with its Schema, a vector of those, or
/// an optional of them. `limit` is positive, within(), between(), whole(), Choices or a pointer to
/// a Schema, which lives as long as the program.
template <class Spec, class Member, class Limit>
Binding<Spec> required(const char* key, Member Spec::* member, Limit limit, const char* doc) {
  using Made = detail::MemberKey<Spec, Member, Limit>;
  return {std::make_shared<const Made>(key, member, std::move(limit), true, doc)};
}
template <class Spec, class Member>
Binding<Spec> required(const char* key, Member Spec::* member, const char* doc) {
  return required(key, member, Anything{}, doc);
}

/// A key that may be absent: the member then keeps what it holds, which the documentation takes
/// from `Spec{}`. The same goes for a key without a value, which takes back what an entry said.
template <class Spec, class Member, class Limit>
Binding<Spec> optional(const char* key, Member Spec::* member, Limit limit, const char* doc) {
  using Made = detail::MemberKey<Spec, Member, Limit>;
  return {std::make_shared<const Made>(key, member, std::move(limit), false, doc)};
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
  using Made = detail::WhenKey<Spec, Holds>;
  return {std::make_shared<const Made>(words, holds, std::move(bound))};
}

/// The fields of a part that stand in the same map as those of the whole.
template <class Spec, class Part>
std::vector<Binding<Spec>> inlined(Part Spec::* member, const std::vector<Binding<Part>>& fields) {
  std::vector<Binding<Spec>> result;
  for (const Binding<Part>& field : fields) {
    result.push_back({std::make_shared<const detail::PartKey<Spec, Part>>(member, field)});
  }
  return result;
}

/// What no limit can say: `field` describes what `read` reads; `below` has the fields of a map.
template <class Spec>
Binding<Spec> custom(Field field, typename detail::CustomKey<Spec>::Read read,
                     typename detail::CustomKey<Spec>::Below below = nullptr) {
  return {
      std::make_shared<const detail::CustomKey<Spec>>(std::move(field), std::move(read), below)};
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
  Schema(std::string name, std::vector<Binding<Spec>> bound, Check check = {})
      : name_(std::move(name)), bound_(std::move(bound)), check_(std::move(check)) {}
  Schema(const Schema&) = delete;
  Schema& operator=(const Schema&) = delete;
  ~Schema() = default;

  /// For the documentation; made at the first call.
  [[nodiscard]] const Table& table() const {
    std::call_once(described_, [this] {
      table_.name = name_;
      for (const Binding<Spec>& one : bound_) table_.fields.push_back(one.field());
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
    std::vector<const std::string*> known;
    known.reserve(bound_.size());
    for (const Binding<Spec>& one : bound_) {
      const std::string& name = one.key->name();
      if (!one.key->applies(spec)) {
        take_back(reader, name);
        continue;
      }
      known.push_back(&name);
      one.key->read(reader, spec);
    }
    if (check_) check_(reader, spec);
    reader.finish(known);
  }

 private:
  // `key: ~` takes back what an entry said, also where the new choice has no such key.
  static void take_back(Reader& reader, const std::string& name) {
    if (reader.has(name)) return;
    for (const std::string& key : reader.keys()) {
      if (key == name) reader.ignore(name);
    }
  }

  std::string name_;
  std::vector<Binding<Spec>> bound_;
  Check check_;
  mutable std::once_flag described_;
  mutable Table table_;
};

}  // namespace orrery
