#include "engine/cost_table.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace orrery {
namespace {

// A kernel never loses everything to communication: the scheduler keeps serving both.
constexpr double kLeastShare = 0.1;

double share_left(double taken, double all) { return std::max(kLeastShare, 1.0 - taken / all); }

}  // namespace

CostTable::CostTable(const Program& program, const Accelerator& accelerator,
                     const CollectiveModel& collectives, const OperatingPoint& point)
    : program_(program), accelerator_(accelerator), point_(point) {
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

double expected_slowest(int count) {
  if (count <= 1) return 0;
  const double probability = (count - 0.375) / (count + 0.25);
  // Newton's method on the normal distribution; convex above the mean, so it converges from there.
  double x = 1;
  for (int i = 0; i < 60; ++i) {
    const double above = 0.5 * std::erfc(x / std::numbers::sqrt2) - (1 - probability);
    const double density = std::exp(-0.5 * x * x) / std::sqrt(2 * std::numbers::pi);
    const double step = above / density;
    x += std::min(step, 1.0);
    if (std::abs(step) < 1e-12) break;
  }
  return x;
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
  OperatingPoint point = point_;
  point.compute_share = share_left(multiprocessors, accelerator_.multiprocessors());
  point.memory_share = share_left(memory.si(), accelerator_.memory_bandwidth().si());
  const double alone = blocks_[index].time.si();
  const double slowed = time_of(program_.blocks[index], point).si();
  const double factor = alone > 0 ? std::max(1.0, slowed / alone) : 1.0;
  slowdowns_.emplace(key, factor);
  return factor;
}

}  // namespace orrery
