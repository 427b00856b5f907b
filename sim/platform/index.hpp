#pragma once
/// Counts and indices of components are ints; those of containers are not.

#include <cstddef>
#include <vector>

namespace orrery {

inline std::size_t index(int value) { return static_cast<std::size_t>(value); }
inline int at(const std::vector<int>& values, int place) { return values[index(place)]; }

}  // namespace orrery
