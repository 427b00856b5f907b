#pragma once
/// What a GPU's board draws, and the clock that its power cap leaves to a kernel.

#include "accelerator/gpu_power_spec.hpp"

namespace orrery::accelerator {

/// What a kernel asks of a device, so that its time and power follow from the clock.
struct KernelDemand {
  Seconds compute{};       ///< time of the multiprocessors at `reference`; goes as 1 / clock
  Hertz reference{};       ///< clock of `compute`
  Seconds memory{};        ///< beside `compute`
  Seconds rest{};          ///< before or after both
  double active = 0;       ///< multiprocessors that are busy in `compute`, of the device
  double rest_active = 0;  ///< that wait for memory in `rest`
  Seconds burst{};         ///< time at `reference` over which a burst's clock decays
  Flops flops{};
  Dtype dtype = Dtype::Bf16;  ///< of `flops`
  Flops vector_flops{};
  Bytes bytes{};

  [[nodiscard]] Seconds busy(Hertz clock) const;
  [[nodiscard]] Seconds time(Hertz clock) const { return busy(clock) + rest; }
};

/// A kernel at the clock that it gets.
struct Resolved {
  Hertz clock{};
  Seconds time{};
  BoardPower power;
  bool capped = false;
};

class GpuPower final : public PowerModel {
 public:
  explicit GpuPower(PowerSpec spec) : spec_(std::move(spec)) {}

  /// Mean power over a kernel that runs at `clock`.
  [[nodiscard]] BoardPower at(const KernelDemand& demand, Hertz clock, Temperature die) const;
  /// The highest clock, up to the limit of `point`, at which the board's power meets the cap.
  /// Between two steps of the ladder the board changes to and fro, and the mean counts. The clock
  /// is that of the slowest device of those that work in step; the power that of the mean one.
  [[nodiscard]] Resolved resolve(const KernelDemand& demand, const OperatingPoint& point) const;
  /// `wanted`, down to a step of the ladder.
  [[nodiscard]] Hertz step_below(Hertz wanted) const;

  [[nodiscard]] BoardPower idle(Temperature die) const override;
  [[nodiscard]] BoardPower held(const OperatingPoint& point) const override;
  [[nodiscard]] BoardPower communicating(const OperatingPoint& point, BytesPerSecond link,
                                         BytesPerSecond memory) const override;
  [[nodiscard]] Watts memory_at_rest() const override { return spec_.memory_at_rest; }
  [[nodiscard]] PerKelvin leakage_growth() const override { return spec_.leakage_growth; }
  [[nodiscard]] Watts limit() const override { return spec_.limit; }
  [[nodiscard]] Watts lowest_cap() const override { return spec_.lowest_cap; }
  [[nodiscard]] Hertz highest_clock() const override { return spec_.highest_clock(); }
  [[nodiscard]] Hertz lowest_clock() const override { return spec_.lowest_clock; }
  [[nodiscard]] double spread() const override { return spec_.spread; }
  [[nodiscard]] const ThermalLimits& die_limits() const override { return spec_.die; }
  [[nodiscard]] const ThermalLimits& memory_limits() const override { return spec_.memory_limits; }

 private:
  [[nodiscard]] Watts leakage(Temperature die, double voltage) const;
  [[nodiscard]] Hertz top(const OperatingPoint& point) const;
  PowerSpec spec_;
};

}  // namespace orrery::accelerator
