#include "accelerator/gpu_power.hpp"

#include <algorithm>
#include <cmath>

#include "accelerator/gpu_parameters.hpp"

namespace orrery::accelerator {
namespace {

// A cap leaves at least this to work, however much leaks.
constexpr Watts kLeastRoom(10);

BoardPower scaled(const BoardPower& power, double ratio) {
  return {.fixed = power.fixed * ratio,
          .leakage = power.leakage * ratio,
          .clock = power.clock * ratio,
          .compute = power.compute * ratio,
          .memory = power.memory * ratio,
          .link = power.link * ratio};
}

// Where the lowest clock draws too much, the board pauses in between: how much longer the kernel
// takes.
double pause(const BoardPower& power, double excess, Watts cap) {
  const Watts drawn = power.total() * excess;
  if (drawn <= cap * (1.0 + 1e-9)) return 1.0;
  const Watts still = (power.fixed + power.leakage) * excess;
  const Watts room = max(cap - still, kLeastRoom);
  return (drawn - still) / room;
}

}  // namespace

Seconds KernelDemand::busy(Hertz clock) const {
  if (compute <= Seconds(0)) return memory;
  return overlapped(compute * (reference / clock), memory);
}

Watts GpuPower::leakage(Temperature die, double voltage) const {
  const double growth = spec_.leakage_growth * (die - spec_.leakage_at);
  return spec_.leakage * (voltage * std::exp(growth));
}

BoardPower GpuPower::at(const KernelDemand& demand, Hertz clock, Temperature die) const {
  const double voltage = spec_.voltage_at(clock);
  const double square = voltage * voltage;
  const Seconds busy = demand.busy(clock);
  const Seconds time = busy + demand.rest;
  BoardPower power;
  power.fixed = spec_.fixed;
  power.leakage = leakage(die, voltage);
  if (time <= Seconds(0)) return power;
  // Multiprocessors that wait for memory switch little.
  const Seconds computing = min(busy, demand.compute * (demand.reference / clock));
  const Seconds stalled = busy - computing;
  const double active = (demand.active * (computing + spec_.stalled * stalled) +
                         demand.rest_active * spec_.stalled * demand.rest) /
                        time;
  power.clock = spec_.clock * (square * (clock / spec_.highest_clock()) * active);
  power.compute = square *
                  (demand.flops * spec_.energy[demand.dtype] +
                   demand.vector_flops * spec_.energy[Dtype::Fp32]) /
                  time;
  power.memory = demand.bytes * spec_.memory / time;
  return power;
}

Hertz GpuPower::step_below(Hertz wanted) const {
  const Hertz lowest = spec_.lowest_clock;
  if (wanted >= spec_.highest_clock()) return spec_.highest_clock();
  if (wanted <= lowest) return lowest;
  // A millionth of a step: 1200 MHz is on a ladder of 15 MHz whatever the rounding.
  const double steps = std::floor((wanted - lowest) / spec_.clock_step + 1e-6);
  return lowest + spec_.clock_step * steps;
}

Hertz GpuPower::top(const OperatingPoint& point) const {
  return point.clock_limit > Hertz(0) ? step_below(point.clock_limit) : spec_.highest_clock();
}

Resolved GpuPower::resolve(const KernelDemand& demand, const OperatingPoint& point) const {
  const Watts cap =
      (point.power_cap > Watts(0) ? min(point.power_cap, spec_.limit) : spec_.limit) - point.beside;
  // The slowest device draws more than the mean one for the same work.
  const double excess = 1.0 + spec_.spread * point.slowest_deviations;
  const auto drawn = [&](Hertz clock) {
    return at(demand, clock, point.temperature).total() * excess;
  };
  const Hertz highest = top(point);
  const Watts unheld = drawn(highest);
  Resolved result{.clock = highest, .time = {}, .power = {}, .capped = unheld > cap};
  if (result.capped) {
    double low = 0;
    double high = std::ceil((highest - spec_.lowest_clock) / spec_.clock_step);
    const auto step = [&](double steps) {
      return min(highest, spec_.lowest_clock + spec_.clock_step * steps);
    };
    Watts under = drawn(step(0));
    Watts over = unheld;
    if (under >= cap) {
      high = low;
      over = under;
    }
    while (high - low > 1.0) {
      const double middle = std::floor(0.5 * (low + high));
      const Watts power = drawn(step(middle));
      (power > cap ? over : under) = power;
      (power > cap ? high : low) = middle;
    }
    const double share = over > under ? (cap - under) / (over - under) : 0.0;
    result.clock = step(low) + (step(high) - step(low)) * share;
  }
  result.clock = result.clock * point.clock;  // a straggler: of what others run at
  result.time = demand.time(result.clock);
  const BoardPower slowest = at(demand, result.clock, point.temperature);
  result.time *= pause(slowest, excess, cap);
  // The mean device would draw unheld / excess, if the cap lets it; a straggler what its clock
  // takes.
  const Watts mean = point.clock < 1.0 ? min(cap, slowest.total()) : min(cap, unheld / excess);
  result.power = scaled(slowest, mean / slowest.total());
  return result;
}

BoardPower GpuPower::idle(Temperature) const {
  BoardPower power;
  power.fixed = spec_.idle;
  return power;
}

BoardPower GpuPower::held(const OperatingPoint& point) const {
  BoardPower power;
  power.fixed = spec_.fixed;
  power.leakage = leakage(point.temperature, spec_.voltage_at(top(point)));
  return power;
}

BoardPower GpuPower::communicating(const OperatingPoint& point, BytesPerSecond link,
                                   BytesPerSecond memory) const {
  BoardPower power = held(point);
  const Hertz clock = top(point);
  const double voltage = spec_.voltage_at(clock);
  power.clock = spec_.clock * (spec_.polling * voltage * voltage * (clock / spec_.highest_clock()));
  power.link = link * spec_.link;
  power.memory = memory * spec_.memory;
  return power;
}

}  // namespace orrery::accelerator
