#pragma once
/// A small table by number format, for the parameters of devices.

#include <array>
#include <cstddef>

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

}  // namespace orrery::accelerator
