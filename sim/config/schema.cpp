#include <orrery/schema.hpp>

#include <mutex>
#include <utility>

#include <fmt/format.h>

namespace orrery::schema::detail {

bool Key::applies(const std::byte* /*spec*/) const { return true; }

const Key* keep(std::unique_ptr<const Key> key) {
  static std::mutex guard;
  static std::vector<std::unique_ptr<const Key>> kept;
  const std::lock_guard lock(guard);
  kept.push_back(std::move(key));
  return kept.back().get();
}

Field BoundKey::field(const std::byte* defaults) const {
  Field result = key->describe(defaults);
  if (fallback != nullptr) result.fallback = fallback;
  if (entry != nullptr) result.entry = entry;
  return result;
}

std::int64_t read_whole(Reader& reader, const std::string& key, const Whole& limit) {
  const std::int64_t value = reader.integer(key, limit.low);
  if (value <= limit.high) return value;
  reader.error(key, fmt::format("{}: expected at most {}; got {}", key, limit.high, value));
  return limit.low;
}

void describe_quantity(Field& field, const QuantityLimit& limit) {
  field.kind = Field::Kind::Quantity;
  field.dimension = limit.dimension;
  field.low = limit.range ? limit.range->first : 0;
  field.high = limit.range ? limit.range->second : limits_of(limit.dimension).high;
  field.above_low = limit.above_zero;
}

double read_quantity(Reader& reader, const std::string& key, const QuantityLimit& limit) {
  if (limit.range) {
    return reader.measure_within(key, limit.dimension, limit.range->first, limit.range->second);
  }
  return limit.above_zero ? reader.positive_measure(key, limit.dimension)
                          : reader.measure(key, limit.dimension, std::nullopt);
}

void QuantityKey::read(Reader& reader, std::byte* spec) const {
  if (!words_.required && !reader.has(name())) return;
  at<double>(spec, words_.offset) = read_quantity(reader, name(), limit_);
}

Field QuantityKey::describe(const std::byte* defaults) const {
  Field field{.key = name(), .required = words_.required, .doc = words_.doc};
  describe_quantity(field, limit_);
  if (!words_.required) {
    field.fallback = in_shortest_unit(at<double>(defaults, words_.offset), limit_.dimension);
  }
  return field;
}

bool WhenKey::applies(const std::byte* spec) const {
  return holds_(spec) && bound_.key->applies(spec);
}
void WhenKey::read(Reader& reader, std::byte* spec) const { bound_.key->read(reader, spec); }
Field WhenKey::describe(const std::byte* defaults) const {
  Field field = bound_.field(defaults);
  field.when = words_;
  return field;
}

bool PartKey::applies(const std::byte* spec) const { return bound_.key->applies(spec + offset_); }
void PartKey::read(Reader& reader, std::byte* spec) const {
  bound_.key->read(reader, spec + offset_);
}
Field PartKey::describe(const std::byte* defaults) const {
  return bound_.field(defaults + offset_);
}

void CustomKey::read(Reader& reader, std::byte* spec) const { read_(reader, spec); }
Field CustomKey::describe(const std::byte* /*defaults*/) const {
  Field field = field_;
  if (below_ != nullptr) field.fields = below_().fields;
  return field;
}

namespace {

// `key: ~` takes back what an entry said, also where the new choice has no such key.
void take_back(Reader& reader, const std::string& name) {
  if (reader.has(name)) return;
  for (const std::string& key : reader.keys()) {
    if (key == name) reader.ignore(name);
  }
}

}  // namespace

std::vector<const std::string*> read_keys(Reader& reader, std::byte* spec,
                                          const std::vector<BoundKey>& keys) {
  std::vector<const std::string*> known;
  known.reserve(keys.size());
  for (const BoundKey& one : keys) {
    const std::string& name = one.key->name();
    if (!one.key->applies(spec)) {
      take_back(reader, name);
      continue;
    }
    known.push_back(&name);
    one.key->read(reader, spec);
  }
  return known;
}

Table describe_keys(const std::string& name, const std::byte* defaults,
                    const std::vector<BoundKey>& keys) {
  Table table{.name = name};
  for (const BoundKey& one : keys) table.fields.push_back(one.field(defaults));
  return table;
}

}  // namespace orrery::schema::detail
