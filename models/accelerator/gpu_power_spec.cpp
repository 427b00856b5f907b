#include "accelerator/gpu_power_spec.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "accelerator/reading.hpp"
#include "accelerator/thermal_limits.hpp"

namespace orrery::accelerator {
namespace {

// The curve must rise with the clock and end at the highest one: a lower clock that needed more
// voltage would be no reason to slow down.
std::vector<VoltagePoint> read_voltage(Reader& power, Hertz boost) {
  std::vector<VoltagePoint> curve;
  for (Reader& point : power.children("voltage")) {
    const VoltagePoint next = {.clock = point.positive<Hertz>("clock"),
                               .ratio = point.ratio("ratio", 0.3, 1.0)};
    finish(point);
    if (!curve.empty() && (next.clock <= curve.back().clock || next.ratio < curve.back().ratio)) {
      point.error("clock", fmt::format("voltage: expected clocks that rise and ratios that do not "
                                       "fall; got {} at {} after {} at {}",
                                       next.ratio, to_text(next.clock), curve.back().ratio,
                                       to_text(curve.back().clock)));
    }
    curve.push_back(next);
  }
  const VoltagePoint top = {.clock = boost, .ratio = 1.0};
  if (curve.empty()) return {top};
  if (power.diagnostics().empty() && (curve.back().clock != boost || curve.back().ratio != 1.0)) {
    power.error("voltage",
                fmt::format("voltage: expected the last point at ratio 1 and the boost "
                            "clock of {}; got {} at {}",
                            to_text(boost), curve.back().ratio, to_text(curve.back().clock)));
  }
  return curve;
}

PerDtype<JoulesPerFlop> read_energy(Reader reader, const PerDtype<Flops>& formats) {
  PerDtype<JoulesPerFlop> energy;
  energy[Dtype::Fp32] = reader.positive<JoulesPerFlop>("fp32");
  energy[Dtype::Tf32] = reader.positive<JoulesPerFlop>("tf32");
  energy[Dtype::Bf16] = energy[Dtype::Fp16] = reader.positive<JoulesPerFlop>("bf16");
  for (const auto& [name, dtype] : {std::pair{"fp8", Dtype::Fp8}, {"int8", Dtype::Int8}}) {
    if (formats[dtype] > Flops(0)) {
      energy[dtype] = reader.positive<JoulesPerFlop>(name);
    } else {
      reader.ignore(name);
    }
  }
  finish(reader);
  return energy;
}

void check(Reader& reader, const PowerSpec& power) {
  if (!reader.diagnostics().empty()) return;
  const Watts held = power.fixed + power.leakage;
  if (power.lowest_cap <= held || power.lowest_cap > power.limit) {
    reader.error("lowest_cap",
                 fmt::format("lowest_cap: expected more than the {} that the held "
                             "device draws and at most the limit of {}; got {}",
                             to_text(held), to_text(power.limit), to_text(power.lowest_cap)));
  }
  if (power.lowest_clock >= power.highest_clock()) {
    reader.error("lowest_clock",
                 fmt::format("lowest_clock: expected less than the boost clock of "
                             "{}; got {}",
                             to_text(power.highest_clock()), to_text(power.lowest_clock)));
  }
}

}  // namespace

double PowerSpec::voltage_at(Hertz at) const {
  const auto above = std::find_if(voltage.begin(), voltage.end(),
                                  [&](const VoltagePoint& point) { return point.clock >= at; });
  if (above == voltage.end()) return voltage.back().ratio;
  if (above == voltage.begin()) return above->ratio;
  const auto below = above - 1;
  const double share = (at - below->clock) / (above->clock - below->clock);
  return below->ratio + share * (above->ratio - below->ratio);
}

PowerSpec read_power(Reader reader, Watts limit, Hertz boost, const PerDtype<Flops>& formats) {
  PowerSpec power;
  power.limit = limit;
  power.lowest_cap = reader.positive<Watts>("lowest_cap");
  power.idle = reader.positive<Watts>("idle");
  power.fixed = reader.positive<Watts>("fixed");
  power.memory_at_rest = reader.quantity<Watts>("memory_at_rest", Watts(0));
  power.leakage = reader.quantity<Watts>("leakage");
  power.leakage_at = reader.temperature("leakage_at", Temperature::celsius(65));
  power.leakage_growth = reader.quantity<PerKelvin>("leakage_growth");
  power.clock = reader.quantity<Watts>("clock");
  power.energy = read_energy(reader.child("energy"), formats);
  power.memory = reader.positive<JoulesPerByte>("memory");
  power.link = reader.quantity<JoulesPerByte>("link");
  power.polling = reader.ratio("polling", 0.0, 1.0);
  power.stalled = reader.ratio("stalled", 0.0, 1.0);
  power.voltage = read_voltage(reader, boost);
  power.lowest_clock = reader.positive<Hertz>("lowest_clock");
  power.clock_step = reader.positive<Hertz>("clock_step");
  power.spread = reader.ratio_or("spread", 0.0, 0.0, 0.2);
  power.die = read_thermal_limits(reader.child("die"));
  power.memory_limits = read_thermal_limits(reader.child("memory_limits"));
  check(reader, power);
  finish(reader);
  return power;
}

}  // namespace orrery::accelerator
