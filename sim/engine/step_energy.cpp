#include "engine/step_energy.hpp"

#include <algorithm>

#include "engine/outline_counts.hpp"

namespace orrery {
namespace {

Joules& at(RankEnergy& energy, Tile tile) { return energy.by_tile[static_cast<std::size_t>(tile)]; }

class RankMeter {
 public:
  RankMeter(const Outline& outline, const CostTable& costs, const OutlineCounts& counts,
            std::size_t rank, const StepResult& result)
      : outline_(outline),
        costs_(costs),
        counts_(counts),
        rank_(rank),
        kind_(outline.ranks[rank].kind),
        device_(costs.kinds()[static_cast<std::size_t>(kind_)]),
        power_(*device_.accelerator->power()),
        tiles_(result.rank_tiles[rank]),
        step_(result.step_time) {}

  RankEnergy run() {
    kernels();
    communication();
    waiting();
    energy_.clock = kernel_time_ > Seconds(0) ? Hertz(cycles_ / kernel_time_.si()) : Hertz(0);
    energy_.capped = std::min(1.0, capped_ / step_);
    hold_cap();
    return energy_;
  }

 private:
  [[nodiscard]] Watts cap() const {
    return device_.point.power_cap > Watts(0) ? device_.point.power_cap : power_.limit();
  }

  // A kernel beside communication gets what that leaves of the cap, but was counted as if alone:
  // the board draws no more than its cap in the mean.
  void hold_cap() {
    const double over = energy_.board.total() / (cap() * step_);
    if (over <= 1) return;
    BoardEnergy held;
    held.add(energy_.board, 1 / over);
    energy_.board = held;
    for (Joules& tile : energy_.by_tile) tile *= 1 / over;
  }

  void add(const BoardPower& power, Seconds time, Tile tile) {
    energy_.board.add(power, time);
    at(energy_, tile) += power.total() * time;
  }

  void kernels() {
    for (std::uint32_t i = 0; i < outline_.blocks.size(); ++i) {
      const double times = counts_.block(rank_, i);
      if (times == 0) continue;
      const BlockCost& block = costs_.block(i, kind_);
      const Tile tile = counts_.block_tile(i);
      energy_.board.add(block.energy, times);
      at(energy_, tile) += block.energy.total() * times;
      energy_.peak = max(energy_.peak, block.peak);
      busy_[static_cast<std::size_t>(tile)] += block.time * times;
      kernel_time_ += block.time * times;
      cycles_ += block.cycles * times;
      capped_ += block.capped * times;
    }
  }

  // What traffic takes beyond what the board draws anyway.
  void communication() {
    const Watts polling = power_.communicating(device_.point, {}, {}).total();
    for (std::uint32_t i = 0; i < outline_.collectives.size(); ++i) {
      const double times = counts_.collective(rank_, i);
      const CollectiveCost& cost = costs_.collective(i);
      if (times == 0 || cost.transfer <= Seconds(0)) continue;
      Bytes bytes{};
      for (const LinkFlow& flow : cost.flows) bytes += flow.bytes;
      const BoardPower power =
          power_.communicating(device_.point, bytes / cost.transfer, cost.memory);
      BoardPower traffic;
      traffic.link = power.link;
      traffic.memory = power.memory;
      add(traffic, cost.transfer * times, counts_.collective_tile(i));
      energy_.peak = max(energy_.peak, min(cap(), polling + traffic.total()));
    }
  }

  // The time of every tile in which no kernel of its own runs.
  void waiting() {
    const BoardPower held = power_.held(device_.point);
    const BoardPower polling = power_.communicating(device_.point, {}, {});
    for (std::size_t t = 0; t < tiles_.size(); ++t) {
      const auto tile = static_cast<Tile>(t);
      const bool alone = tile == Tile::Host || tile == Tile::DataWait || tile == Tile::Checkpoint;
      add(alone ? held : polling, max(Seconds(0), tiles_[t] - busy_[t]), tile);
    }
  }

  const Outline& outline_;
  const CostTable& costs_;
  const OutlineCounts& counts_;
  std::size_t rank_;
  int kind_;
  const DevicePoint& device_;
  const PowerModel& power_;
  const Tiles& tiles_;
  Seconds step_;
  RankEnergy energy_;
  Tiles busy_{};
  Seconds kernel_time_{};
  Seconds capped_{};
  double cycles_ = 0;
};

// Mean over devices of what their traffic takes of resources.
void add_activity(const Outline& outline, const CostTable& costs, const OutlineCounts& counts,
                  StepResult& result) {
  std::vector<double>& activity = result.resource_activity;
  double weights = 0;
  for (const RepresentedRank& rank : outline.ranks) weights += rank.weight;
  for (std::size_t rank = 0; rank < outline.ranks.size(); ++rank) {
    const double share = outline.ranks[rank].weight / weights;
    for (std::uint32_t i = 0; i < outline.collectives.size(); ++i) {
      const double times = counts.collective(rank, i) * share;
      if (times == 0 || outline.collectives[i].request.layout.placed) continue;
      for (const LinkFlow& flow : costs.collective(i).flows) {
        for (const ResourceUse& use : flow.uses) {
          if (use.resource >= activity.size()) activity.resize(use.resource + 1U);
          activity[use.resource] +=
              times * (flow.bytes * use.per_byte / use.capacity / result.step_time);
        }
      }
    }
  }
}

void add_share(const RankEnergy& one, double share, RankEnergy& mean) {
  mean.board.add(one.board, share);
  for (std::size_t t = 0; t < one.by_tile.size(); ++t) mean.by_tile[t] += one.by_tile[t] * share;
  mean.peak = max(mean.peak, one.peak);
  mean.clock += one.clock * share;
  mean.capped += one.capped * share;
}

void add_means(const Outline& outline, std::size_t kinds, StepResult& result) {
  double all = 0;
  std::vector<double> of_kind(kinds);
  for (const RepresentedRank& rank : outline.ranks) {
    all += rank.weight;
    of_kind[static_cast<std::size_t>(rank.kind)] += rank.weight;
  }
  result.kind_energy.resize(kinds);
  for (std::size_t rank = 0; rank < outline.ranks.size(); ++rank) {
    const RankEnergy& one = result.rank_energy[rank];
    const double weight = outline.ranks[rank].weight;
    const auto kind = static_cast<std::size_t>(outline.ranks[rank].kind);
    add_share(one, weight / all, result.energy);
    add_share(one, weight / of_kind[kind], result.kind_energy[kind]);
  }
}

}  // namespace

void BoardEnergy::add(const BoardPower& power, Seconds time) {
  fixed += power.fixed * time;
  leakage += power.leakage * time;
  clock += power.clock * time;
  compute += power.compute * time;
  memory += power.memory * time;
  link += power.link * time;
}

void BoardEnergy::add(const BoardEnergy& other, double times) {
  fixed += other.fixed * times;
  leakage += other.leakage * times;
  clock += other.clock * times;
  compute += other.compute * times;
  memory += other.memory * times;
  link += other.link * times;
}

void add_energy(const Outline& outline, const CostTable& costs, StepResult& result) {
  for (const DevicePoint& kind : costs.kinds()) {
    if (kind.accelerator->power() == nullptr) return;
  }
  const OutlineCounts counts(outline);
  for (std::size_t rank = 0; rank < outline.ranks.size(); ++rank) {
    result.rank_energy.push_back(RankMeter(outline, costs, counts, rank, result).run());
  }
  add_means(outline, costs.kinds().size(), result);
  add_activity(outline, costs, counts, result);
}

}  // namespace orrery
