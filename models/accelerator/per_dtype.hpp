#pragma once
/// A small table by number format, for the parameters of devices.

#include <array>
#include <cstddef>
#include <initializer_list>
#include <string>
#include <vector>

#include <orrery/schema.hpp>
#include <orrery/work.hpp>

namespace orrery::accelerator {

/// One value for each Dtype.
template <class Value>
class PerDtype {
 public:
  Value& operator[](Dtype dtype) { return values_[static_cast<std::size_t>(dtype)]; }
  const Value& operator[](Dtype dtype) const { return values_[static_cast<std::size_t>(dtype)]; }

 private:
  std::array<Value, static_cast<std::size_t>(Dtype::Int8) + 1> values_{};
};

/// A key of a map of formats: a quantity greater than zero that goes to each of `dtypes`, zero
/// where the key is absent.
template <class Q>
Binding<PerDtype<Q>> format(const std::string& key, std::vector<Dtype> dtypes, bool required,
                            const std::string& doc) {
  Field field{.key = key,
              .kind = Field::Kind::Quantity,
              .dimension = Q::kDimension,
              .low = 0,
              .above_low = true,
              .required = required,
              .doc = doc};
  const auto read = [key, dtypes = std::move(dtypes), required](Reader& reader,
                                                                PerDtype<Q>& values) {
    reader.ignore(key);
    if (!required && !reader.has(key)) return;
    const Q value = reader.positive<Q>(key);
    for (const Dtype dtype : dtypes) values[dtype] = value;
  };
  return schema::custom<PerDtype<Q>>(std::move(field), read);
}

}  // namespace orrery::accelerator
