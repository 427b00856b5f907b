#include "engine/cost_table.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <numbers>
#include <utility>
#include <vector>

namespace orrery {
namespace {

// A kernel never loses everything to communication: the scheduler keeps serving both.
constexpr double kLeastShare = 0.1;

double share_left(double taken, double all) { return std::max(kLeastShare, 1.0 - taken / all); }

BlockCost cost_of(const Block& block, const DevicePoint& device) {
  BlockCost cost;
  for (const Work& work : block) {
    const Cost kernel = device.accelerator->cost(work, device.point);
    const Seconds time = kernel.time * work.repeat;
    cost.time += time;
    cost.launches += work.repeat;
    if (std::holds_alternative<Gemm>(work.shape)) cost.gemm += time;
    if (std::holds_alternative<FlashAttention>(work.shape)) cost.attention += time;
    if (kernel.bound == Bound::Memory) cost.memory += time;
    cost.energy.add(kernel.power, time);
    cost.peak = max(cost.peak, kernel.power.total());
    cost.cycles += kernel.clock * time;
    if (kernel.capped) cost.capped += time;
  }
  return cost;
}

// What communication draws of the cap: its traffic to and from HBM, and its kernel, where it has
// one.
Watts beside(const DevicePoint& device, int multiprocessors, BytesPerSecond memory) {
  const PowerModel* power = device.accelerator->power();
  if (power == nullptr) return Watts(0);
  const BoardPower drawn = power->communicating(device.point, BytesPerSecond(0), memory);
  return drawn.memory + (multiprocessors > 0 ? drawn.clock : Watts(0));
}

// Flows of one collective may ask more of a resource together than it has in the time that their
// model says: of ways that are alike each takes as of its busiest one, and these need not be one
// way. A ring over several servers is inside one on this slot, and leaves it on that. Alone they
// take what there is, and so beside others.
void fit_together(CollectiveCost& cost) {
  if (cost.flows.size() < 2 || cost.transfer <= Seconds(0)) return;
  std::map<std::uint32_t, std::pair<const LinkFlow*, double>> asked;  // first flow; of capacity
  std::map<std::uint32_t, double> beyond;
  for (const LinkFlow& flow : cost.flows) {
    for (const ResourceUse& use : flow.uses) {
      auto& [first, share] = asked.try_emplace(use.resource, &flow, 0.0).first->second;
      share += flow.bytes / cost.transfer / use.capacity * use.per_byte;
      if (first != &flow && share > 1) beyond[use.resource] = share;
    }
  }
  if (beyond.empty()) return;
  for (LinkFlow& flow : cost.flows) {
    std::vector<ResourceUse> uses(flow.uses.begin(), flow.uses.end());
    for (ResourceUse& use : uses) {
      const auto found = beyond.find(use.resource);
      if (found != beyond.end()) use.per_byte /= found->second;
    }
    flow.uses = ResourceUses(std::move(uses));
  }
}

}  // namespace

CostTable::CostTable(const WorkTables& tables, std::vector<DevicePoint> kinds,
                     const CollectiveModel& collectives)
    : tables_(tables), kinds_(std::move(kinds)) {
  for (const DevicePoint& kind : kinds_) {
    capacity_.push_back(
        {.multiprocessors = static_cast<double>(kind.accelerator->multiprocessors()),
         .memory = kind.accelerator->memory_bandwidth().si()});
    std::vector<BlockCost>& of_kind = blocks_.emplace_back();
    of_kind.reserve(tables.blocks.size());
    for (const Block& block : tables.blocks) of_kind.push_back(cost_of(block, kind));
    const auto longest = std::max_element(of_kind.begin(), of_kind.end(),
                                          [](const BlockCost& a, const BlockCost& b) {
                                            return a.gemm + a.attention < b.gemm + b.attention;
                                          });
    computing_.push_back(static_cast<std::uint32_t>(longest - of_kind.begin()));
  }
  for (const CollectiveUse& use : tables.collectives) {
    collectives_.push_back(use.cost ? *use.cost : collectives.cost(use.request));
    if (use.request.copy_engine) collectives_.back().multiprocessors = 0;
    // Placed ones name every way by itself, and take of it what they do.
    if (!use.request.layout.placed) fit_together(collectives_.back());
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

double CostTable::compute_share(int multiprocessors, int kind) const {
  return share_left(multiprocessors, capacity_[static_cast<std::size_t>(kind)].multiprocessors);
}

double CostTable::memory_share(BytesPerSecond memory, int kind) const {
  return share_left(memory.si(), capacity_[static_cast<std::size_t>(kind)].memory);
}

double CostTable::compute_pace(int multiprocessors, BytesPerSecond memory, int kind) const {
  if (multiprocessors == 0 && memory <= BytesPerSecond(0)) return 1;
  const std::vector<BlockCost>& blocks = blocks_[static_cast<std::size_t>(kind)];
  const std::uint32_t index = computing_[static_cast<std::size_t>(kind)];
  if (index >= blocks.size() || blocks[index].capped <= Seconds(0)) {
    return compute_share(multiprocessors, kind);
  }
  const BlockCost& longest = blocks[index];
  const double bound = longest.memory / longest.time;  // by memory, which shares() accounts for
  const double lost = slowdown(index, multiprocessors, memory, kind) - 1 -
                      bound * (1 / memory_share(memory, kind) - 1);
  return 1 / (1 + std::max(0.0, lost) / std::max(1 - bound, kLeastShare));
}

double CostTable::slowdown(std::uint32_t index, int multiprocessors, BytesPerSecond memory,
                           int kind) const {
  const auto key = std::make_tuple(index, multiprocessors, memory.si(), kind);
  const auto found = slowdowns_.find(key);
  if (found != slowdowns_.end()) return found->second;
  DevicePoint slowed = kinds_[static_cast<std::size_t>(kind)];
  slowed.point.compute_share = compute_share(multiprocessors, kind);
  slowed.point.memory_share = memory_share(memory, kind);
  slowed.point.beside = beside(slowed, multiprocessors, memory);
  const double alone = block(index, kind).time.si();
  const double time = cost_of(tables_.blocks[index], slowed).time.si();
  const double factor = alone > 0 ? std::max(1.0, time / alone) : 1.0;
  slowdowns_.emplace(key, factor);
  return factor;
}

}  // namespace orrery
