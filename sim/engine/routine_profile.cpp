#include "engine/routine_profile.hpp"

#include <algorithm>

#include <orrery/error.hpp>

#include "engine/rank_timeline.hpp"

namespace orrery {
namespace {

// A routine with nothing else on its rank.
RoutineProfile run_alone(RoutineProfiles& profiles, std::uint32_t routine) {
  const Pass pass{.routine = routine};
  const std::uint32_t first = 0;
  StepExchange exchange(1);
  RankTimeline line(profiles, exchange, 0, {.passes = {&pass, 1}, .order = {&first, 1}});
  line.measure();
  while (line.run()) {
  }
  RoutineProfile profile = profile_of(line);
  for (const Step& step : profiles.index().outline().routines[routine].steps) {
    // It could start before the routine does.
    profile.closed = profile.closed &&
                     (step.call >= 0 || step.op.stream == Stream::Compute || !step.after.empty());
  }
  return profile;
}

}  // namespace

RoutineProfile profile_of(const RankTimeline& line) {
  ORRERY_CHECK(line.done());
  return {.time = line.compute_end(),
          .launching = line.launching(),
          .host_excess = line.host_excess(),
          .tiles = line.tiles(),
          .closed = line.end() <= line.compute_end() * (1 + 1e-12),
          .sequential = false};
}

void RoutineProfile::append(const RoutineProfile& next) {
  host_excess = max(host_excess, launching - time + next.host_excess);
  time += next.time;
  launching += next.launching;
  for (std::size_t t = 0; t < tiles.size(); ++t) tiles[t] += next.tiles[t];
  closed = closed && next.closed;
  sequential = sequential && next.sequential;
}

RoutineProfile RoutineProfile::repeated(std::uint32_t times) const {
  if (times <= 1) return *this;
  const auto n = static_cast<double>(times);
  RoutineProfile all = *this;
  // The excess of the last repetition if launches take longer than kernels, else of the first.
  all.host_excess = host_excess + max(Seconds(0), launching - time) * (n - 1);
  all.time = time * n;
  all.launching = launching * n;
  for (Seconds& tile : all.tiles) tile = tile * n;
  return all;
}

RoutineProfiles::RoutineProfiles(const OutlineIndex& index, const CostTable& costs,
                                 const LinkSlots& links, Seconds launch_time, int kind)
    : index_(index),
      costs_(costs),
      links_(links),
      launch_time_(launch_time),
      kind_(kind),
      profiles_(index.outline().routines.size()),
      known_(index.outline().routines.size()),
      slowdowns_(index.outline().blocks.size()) {}

const RoutineProfile& RoutineProfiles::of(std::uint32_t routine) {
  if (!known_[routine]) {
    known_[routine] = true;
    profiles_[routine].closed = false;  // while it runs alone to find out
    profiles_[routine] = profile(routine);
  }
  return profiles_[routine];
}

RoutineProfile RoutineProfiles::of(const Op& op) const {
  RoutineProfile result;
  if (op.kind == Op::Kind::Host) {
    result.time = index_.outline().host_times[op.work];
  } else if (op.kind == Op::Kind::Compute) {
    const BlockCost& block = costs_.block(op.work, kind_);
    result.time = block.time;
    result.launching = launch_time_ * block.launches;
    result.host_excess = result.launching - block.time;
  } else {
    result.time = costs_.collective(op.work).time();
    result.launching = launch_time_;
  }
  result.tiles[at(op.tile)] = result.time;
  return result;
}

double RoutineProfiles::slowdown(std::uint32_t block, int multiprocessors, BytesPerSecond memory) {
  if (multiprocessors == 0 && memory <= BytesPerSecond(0)) return 1;
  Slowdowns& known = slowdowns_[block];
  for (const Slowdown& one : known) {
    if (one.multiprocessors == multiprocessors && one.memory == memory) return one.factor;
  }
  std::rotate(known.begin(), known.end() - 1, known.end());
  known.front() = {.multiprocessors = multiprocessors,
                   .memory = memory,
                   .factor = costs_.slowdown(block, multiprocessors, memory, kind_)};
  return known.front().factor;
}

// A sum where nothing goes on beside the kernels, else a run of the routine alone.
RoutineProfile RoutineProfiles::profile(std::uint32_t routine) {
  RoutineProfile all;
  for (const Step& step : index_.outline().routines[routine].steps) {
    if (step.call < 0 && step.op.stream != Stream::Compute) return run_alone(*this, routine);
    all.append(step.call < 0 ? of(step.op)
                             : of(static_cast<std::uint32_t>(step.call)).repeated(step.repeat));
    if (!all.closed) return all;
  }
  return all;
}

}  // namespace orrery
