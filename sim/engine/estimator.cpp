#include "engine/estimator.hpp"

#include <algorithm>
#include <set>

#include <orrery/error.hpp>

#include "engine/side_streams.hpp"

namespace orrery {
namespace {

constexpr std::size_t kNoPass = static_cast<std::size_t>(-1);

// Where a rank stands.
struct Mark {
  Seconds now{};
  Tiles tiles{};
};

struct RankClock {
  Seconds now{};   // end of what was placed on the compute stream
  Seconds host{};  // when the host has launched everything so far
  SideStreams side;
  Tiles tiles{};
  std::size_t placed = 0;  // passes
  std::size_t period_first = kNoPass, period_last = kNoPass;
  Mark period_begin, period_end;
  Seconds repeated{};  ///< what the microbatches that are left out take
};

class Estimator {
 public:
  Estimator(const Outline& outline, const CostTable& costs, Seconds launch_time)
      : outline_(outline),
        costs_(costs),
        clocks_(outline.ranks.size()),
        output_(outline.passes.size(), Seconds(-1)),
        launch_time_(launch_time) {
    int kinds = 1;
    for (const RepresentedRank& rank : outline.ranks) kinds = std::max(kinds, rank.kind + 1);
    for (int kind = 0; kind < kinds; ++kind) {
      profiles_.emplace_back(outline, costs, launch_time, kind);
    }
    for (const Pass& pass : outline.passes) {
      last_microbatch_ = std::max(last_microbatch_, pass.microbatch);
    }
    sort_passes();
    find_crews();
    find_pacing();
    if (outline.microbatches_left_out > 0) choose_periods();
  }

  StepResult run() {
    place_all();
    repeat_periods();
    StepResult result;
    for (const RankClock& clock : clocks_) {
      result.step_time = max(result.step_time, max(clock.now, clock.side.free()) + clock.repeated);
    }
    fill_tiles(result);
    return result;
  }

 private:
  // Kinds of groups that communicate inside routines which passes run again and again: layers.
  [[nodiscard]] std::set<std::size_t> layer_groups() const {
    std::set<std::size_t> groups;
    for (const Routine& routine : outline_.routines) {
      for (const Step& step : routine.steps) {
        if (step.call < 0) continue;
        for (const Step& inner : outline_.routines[static_cast<std::size_t>(step.call)].steps) {
          if (inner.call >= 0 || inner.op.kind != Op::Kind::Collective) continue;
          groups.insert(static_cast<std::size_t>(outline_.collectives[inner.op.work].group));
        }
      }
    }
    return groups;
  }

  // Whether two ranks meet in one of `groups`.
  [[nodiscard]] bool meet(std::size_t a, std::size_t b, const std::set<std::size_t>& groups) const {
    const auto& mine = outline_.ranks[a].meetings;
    const auto& others = outline_.ranks[b].meetings;
    return std::any_of(groups.begin(), groups.end(), [&](std::size_t group) {
      return group < mine.size() && group < others.size() && mine[group] >= 0 &&
             mine[group] == others[group];
    });
  }

  // Ranks that meet in every layer are a crew: they start their passes together and go at the pace
  // of the slowest kind among them.
  void find_crews() {
    const std::set<std::size_t> groups = layer_groups();
    std::vector<bool> placed(outline_.ranks.size());
    for (std::size_t first = 0; first < placed.size(); ++first) {
      if (placed[first]) continue;
      placed[first] = true;
      std::vector<std::size_t> crew = {first};
      for (std::size_t i = 0; i < crew.size() && !groups.empty(); ++i) {
        for (std::size_t other = first + 1; other < placed.size(); ++other) {
          const bool alike = passes_of_[other].size() == passes_of_[first].size();
          if (placed[other] || !alike || !meet(crew[i], other, groups)) continue;
          placed[other] = true;
          crew.push_back(other);
        }
      }
      crews_.push_back(std::move(crew));
    }
  }

  void find_pacing() {
    pacing_.resize(outline_.ranks.size());
    for (const auto& crew : crews_) {
      std::set<int> kinds;
      for (const std::size_t rank : crew) kinds.insert(outline_.ranks[rank].kind);
      for (const std::size_t rank : crew) pacing_[rank].assign(kinds.begin(), kinds.end());
    }
  }

  void sort_passes() {
    passes_of_.resize(outline_.ranks.size());
    for (std::uint32_t pass = 0; pass < outline_.passes.size(); ++pass) {
      passes_of_[outline_.passes[pass].rank].push_back(pass);
    }
  }

  // Every crew as far as what has arrived lets it, until all are done.
  void place_all() {
    std::vector<std::size_t> next(crews_.size());
    std::size_t placed = 0;
    while (placed < outline_.passes.size()) {
      const std::size_t before = placed;
      for (std::size_t crew = 0; crew < crews_.size(); ++crew) {
        const std::vector<std::size_t>& ranks = crews_[crew];
        const std::size_t passes = passes_of_[ranks.front()].size();
        for (; next[crew] < passes && place(ranks, next[crew]); ++next[crew]) {
          placed += ranks.size();
        }
      }
      if (placed == before) {
        throw SimulationError("the step cannot end: its passes wait for one another");
      }
    }
  }

  // The `nth` pass of every rank of a crew, if what all of them need is there.
  bool place(const std::vector<std::size_t>& crew, std::size_t nth) {
    Seconds start{};
    for (const std::size_t rank : crew) {
      const Pass& pass = outline_.passes[passes_of_[rank][nth]];
      const Seconds arrival =
          pass.after == Pass::kNothing ? Seconds(0) : output_[static_cast<std::size_t>(pass.after)];
      if (arrival < Seconds(0)) return false;
      const RankClock& clock = clocks_[rank];
      start = max(start, max(clock.now, arrival));
      if (pass.joins) start = max(start, clock.side.dry());
    }
    for (const std::size_t rank : crew) place(passes_of_[rank][nth], start);
    return true;
  }

  void place(std::uint32_t index, Seconds start) {
    const Pass& pass = outline_.passes[index];
    RankClock& clock = clocks_[pass.rank];
    idle(clock, start, pass);
    if (pass.host_sync) clock.host = max(clock.host, start);
    note_period(clock);
    ++clock.placed;
    run_routine(pass, clock, start);
    send(index, pass, clock);
  }

  // The wait before a pass: for its own communication, for the message on the wire, and otherwise
  // the pipeline's bubble.
  void idle(RankClock& clock, Seconds start, const Pass& pass) {
    const Seconds gap = start - clock.now;
    if (gap <= Seconds(0)) return;
    if (pass.joins) {
      clock.tiles[at(Tile::DataComm)] += gap;
    } else {
      const std::int32_t message =
          pass.after == Pass::kNothing
              ? -1
              : outline_.passes[static_cast<std::size_t>(pass.after)].message;
      const Seconds wire =
          message < 0 ? Seconds(0)
                      : min(gap, costs_.collective(static_cast<std::uint32_t>(message)).time());
      clock.tiles[at(Tile::PipelineComm)] += wire;
      clock.tiles[at(Tile::Bubble)] += gap - wire;
    }
    clock.now = start;
  }

  // The slowest among those that run it together.
  const RoutineProfiles& pace(std::uint32_t rank, std::uint32_t routine) const {
    if (profiles_.size() == 1) return profiles_.front();
    const auto& kinds = pacing_[rank];
    int slowest = kinds.front();
    for (const int kind : kinds) {
      const auto time = [&](int k) {
        return profiles_[static_cast<std::size_t>(k)].of(routine).time;
      };
      if (time(kind) > time(slowest)) slowest = kind;
    }
    return profiles_[static_cast<std::size_t>(slowest)];
  }

  // Adds something that takes `alone` to the compute stream.
  void advance(RankClock& clock, const RoutineProfile& alone, const RoutineProfiles& profiles,
               Tile tile) {
    const Seconds start = clock.now;
    const bool disturbed = clock.side.free() > start;
    Seconds end = disturbed ? clock.side.end(alone, profiles, start) : start + alone.time;
    const Seconds slowed = end - start - alone.time;
    // The host has launched an operation before it ends.
    const Seconds launched = clock.host + alone.host_excess + (end - start);
    const Seconds waited = max(Seconds(0), launched - end);
    end += waited;
    clock.host += alone.launching;
    for (std::size_t t = 0; t < alone.tiles.size(); ++t) clock.tiles[t] += alone.tiles[t];
    clock.tiles[at(tile)] += slowed;
    clock.tiles[at(Tile::Host)] += waited;
    clock.now = end;
  }

  // A routine that leaves nothing under way is one block, slowed as a whole by what goes on beside
  // it; another is placed step by step.
  void run_routine(const Pass& pass, RankClock& clock, Seconds entry) {
    const RoutineProfiles& profiles = pace(pass.rank, pass.routine);
    const RoutineProfile& whole = profiles.of(pass.routine);
    if (whole.closed) {
      advance(clock, whole, profiles, Tile::Compute);
      return;
    }
    const Routine& routine = outline_.routines[pass.routine];
    ends_.assign(routine.steps.size(), Seconds(0));
    for (std::size_t i = 0; i < routine.steps.size(); ++i) {
      ends_[i] = run_step(routine, routine.steps[i], pass, clock, entry);
    }
  }

  Seconds run_step(const Routine& routine, const Step& step, const Pass& pass, RankClock& clock,
                   Seconds entry) {
    const RoutineProfiles& profiles =
        profiles_[static_cast<std::size_t>(outline_.ranks[pass.rank].kind)];
    const bool compute = step.call >= 0 || step.op.stream == Stream::Compute;
    Seconds ready{};
    Tile why = Tile::Bubble;
    for (const std::uint32_t after : step.after) {
      const Seconds before = after == Step::kEntry ? entry : ends_[after];
      if (before <= ready) continue;
      ready = before;
      if (after != Step::kEntry) why = routine.steps[after].op.tile;
    }
    if (!compute) {
      clock.host += launch_time_;
      return clock.side.start(step.op.stream, ready, costs_.collective(step.op.work),
                              profiles.beside(step.op.work));
    }
    if (ready > clock.now) {
      clock.tiles[at(why)] += ready - clock.now;
      clock.now = ready;
    }
    if (step.call < 0) {
      advance(clock, profiles.of(step.op), profiles, step.op.tile);
      return clock.now;
    }
    const auto routine_index = static_cast<std::uint32_t>(step.call);
    const RoutineProfiles& paced = pace(pass.rank, routine_index);
    std::uint32_t left = step.repeat;
    while (left > 0) {
      const bool disturbed = clock.side.free() > clock.now;
      const std::uint32_t now = disturbed ? 1 : left;
      advance(clock, paced.of(routine_index).repeated(now), paced, Tile::Compute);
      left -= now;
    }
    return clock.now;
  }

  void send(std::uint32_t index, const Pass& pass, RankClock& clock) {
    output_[index] = clock.now;
    if (pass.message < 0) return;
    clock.host += launch_time_;
    const auto message = static_cast<std::uint32_t>(pass.message);
    const CollectiveCost& cost = costs_.collective(message);
    if (pass.message_stream == Stream::Compute) {
      clock.tiles[at(Tile::PipelineComm)] += cost.time();
      clock.now += cost.time();
      output_[index] = clock.now;
    } else {
      output_[index] =
          clock.side.start(pass.message_stream, clock.now, cost, profiles_.front().beside(message));
    }
  }

  // Remembers where a rank stands at both ends of one period in the middle of its passes, which is
  // in the steady state.
  void note_period(RankClock& clock) {
    if (clock.placed == clock.period_first) clock.period_begin = {clock.now, clock.tiles};
    if (clock.placed == clock.period_last) clock.period_end = {clock.now, clock.tiles};
  }

  void choose_periods() {
    for (std::size_t rank = 0; rank < clocks_.size(); ++rank) {
      const auto repeats = [this](std::uint32_t pass) {
        return outline_.passes[pass].microbatch != Pass::kOnce;
      };
      const auto passes = static_cast<std::size_t>(
          std::count_if(passes_of_[rank].begin(), passes_of_[rank].end(), repeats));
      const std::size_t period = passes * static_cast<std::size_t>(outline_.period) /
                                 static_cast<std::size_t>(last_microbatch_ + 1);
      clocks_[rank].period_first = (passes - period) / 2;
      clocks_[rank].period_last = clocks_[rank].period_first + period;
    }
  }

  // The last rank that each rank sends to or hears from, directly or not: the last stage of its
  // replica, which is in the steady state from its first pass on.
  [[nodiscard]] std::vector<std::size_t> last_stages() const {
    std::vector<std::size_t> last(clocks_.size(), clocks_.size() - 1);
    if (static_cast<int>(clocks_.size()) == outline_.period) return last;  // one replica
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
    std::vector<Seconds> paces(clocks_.size());
    for (std::size_t rank = 0; rank < clocks_.size(); ++rank) {
      const RankClock& clock = clocks_[rank];
      Seconds& pace = paces[last[rank]];
      if (rank == last[rank]) pace = max(pace, clock.period_end.now - clock.period_begin.now);
      Seconds busy{};
      for (std::size_t t = 0; t < clock.tiles.size(); ++t) {
        if (t == at(Tile::Bubble)) continue;
        busy += clock.period_end.tiles[t] - clock.period_begin.tiles[t];
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
    for (std::size_t rank = 0; rank < clocks_.size(); ++rank) {
      RankClock& clock = clocks_[rank];
      clock.repeated = times * paces[last[rank]];
      Seconds tiled{};
      for (std::size_t t = 0; t < clock.tiles.size(); ++t) {
        const Seconds more = times * (clock.period_end.tiles[t] - clock.period_begin.tiles[t]);
        clock.tiles[t] += more;
        tiled += more;
      }
      clock.tiles[at(Tile::Bubble)] += clock.repeated - tiled;
    }
  }

  void fill_tiles(StepResult& result) {
    double all = 0;
    for (const RepresentedRank& rank : outline_.ranks) all += rank.weight;
    for (std::size_t rank = 0; rank < clocks_.size(); ++rank) {
      Tiles tiles = clocks_[rank].tiles;
      // What is under way beside the end of the compute stream is the last message.
      const Seconds message = max(Seconds(0), clocks_[rank].side.free() - clocks_[rank].now);
      tiles[at(Tile::PipelineComm)] += message;
      tiles[at(Tile::Bubble)] +=
          result.step_time - clocks_[rank].repeated - clocks_[rank].now - message;
      for (std::size_t t = 0; t < tiles.size(); ++t) {
        result.breakdown[t] += tiles[t] * (outline_.ranks[rank].weight / all);
      }
      result.rank_tiles.push_back(tiles);
    }
  }

  const Outline& outline_;
  const CostTable& costs_;
  std::vector<RoutineProfiles> profiles_;        // by kind of device
  std::vector<std::vector<std::size_t>> crews_;  // ranks
  std::vector<std::vector<int>> pacing_;         // by rank: kinds that it keeps pace with
  std::vector<RankClock> clocks_;
  std::vector<Seconds> output_;  // of a pass: when it is with the next; negative until placed
  std::vector<std::vector<std::uint32_t>> passes_of_;  // by rank
  std::vector<Seconds> ends_;                          // of the steps of the running pass
  Seconds launch_time_;
  std::int32_t last_microbatch_ = 0;
};

}  // namespace

StepResult estimate(const Outline& outline, const CostTable& costs, Seconds launch_time) {
  return Estimator(outline, costs, launch_time).run();
}

}  // namespace orrery
