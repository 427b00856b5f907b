#include "kernel/whole_amounts.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace orrery {
namespace {

constexpr int kMostParts = 1024;
constexpr double kMostTimes = 4096;  // together: each is an entry of a route
constexpr double kGoodEnough = 1e-4;
constexpr double kExact = 4 * std::numeric_limits<double>::epsilon();

double error_of(std::span<const double> amounts, double unit) {
  double worst = 0;
  for (const double amount : amounts) {
    const double times = std::max(1.0, std::round(amount / unit));
    worst = std::max(worst, std::abs(times * unit / amount - 1));
  }
  return worst;
}

}  // namespace

WholeAmounts whole_amounts(std::span<const double> amounts) {
  WholeAmounts best;
  if (amounts.empty()) return best;
  best.error = std::numeric_limits<double>::infinity();
  const double least = *std::min_element(amounts.begin(), amounts.end());
  double together = 0;
  for (const double amount : amounts) together += amount;
  for (int parts = 1; parts <= kMostParts; ++parts) {
    const double unit = least / parts;
    if (parts > 1 && together / unit > kMostTimes) break;
    const double error = error_of(amounts, unit);
    if (error < best.error) best.unit = unit, best.error = error;
    if (best.error <= kGoodEnough) break;
  }
  // A single amount far above the others would be listed without end.
  best.unit = std::max(best.unit, together / kMostTimes);
  best.error = error_of(amounts, best.unit);
  if (best.error <= kExact) best.error = 0;
  for (const double amount : amounts) {
    best.times.push_back(static_cast<std::uint32_t>(std::max(1.0, std::round(amount / best.unit))));
  }
  return best;
}

}  // namespace orrery
