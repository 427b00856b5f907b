#include "accelerator/tpu_power.hpp"

#include <cmath>

#include <fmt/format.h>

#include "accelerator/thermal_limits.hpp"

namespace orrery::accelerator::tpu {
namespace {

constexpr Temperature kLeakageAt = Temperature::celsius(65);

}  // namespace

PowerSpec read_power(Reader reader, Watts limit) {
  PowerSpec power;
  power.limit = limit;
  power.idle = reader.positive<Watts>("idle");
  power.fixed = reader.positive<Watts>("fixed");
  power.memory_at_rest = reader.quantity<Watts>("memory_at_rest", Watts(0));
  power.leakage = reader.quantity<Watts>("leakage");
  power.leakage_growth = reader.quantity<PerKelvin>("leakage_growth");
  power.tensor = reader.positive<JoulesPerFlop>("tensor");
  power.vector = reader.positive<JoulesPerFlop>("vector");
  power.memory = reader.positive<JoulesPerByte>("memory");
  power.link = reader.quantity<JoulesPerByte>("link");
  power.die = read_thermal_limits(reader.child("die"));
  power.memory_limits = read_thermal_limits(reader.child("memory_limits"));
  reader.ignore("source");
  if (reader.diagnostics().empty() && power.fixed + power.leakage >= limit) {
    reader.error("fixed", fmt::format("fixed: with leakage {}; expected less than tdp, {}",
                                      to_text(power.fixed + power.leakage), to_text(limit)));
  }
  reader.finish();
  return power;
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
