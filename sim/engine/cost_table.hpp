#pragma once
/// The costs of a program's blocks and collectives on a platform, each evaluated once.

#include <map>
#include <tuple>
#include <vector>

#include <orrery/accelerator.hpp>
#include <orrery/collective.hpp>
#include <orrery/program.hpp>

namespace orrery {

/// A block alone on its device.
struct BlockCost {
  Seconds time{};       ///< of its kernels, one after the other
  int launches = 0;     ///< kernels
  Seconds gemm{};       ///< part of `time` in matrix multiplies
  Seconds attention{};  ///< part of `time` in fused attention
};

class CostTable {
 public:
  /// Keeps references to the first three; `point` is that of a device without communication.
  CostTable(const Program& program, const Accelerator& accelerator,
            const CollectiveModel& collectives, const OperatingPoint& point);

  [[nodiscard]] const BlockCost& block(std::uint32_t index) const { return blocks_[index]; }
  [[nodiscard]] const CollectiveCost& collective(std::uint32_t index) const {
    return collectives_[index];
  }
  /// How much slower block `index` runs while communication kernels hold `multiprocessors` and move
  /// `memory` to and from HBM; at least 1.
  [[nodiscard]] double slowdown(std::uint32_t index, int multiprocessors,
                                BytesPerSecond memory) const;

 private:
  [[nodiscard]] Seconds time_of(const Block& block, const OperatingPoint& point) const;

  const Program& program_;
  const Accelerator& accelerator_;
  OperatingPoint point_;
  std::vector<BlockCost> blocks_;
  std::vector<CollectiveCost> collectives_;
  mutable std::map<std::tuple<std::uint32_t, int, double>, double> slowdowns_;
};

/// Mean distance of the least of `count` normal values below their mean, in standard deviations
/// (Blom 1958): 0 for one, 1.42 for 8, 2.51 for 100, 3.24 for 1,000.
double expected_slowest(int count);

}  // namespace orrery
