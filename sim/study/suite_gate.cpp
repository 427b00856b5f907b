// What a suite must hold.
#include <fmt/format.h>

#include <orrery/validation.hpp>

namespace orrery {

std::string SuiteResult::failure() const {
  const auto without = static_cast<int>(cases.size()) - predicted_cases();
  if (cases.empty()) return "no cases";
  if (without > 0) return fmt::format("{} of {} cases have no prediction", without, cases.size());
  const double mean = mean_absolute_error();
  if (ceiling && mean > *ceiling) {
    return fmt::format("mean {:.2f} % is above its ceiling of {:.2f} %", mean * 100,
                       *ceiling * 100);
  }
  const bool targeted = target_mean || target_median;
  if (!known_miss.empty() && !targeted) return "known_miss without a target";
  if (!known_miss.empty() && meets_targets()) return "known_miss, but the target is met";
  if (known_miss.empty() && !meets_targets()) return "the target is missed";
  return "";
}

}  // namespace orrery
