#include "engine/estimator.hpp"

#include <algorithm>

#include <orrery/error.hpp>

#include "engine/rank_timeline.hpp"
#include "engine/shared_resources.hpp"

namespace orrery {
namespace {

class Estimator {
 public:
  Estimator(const Outline& outline, const CostTable& costs, Seconds launch_time, bool at_once)
      : outline_(outline),
        index_(outline),
        links_(outline, costs),
        rests_(outline, profiles_),
        exchange_(outline),
        passes_of_(outline.ranks.size()),
        repeated_(outline.ranks.size()) {
    make_profiles(costs, launch_time);
    for (std::uint32_t pass = 0; pass < outline.passes.size(); ++pass) {
      passes_of_[outline.passes[pass].rank].push_back(pass);
      last_microbatch_ = std::max(last_microbatch_, outline.passes[pass].microbatch);
    }
    ranks_.reserve(outline.ranks.size());
    for (std::uint32_t rank = 0; rank < outline.ranks.size(); ++rank) {
      ranks_.emplace_back(profiles_[static_cast<std::size_t>(outline.ranks[rank].kind)], exchange_,
                          rank, RankPasses{.passes = outline.passes, .order = passes_of_[rank]},
                          at_once ? &rests_ : nullptr);
    }
    if (outline.microbatches_left_out > 0) choose_periods();
  }

  StepResult run() {
    run_together(ranks_);
    repeat_periods();
    StepResult result;
    for (std::size_t rank = 0; rank < ranks_.size(); ++rank) {
      result.step_time = max(result.step_time, ranks_[rank].end() + repeated_[rank]);
    }
    fill_tiles(result);
    return result;
  }

 private:
  void make_profiles(const CostTable& costs, Seconds launch_time) {
    int kinds = 1;
    for (const RepresentedRank& rank : outline_.ranks) kinds = std::max(kinds, rank.kind + 1);
    profiles_.reserve(static_cast<std::size_t>(kinds));
    for (int kind = 0; kind < kinds; ++kind) {
      profiles_.emplace_back(index_, costs, links_, launch_time, kind);
    }
  }

  // One period in the middle of a rank's passes, which is in the steady state.
  void choose_periods() {
    for (std::size_t rank = 0; rank < ranks_.size(); ++rank) {
      const auto repeats = [this](std::uint32_t pass) {
        return outline_.passes[pass].microbatch != Pass::kOnce;
      };
      const auto passes = static_cast<std::size_t>(
          std::count_if(passes_of_[rank].begin(), passes_of_[rank].end(), repeats));
      const std::size_t period = passes * static_cast<std::size_t>(outline_.period) /
                                 static_cast<std::size_t>(last_microbatch_ + 1);
      const std::size_t first = (passes - period) / 2;
      ranks_[rank].note({.first = first, .last = first + period});
    }
  }

  // The last rank that each rank sends to or hears from, directly or not: the last stage of its
  // replica, which is in the steady state from its first pass on.
  [[nodiscard]] std::vector<std::size_t> last_stages() const {
    std::vector<std::size_t> last(ranks_.size(), ranks_.size() - 1);
    if (static_cast<int>(ranks_.size()) == outline_.period) return last;  // one replica
    for (std::size_t rank = 0; rank < last.size(); ++rank) last[rank] = rank;
    for (bool changed = true; changed;) {
      changed = false;
      for (const Pass& pass : outline_.passes) {
        if (pass.after == Pass::kNothing) continue;
        const std::size_t before = outline_.passes[static_cast<std::size_t>(pass.after)].rank;
        const std::size_t most = std::max(last[pass.rank], last[before]);
        changed = changed || last[pass.rank] != most || last[before] != most;
        last[pass.rank] = last[before] = most;
      }
    }
    return last;
  }

  // How long a period of every replica takes, by its last stage: as there, but no less than any of
  // its stages is busy. The slowest one may stand before the last, which has not felt it yet when
  // few microbatches are placed.
  [[nodiscard]] std::vector<Seconds> paces_of(const std::vector<std::size_t>& last) const {
    std::vector<Seconds> paces(ranks_.size());
    for (std::size_t rank = 0; rank < ranks_.size(); ++rank) {
      const RankTimeline::Mark& begin = ranks_[rank].period_begin();
      const RankTimeline::Mark& end = ranks_[rank].period_end();
      Seconds& pace = paces[last[rank]];
      if (rank == last[rank]) pace = max(pace, end.now - begin.now);
      Seconds busy{};
      for (std::size_t t = 0; t < end.tiles.size(); ++t) {
        if (t != at(Tile::Bubble)) busy += end.tiles[t] - begin.tiles[t];
      }
      pace = max(pace, busy);
    }
    return paces;
  }

  // Adds the microbatches that are left out. Replicas that differ have different periods.
  void repeat_periods() {
    if (outline_.microbatches_left_out == 0) return;
    const double times = static_cast<double>(outline_.microbatches_left_out) / outline_.period;
    const std::vector<std::size_t> last = last_stages();
    const std::vector<Seconds> paces = paces_of(last);
    for (std::size_t rank = 0; rank < ranks_.size(); ++rank) {
      repeated_[rank] = times * paces[last[rank]];
    }
  }

  // What a rank's time was, periods that are left out included: they have the tiles of the one
  // that was placed, and wait where the pace is slower.
  [[nodiscard]] Tiles tiles_of(std::size_t rank) const {
    Tiles tiles = ranks_[rank].tiles();
    if (outline_.microbatches_left_out == 0) return tiles;
    const RankTimeline::Mark& begin = ranks_[rank].period_begin();
    const RankTimeline::Mark& end = ranks_[rank].period_end();
    const double times = static_cast<double>(outline_.microbatches_left_out) / outline_.period;
    Seconds tiled{};
    for (std::size_t t = 0; t < tiles.size(); ++t) {
      const Seconds more = times * (end.tiles[t] - begin.tiles[t]);
      tiles[t] += more;
      tiled += more;
    }
    tiles[at(Tile::Bubble)] += repeated_[rank] - tiled;
    return tiles;
  }

  void fill_tiles(StepResult& result) {
    double all = 0;
    for (const RepresentedRank& rank : outline_.ranks) all += rank.weight;
    for (std::size_t rank = 0; rank < ranks_.size(); ++rank) {
      Tiles tiles = tiles_of(rank);
      const RankTimeline& line = ranks_[rank];
      tiles[at(line.last_tile())] += line.end() - line.compute_end();
      tiles[at(Tile::Bubble)] += result.step_time - repeated_[rank] - line.end();
      for (std::size_t t = 0; t < tiles.size(); ++t) {
        result.breakdown[t] += tiles[t] * (outline_.ranks[rank].weight / all);
      }
      result.rank_tiles.push_back(tiles);
    }
  }

  const Outline& outline_;
  OutlineIndex index_;
  LinkSlots links_;
  std::vector<RoutineProfiles> profiles_;  // by kind of device
  RestProfiles rests_;
  StepExchange exchange_;
  std::vector<std::vector<std::uint32_t>> passes_of_;  // by rank
  std::vector<RankTimeline> ranks_;
  std::vector<Seconds> repeated_;  // by rank: what the microbatches that are left out take
  std::int32_t last_microbatch_ = 0;
};

}  // namespace

StepResult estimate(const Outline& outline, const CostTable& costs, Seconds launch_time,
                    bool at_once) {
  StepResult result = Estimator(outline, costs, launch_time, at_once).run();
  share_resources(outline, costs, result);
  return result;
}

}  // namespace orrery
