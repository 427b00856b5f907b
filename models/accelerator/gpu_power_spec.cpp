#include "accelerator/gpu_power_spec.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "accelerator/thermal_limits.hpp"

namespace orrery::accelerator {
namespace {

using namespace schema;

const Schema<VoltagePoint>& voltage_schema() {
  using V = VoltagePoint;
  static const Schema<V> result("voltage", {required("clock", &V::clock, positive, "rising"),
                                            required("ratio", &V::ratio, between(0.3, 1.0),
                                                     "[V] of the voltage at the highest clock")});
  return result;
}

// The curve must rise with the clock and end at the highest one: a lower clock that needed more
// voltage would be no reason to slow down.
void check_curve(Reader& power, const std::vector<VoltagePoint>& curve, Hertz boost) {
  std::vector<Reader> points = power.children("voltage");
  for (std::size_t i = 1; i < curve.size(); ++i) {
    const VoltagePoint &before = curve[i - 1], &next = curve[i];
    if (next.clock > before.clock && next.ratio >= before.ratio) continue;
    points[i].error(
        "clock", fmt::format("voltage: expected clocks that rise and ratios that do not "
                             "fall; got {} at {} after {} at {}",
                             next.ratio, to_text(next.clock), before.ratio, to_text(before.clock)));
  }
  if (power.diagnostics().empty() && (curve.back().clock != boost || curve.back().ratio != 1.0)) {
    power.error("voltage",
                fmt::format("voltage: expected the last point at ratio 1 and the boost "
                            "clock of {}; got {} at {}",
                            to_text(boost), curve.back().ratio, to_text(curve.back().clock)));
  }
}

// Every format that the device computes in costs energy.
void check_energy(Reader energy, const PerDtype<Flops>& formats) {
  for (const auto& [name, dtype] : {std::pair{"fp8", Dtype::Fp8}, {"int8", Dtype::Int8}}) {
    if (formats[dtype] <= Flops(0) || energy.has(name)) continue;
    (void)energy.positive<JoulesPerFlop>(name);  // reports that it is missing
  }
}

const Schema<PerDtype<JoulesPerFlop>>& energy_schema() {
  using Q = JoulesPerFlop;
  static const Schema<PerDtype<Q>> result(
      "energy", {format<Q>("fp32", {Dtype::Fp32}, true, "of an operation of that format"),
                 format<Q>("tf32", {Dtype::Tf32}, true, "likewise"),
                 format<Q>("bf16", {Dtype::Bf16, Dtype::Fp16}, true, "of both 16-bit types"),
                 format<Q>("fp8", {Dtype::Fp8}, false, "required where the device has the format"),
                 format<Q>("int8", {Dtype::Int8}, false, "likewise")});
  return result;
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

const Schema<PowerSpec>& power_schema() {
  using P = PowerSpec;
  static const Schema<P> result(
      "power",
      {required("lowest_cap", &P::lowest_cap, positive, "power cap that the driver takes at least"),
       required("idle", &P::idle, positive, "[P_idle] no process holds the device"),
       required("fixed", &P::fixed, positive, "[P_fix] a process holds it, without leakage"),
       optional("memory_at_rest", &P::memory_at_rest, "of `idle` and `fixed`, in the HBM"),
       required("leakage", &P::leakage,
                "[P_leak] at `leakage_at` and the voltage of the highest clock"),
       optional("leakage_at", &P::leakage_at, "[T0] of the die"),
       required("leakage_growth", &P::leakage_growth, "[beta]"),
       required("clock", &P::clock, "[P_clk] of all multiprocessors at the highest clock"),
       required("energy", &P::energy, &energy_schema(),
                "[e] of arithmetic at the voltage of the highest clock"),
       required("memory", &P::memory, positive, "[e_hbm] of traffic to the HBM"),
       required("link", &P::link, "[e_link] of traffic to other devices"),
       required("polling", &P::polling, between(0.0, 1.0),
                "[s] of `clock`, while a communication kernel waits for others"),
       required("stalled", &P::stalled, between(0.0, 1.0),
                "[w] of `clock`, of multiprocessors that wait for memory"),
       required("voltage", &P::voltage, &voltage_schema(),
                "linear between points, flat below the first; the last is `boost` at ratio 1"),
       required("lowest_clock", &P::lowest_clock, positive, "of the ladder, below `boost`"),
       required("clock_step", &P::clock_step, positive, "of the ladder"),
       optional("spread", &P::spread, between(0.0, 0.2),
                "[sigma] of the power of equal work between devices"),
       required("die", &P::die, &thermal_limits_schema(), "temperatures of the die"),
       required("memory_limits", &P::memory_limits, &thermal_limits_schema(), "of the HBM")});
  return result;
}

void complete_power(Reader& reader, PowerSpec& power, const BoardLimits& board) {
  power.limit = board.limit;
  if (power.voltage.empty()) {
    power.voltage = {{.clock = board.boost, .ratio = 1.0}};
  } else {
    check_curve(reader, power.voltage, board.boost);
  }
  check_energy(reader.child("energy"), board.formats);
  check(reader, power);
}

}  // namespace orrery::accelerator
