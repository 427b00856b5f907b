#pragma once
/// The costs of a program's blocks and collectives on a platform, each evaluated once.

#include <map>
#include <tuple>
#include <vector>

#include <orrery/accelerator.hpp>
#include <orrery/collective.hpp>
#include <orrery/program.hpp>
#include <orrery/step_result.hpp>

namespace orrery {

/// A block alone on its device.
struct BlockCost {
  Seconds time{};       ///< of its kernels, one after the other
  int launches = 0;     ///< kernels
  Seconds gemm{};       ///< part of `time` in matrix multiplies
  Seconds attention{};  ///< part of `time` in fused attention
  Seconds memory{};     ///< part of `time` in kernels that memory bandwidth bounds
  BoardEnergy energy;   ///< zero where the device's power is not known
  Watts peak{};         ///< of its kernels
  double cycles = 0;    ///< clock x time over its kernels
  Seconds capped{};     ///< part of `time` with the clock held down by the power cap
};

/// A kind of device in the state in which it works without communication.
struct DevicePoint {
  const Accelerator* accelerator = nullptr;
  OperatingPoint point;
};

class CostTable {
 public:
  /// Keeps a reference to `tables` and to the accelerators. `kinds` as Platform::kinds(), at least
  /// one.
  CostTable(const WorkTables& tables, std::vector<DevicePoint> kinds,
            const CollectiveModel& collectives);

  /// Block `index` on a device of kind `kind`.
  [[nodiscard]] const BlockCost& block(std::uint32_t index, int kind = 0) const {
    return blocks_[static_cast<std::size_t>(kind)][index];
  }
  [[nodiscard]] const CollectiveCost& collective(std::uint32_t index) const {
    return collectives_[index];
  }
  /// How much slower block `index` runs while communication kernels hold `multiprocessors` and move
  /// `memory` to and from HBM; at least 1.
  [[nodiscard]] double slowdown(std::uint32_t index, int multiprocessors, BytesPerSecond memory,
                                int kind = 0) const;
  /// The share of the multiprocessors, and that of the memory's bandwidth, which such communication
  /// leaves to kernels, ratios.
  [[nodiscard]] double compute_share(int multiprocessors, int kind = 0) const;
  [[nodiscard]] double memory_share(BytesPerSecond memory, int kind = 0) const;
  /// How fast kernels that compute run beside such communication, ratio: under its power cap a
  /// board with fewer multiprocessors at work takes a higher clock, and one that moves data a
  /// lower. As of the block with most such work.
  [[nodiscard]] double compute_pace(int multiprocessors, BytesPerSecond memory, int kind = 0) const;
  /// The devices, as given.
  [[nodiscard]] const std::vector<DevicePoint>& kinds() const { return kinds_; }

 private:
  const WorkTables& tables_;
  std::vector<DevicePoint> kinds_;
  struct Capacity {
    double multiprocessors = 1;
    double memory = 1;  ///< in B/s
  };
  std::vector<Capacity> capacity_;              // by kind, nothing else under way
  std::vector<std::vector<BlockCost>> blocks_;  // by kind
  std::vector<std::uint32_t> computing_;        // by kind: the block with most products
  std::vector<CollectiveCost> collectives_;
  mutable std::map<std::tuple<std::uint32_t, int, double, int>, double> slowdowns_;
};

/// Mean distance of the least of `count` normal values below their mean, in standard deviations
/// (Blom 1958): 0 for one, 1.42 for 8, 2.51 for 100, 3.24 for 1,000.
double expected_slowest(int count);

}  // namespace orrery
