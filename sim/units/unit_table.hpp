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
};

/// Every unit; symbols are unique.
std::span<const Unit> units();

}  // namespace orrery
