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

struct Cost {
  Seconds time{};
  Activity activity;
  Bound bound = Bound::Compute;
};

class Accelerator {
 public:
  virtual ~Accelerator() = default;
  [[nodiscard]] virtual const std::string& name() const = 0;
  /// Bytes of device memory that a job can use.
  [[nodiscard]] virtual Bytes memory_capacity() const = 0;
  /// Datasheet rate of dense matrix work, the denominator of MFU.
  [[nodiscard]] virtual FlopsPerSecond peak(Dtype dtype) const = 0;
  /// Whether the device multiplies matrices in `dtype`, on whatever units.
  [[nodiscard]] virtual bool supports(Dtype dtype) const = 0;
  [[nodiscard]] virtual BytesPerSecond memory_bandwidth() const = 0;
  /// Multiprocessors (or cores) that kernels and communication kernels share.
  [[nodiscard]] virtual int multiprocessors() const = 0;
  /// What of the device is estimated instead of measured, for the reader of a result; empty if
  /// nothing.
  [[nodiscard]] virtual std::string caveat() const { return {}; }
  /// Time of one launch of `work` (its `repeat` is not applied), O(1).
  [[nodiscard]] virtual Cost cost(const Work& work, const OperatingPoint& point) const = 0;
};

}  // namespace orrery
