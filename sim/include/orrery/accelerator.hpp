#pragma once
/// The interface of a device model: a pure function from a kernel and an operating point to its
/// cost.

#include <memory>
#include <string>

#include <orrery/quantity.hpp>
#include <orrery/work.hpp>

namespace orrery {

/// The state in which a device works while a kernel runs.
struct OperatingPoint {
  /// How the clock is held: a cold burst of kernels, or long work at the power limit.
  enum class Regime { Burst, Sustained };
  Regime regime = Regime::Sustained;
  /// Shares of multiprocessors and of memory bandwidth left by communication kernels, (0, 1].
  double compute_share = 1.0;
  double memory_share = 1.0;
  /// Devices of one type differ. Those that work in step wait for the slowest: how many standard
  /// deviations it lies below the mean.
  double slowest_deviations = 0.0;
  /// Clock of this device as a ratio of what others of its type run at, (0, 1]: a straggler.
  double clock = 1.0;
  /// Of the die, which decides what leaks. The default is that of a loaded, air-cooled device.
  Temperature temperature = Temperature::celsius(65);
  /// What the board may draw; zero: the device's own limit.
  Watts power_cap{};
  /// The clock may not be higher: locked by the user or held down by heat; zero: no such limit.
  Hertz clock_limit{};
  /// What communication beside the kernel draws of the same cap.
  Watts beside{};
};

/// What limits a kernel.
enum class Bound { Compute, Memory, Latency };
const char* to_text(Bound bound);

/// What a kernel does to its device while it runs; power follows from it.
struct Activity {
  FlopsPerSecond tensor{};     ///< on matrix units
  FlopsPerSecond vector{};     ///< on vector units
  BytesPerSecond memory{};     ///< to and from HBM
  double active_fraction = 0;  ///< of the multiprocessors
};

/// What a board draws, by what for. All of it becomes heat; `memory` in the HBM, the rest in the
/// die and its regulators.
struct BoardPower {
  Watts fixed{};    ///< board, context, idle memory: whatever runs
  Watts leakage{};  ///< grows with temperature and voltage
  Watts clock{};    ///< clock trees and control of active multiprocessors
  Watts compute{};  ///< arithmetic
  Watts memory{};   ///< HBM traffic
  Watts link{};     ///< traffic to other devices
  [[nodiscard]] Watts total() const { return fixed + leakage + clock + compute + memory + link; }
};

struct Cost {
  Seconds time{};
  Activity activity{};
  Bound bound = Bound::Compute;
  Hertz clock{};        ///< mean over the kernel; zero where the device has no power model
  BoardPower power{};   ///< mean over the kernel; zero likewise
  bool capped = false;  ///< the power cap held the clock below what it could have been
};

/// Temperatures at which the vendor acts: above `operating` the clock ramps down to hold it, at
/// `slowdown` it halves, at `shutdown` the device turns itself off.
struct ThermalLimits {
  Temperature operating = Temperature::celsius(85);
  Temperature slowdown = Temperature::celsius(90);
  Temperature shutdown = Temperature::celsius(95);
};

/// What a device draws besides its kernels, and what bounds its clock and temperature. Its
/// functions are pure, O(1), and may be called from several threads at once.
class PowerModel {
 public:
  virtual ~PowerModel() = default;
  /// Nothing runs and no process holds the device.
  [[nodiscard]] virtual BoardPower idle(Temperature die) const = 0;
  /// A process holds the device; nothing runs.
  [[nodiscard]] virtual BoardPower held(const OperatingPoint& point) const = 0;
  /// A communication kernel waits for others, or transfers `link` and moves `memory`.
  [[nodiscard]] virtual BoardPower communicating(const OperatingPoint& point, BytesPerSecond link,
                                                 BytesPerSecond memory) const = 0;
  /// Of BoardPower::fixed, what the memory at rest draws.
  [[nodiscard]] virtual Watts memory_at_rest() const = 0;
  /// d ln(leakage) / dT.
  [[nodiscard]] virtual PerKelvin leakage_growth() const = 0;
  /// The highest cap (the device's own), and the lowest that it takes.
  [[nodiscard]] virtual Watts limit() const = 0;
  [[nodiscard]] virtual Watts lowest_cap() const = 0;
  /// Ends of the clock ladder.
  [[nodiscard]] virtual Hertz highest_clock() const = 0;
  [[nodiscard]] virtual Hertz lowest_clock() const = 0;
  /// Standard deviation, between devices of one type, of the power that the same work takes, as a
  /// ratio.
  [[nodiscard]] virtual double spread() const = 0;
  [[nodiscard]] virtual const ThermalLimits& die_limits() const = 0;
  [[nodiscard]] virtual const ThermalLimits& memory_limits() const = 0;
};

/// Immutable once made: its functions are pure and may be called from several threads at once.
/// References and pointers that they return live as long as the device.
class Accelerator {
 public:
  virtual ~Accelerator() = default;
  [[nodiscard]] virtual const std::string& name() const = 0;
  /// Bytes of device memory that a job can use.
  [[nodiscard]] virtual Bytes memory_capacity() const = 0;
  /// Datasheet rate of dense matrix work, the denominator of MFU; zero in a format that it does not
  /// support.
  [[nodiscard]] virtual FlopsPerSecond peak(Dtype dtype) const = 0;
  /// Whether the device multiplies matrices in `dtype`, on whatever units.
  [[nodiscard]] virtual bool supports(Dtype dtype) const = 0;
  /// Of the datasheet, read and write together.
  [[nodiscard]] virtual BytesPerSecond memory_bandwidth() const = 0;
  /// Multiprocessors (or cores) that kernels and communication kernels share.
  [[nodiscard]] virtual int multiprocessors() const = 0;
  /// What of the device is estimated instead of measured, for the reader of a result; empty if
  /// nothing.
  [[nodiscard]] virtual std::string caveat() const { return {}; }
  /// Time of one launch of `work` (its `repeat` is not applied), O(1).
  /// @pre products and attention are in a format that the device supports
  [[nodiscard]] virtual Cost cost(const Work& work, const OperatingPoint& point) const = 0;
  /// Null where nothing is known of the device's power.
  [[nodiscard]] virtual const PowerModel* power() const { return nullptr; }
};

}  // namespace orrery
