#pragma once
/// Amounts as multiples of one unit: the form in which SimGrid takes them.

#include <cstdint>
#include <span>
#include <vector>

namespace orrery {

/// amount[i] is about unit x times[i].
struct WholeAmounts {
  double unit = 1;
  std::vector<std::uint32_t> times;  ///< in the order of the amounts, at least 1
  double error = 0;                  ///< of the worst, relative; 0 where all are exact to rounding
};

/// Of all units that divide the least amount in at most 1,024 parts the largest one whose error is
/// at most 1e-4, or else the one with the least error. `times` add up to no more than about 4,096:
/// beside an amount 1,000 times as large the least one is met to some percent of itself.
/// O(1,024 x amounts) at most.
WholeAmounts whole_amounts(std::span<const double> amounts);

}  // namespace orrery
