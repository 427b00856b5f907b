#pragma once
/// The units that files may use.

#include <span>
#include <string_view>

#include <orrery/quantity.hpp>

namespace orrery {

struct Unit {
  std::string_view symbol;
  double scale;  ///< SI value of one
  Dimension dimension;
  double zero = 0;        ///< SI value of zero of an absolute scale
  bool absolute = false;  ///< a temperature, not a difference
};

/// Every unit; symbols are unique.
std::span<const Unit> units();

}  // namespace orrery
