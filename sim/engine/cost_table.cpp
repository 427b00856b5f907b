#include "engine/cost_table.hpp"

#include <algorithm>

namespace orrery {
namespace {

// A kernel never loses everything to communication: the scheduler keeps serving both.
constexpr double kLeastShare = 0.1;

double share_left(double taken, double all) { return std::max(kLeastShare, 1.0 - taken / all); }

}  // namespace

CostTable::CostTable(const Program& program, const Accelerator& accelerator,
                     const CollectiveModel& collectives, OperatingPoint::Regime regime)
    : program_(program), accelerator_(accelerator), regime_(regime) {
  const OperatingPoint point{.regime = regime};
  for (const Block& block : program.blocks) {
    BlockCost cost;
    for (const Work& work : block) {
      const Seconds time = accelerator.cost(work, point).time * work.repeat;
      cost.time += time;
      cost.launches += work.repeat;
      if (std::holds_alternative<Gemm>(work.shape)) cost.gemm += time;
      if (std::holds_alternative<FlashAttention>(work.shape)) cost.attention += time;
    }
    blocks_.push_back(cost);
  }
  for (const CollectiveUse& use : program.collectives) {
    collectives_.push_back(collectives.cost(use.request));
    if (use.request.copy_engine) collectives_.back().multiprocessors = 0;
  }
}

Seconds CostTable::time_of(const Block& block, const OperatingPoint& point) const {
  Seconds time{};
  for (const Work& work : block) time += accelerator_.cost(work, point).time * work.repeat;
  return time;
}

double CostTable::slowdown(std::uint32_t index, int multiprocessors, BytesPerSecond memory) const {
  const auto key = std::make_tuple(index, multiprocessors, memory.si());
  const auto found = slowdowns_.find(key);
  if (found != slowdowns_.end()) return found->second;
  const OperatingPoint point{
      .regime = regime_,
      .compute_share = share_left(multiprocessors, accelerator_.multiprocessors()),
      .memory_share = share_left(memory.si(), accelerator_.memory_bandwidth().si())};
  const double alone = blocks_[index].time.si();
  const double slowed = time_of(program_.blocks[index], point).si();
  const double factor = alone > 0 ? std::max(1.0, slowed / alone) : 1.0;
  slowdowns_.emplace(key, factor);
  return factor;
}

}  // namespace orrery
