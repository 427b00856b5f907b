#include "accelerator/thermal_limits.hpp"

#include <fmt/format.h>

namespace orrery::accelerator {

ThermalLimits read_thermal_limits(Reader reader) {
  ThermalLimits limits;
  limits.operating = reader.temperature("operating");
  limits.slowdown = reader.temperature("slowdown");
  limits.shutdown = reader.temperature("shutdown");
  reader.ignore("source");
  if (reader.diagnostics().empty() &&
      !(limits.operating < limits.slowdown && limits.slowdown < limits.shutdown)) {
    reader.error("shutdown", fmt::format("expected operating < slowdown < shutdown; got {}, {}, {}",
                                         to_text(limits.operating), to_text(limits.slowdown),
                                         to_text(limits.shutdown)));
  }
  reader.finish();
  return limits;
}

}  // namespace orrery::accelerator
