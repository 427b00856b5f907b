#pragma once
/// What a TPU chip draws. Its clock is fixed: no power cap moves it, only heat does.

#include <orrery/accelerator.hpp>
#include <orrery/schema.hpp>

namespace orrery::accelerator::tpu {

/// The `power` map of an entry. Symbols in brackets are those of README.md.
struct PowerSpec {
  Watts limit{};
  Watts idle{};                ///< [P_idle] no process holds the chip
  Watts fixed{};               ///< [P_fix] a process holds it, without leakage
  Watts memory_at_rest{};      ///< of `idle` and `fixed`, in the HBM
  Watts leakage{};             ///< [P_leak] at 65 degC
  PerKelvin leakage_growth{};  ///< [beta]
  JoulesPerFlop tensor{};      ///< [e] of bf16 on the arrays; int8 and fp8 take half of it
  JoulesPerFlop vector{};
  JoulesPerByte memory{};  ///< [e_hbm]
  JoulesPerByte link{};    ///< [e_link]
  ThermalLimits die;
  ThermalLimits memory_limits;
};
const Schema<PowerSpec>& power_schema();
/// Sets the limit, and reports at `reader`, of the map `power`, what is above it.
void complete_power(Reader& reader, PowerSpec& power, Watts limit);

class TpuPower final : public PowerModel {
 public:
  TpuPower(PowerSpec spec, Hertz frequency, double spread)
      : spec_(spec), frequency_(frequency), spread_(spread) {}

  /// Adds clock and power to a cost with its activity; `one_byte`: the product's operands are.
  void note(Cost& cost, const OperatingPoint& point, bool one_byte) const;

  [[nodiscard]] BoardPower idle(Temperature die) const override;
  [[nodiscard]] BoardPower held(const OperatingPoint& point) const override;
  [[nodiscard]] BoardPower communicating(const OperatingPoint& point, BytesPerSecond link,
                                         BytesPerSecond memory) const override;
  [[nodiscard]] Watts memory_at_rest() const override { return spec_.memory_at_rest; }
  [[nodiscard]] PerKelvin leakage_growth() const override { return spec_.leakage_growth; }
  [[nodiscard]] Watts limit() const override { return spec_.limit; }
  /// There is no cap to set.
  [[nodiscard]] Watts lowest_cap() const override { return spec_.limit; }
  [[nodiscard]] Hertz highest_clock() const override { return frequency_; }
  [[nodiscard]] Hertz lowest_clock() const override { return kLowestShare * frequency_; }
  [[nodiscard]] double spread() const override { return spread_; }
  [[nodiscard]] const ThermalLimits& die_limits() const override { return spec_.die; }
  [[nodiscard]] const ThermalLimits& memory_limits() const override { return spec_.memory_limits; }

 private:
  static constexpr double kLowestShare = 0.25;  // of the clock, when heat holds it down; estimate
  PowerSpec spec_;
  Hertz frequency_;
  double spread_;
};

}  // namespace orrery::accelerator::tpu
