#include "accelerator/thermal_limits.hpp"

#include <fmt/format.h>

namespace orrery::accelerator {
namespace {

void check_rise(Reader& reader, const ThermalLimits& limits) {
  if (!reader.diagnostics().empty()) return;
  if (limits.operating < limits.slowdown && limits.slowdown < limits.shutdown) return;
  reader.error("shutdown", fmt::format("expected operating < slowdown < shutdown; got {}, {}, {}",
                                       to_text(limits.operating), to_text(limits.slowdown),
                                       to_text(limits.shutdown)));
}

}  // namespace

const Schema<ThermalLimits>& thermal_limits_schema() {
  using namespace schema;
  using T = ThermalLimits;
  static const Schema<T> result(
      "thermal_limits",
      {required("operating", &T::operating, "above it the clock is ramped down"),
       required("slowdown", &T::slowdown, "at it the clock is halved"),
       required("shutdown", &T::shutdown, "at it the device switches itself off")},
      check_rise);
  return result;
}

}  // namespace orrery::accelerator
