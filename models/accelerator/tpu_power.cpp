#include "accelerator/tpu_power.hpp"

#include <cmath>

#include <fmt/format.h>

#include "accelerator/thermal_limits.hpp"

namespace orrery::accelerator::tpu {
namespace {

constexpr Temperature kLeakageAt = Temperature::celsius(65);

}  // namespace

const Schema<PowerSpec>& power_schema() {
  using namespace schema;
  using P = PowerSpec;
  static const Schema<P> result(
      "power",
      {required("idle", &P::idle, positive, "[P_idle] no process holds the chip"),
       required("fixed", &P::fixed, positive, "[P_fix] a process holds it, without leakage"),
       optional("memory_at_rest", &P::memory_at_rest, "of `idle` and `fixed`, in the HBM"),
       required("leakage", &P::leakage, "[P_leak] at 65 degC"),
       required("leakage_growth", &P::leakage_growth, "[beta]"),
       required("tensor", &P::tensor, positive,
                "[e] of bf16 on the arrays; int8 and fp8 take half of it"),
       required("vector", &P::vector, positive, "of the vector units"),
       required("memory", &P::memory, positive, "[e_hbm] of traffic to the HBM"),
       required("link", &P::link, "[e_link] of traffic to other devices"),
       required("die", &P::die, &thermal_limits_schema(), "temperatures of the die"),
       required("memory_limits", &P::memory_limits, &thermal_limits_schema(), "of the HBM")});
  return result;
}

void complete_power(Reader& reader, PowerSpec& power, Watts limit) {
  power.limit = limit;
  if (!reader.diagnostics().empty() || power.fixed + power.leakage < limit) return;
  reader.error("fixed", fmt::format("fixed: with leakage {}; expected less than tdp, {}",
                                    to_text(power.fixed + power.leakage), to_text(limit)));
}

void TpuPower::note(Cost& cost, const OperatingPoint& point, bool one_byte) const {
  cost.clock = frequency_ * point.clock;
  if (point.clock_limit > Hertz(0)) cost.clock = min(cost.clock, point.clock_limit);
  cost.power = held(point);
  cost.power.compute = cost.activity.tensor * spec_.tensor * (one_byte ? 0.5 : 1.0) +
                       cost.activity.vector * spec_.vector;
  cost.power.memory = cost.activity.memory * spec_.memory;
}

BoardPower TpuPower::idle(Temperature) const {
  BoardPower power;
  power.fixed = spec_.idle;
  return power;
}

BoardPower TpuPower::held(const OperatingPoint& point) const {
  BoardPower power;
  power.fixed = spec_.fixed;
  const double growth = spec_.leakage_growth * (point.temperature - kLeakageAt);
  power.leakage = spec_.leakage * std::exp(growth);
  return power;
}

BoardPower TpuPower::communicating(const OperatingPoint& point, BytesPerSecond link,
                                   BytesPerSecond memory) const {
  BoardPower power = held(point);
  power.link = link * spec_.link;
  power.memory = memory * spec_.memory;
  return power;
}

}  // namespace orrery::accelerator::tpu
