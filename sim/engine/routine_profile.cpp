#include "engine/routine_profile.hpp"

#include <algorithm>

#include "engine/side_streams.hpp"

namespace orrery {
void RoutineProfile::append(const RoutineProfile& next) {
  host_excess = max(host_excess, launching - time + next.host_excess);
  time += next.time;
  compute += next.compute;
  memory += next.memory;
  for (int i = 0; i < 2; ++i) link[i] += next.link[i];
  launching += next.launching;
  for (std::size_t t = 0; t < tiles.size(); ++t) tiles[t] += next.tiles[t];
  closed = closed && next.closed;
}

RoutineProfile RoutineProfile::repeated(std::uint32_t times) const {
  if (times <= 1) return *this;
  const auto n = static_cast<double>(times);
  RoutineProfile all = *this;
  // The excess of the last repetition if launches take longer than kernels, else of the first.
  all.host_excess = host_excess + max(Seconds(0), launching - time) * (n - 1);
  all.time = time * n;
  all.compute = compute * n;
  all.memory = memory * n;
  for (Seconds& part : all.link) part = part * n;
  all.launching = launching * n;
  for (Seconds& tile : all.tiles) tile = tile * n;
  return all;
}

RoutineProfiles::RoutineProfiles(const Outline& outline, const CostTable& costs,
                                 Seconds launch_time, int kind)
    : outline_(outline), costs_(costs), launch_time_(launch_time), kind_(kind) {
  // Routines are added after those that they run.
  profiles_.reserve(outline.routines.size());
  for (const Routine& routine : outline.routines) profiles_.push_back(profile(routine));
}

RoutineProfile RoutineProfiles::of(const Op& op) const {
  RoutineProfile result;
  if (op.kind == Op::Kind::Host) {
    result.time = outline_.host_times[op.work];
  } else if (op.kind == Op::Kind::Compute) {
    const BlockCost& block = costs_.block(op.work, kind_);
    result.time = block.time;
    result.memory = block.memory;
    result.compute = block.time - block.memory;
    result.launching = launch_time_ * block.launches;
    result.host_excess = result.launching - block.time;
  } else {
    const CollectiveCost& cost = costs_.collective(op.work);
    result.time = cost.time();
    result.launching = launch_time_;
    for (const LinkLoad& load : cost.loads) {
      result.link[static_cast<std::size_t>(load.link)] = cost.transfer;
    }
  }
  result.tiles[at(op.tile)] = result.time;
  return result;
}

Beside RoutineProfiles::beside(std::uint32_t collective) const {
  const CollectiveCost& cost = costs_.collective(collective);
  Beside with{.multiprocessors = cost.multiprocessors, .memory = cost.memory, .link = {0, 0}};
  for (const LinkLoad& load : cost.loads) with.link[static_cast<std::size_t>(load.link)] = 1;
  return with;
}

// Kernels slow down with the shares that are left to them; collectives on a link that is busy get
// half of it (max-min).
double RoutineProfiles::slowdown(const RoutineProfile& profile, const Beside& with) const {
  if (profile.time <= Seconds(0)) return 1;
  Seconds extra =
      profile.compute * (1 / costs_.compute_pace(with.multiprocessors, with.memory, kind_) - 1) +
      profile.memory * (1 / costs_.memory_share(with.memory, kind_) - 1);
  for (std::size_t i = 0; i < 2; ++i) {
    if (with.link[i] > 0) extra += profile.link[i];
  }
  return 1 + std::max(0.0, extra / profile.time);
}

// Plays the routine alone from time 0, with what it runs beside itself.
RoutineProfile RoutineProfiles::profile(const Routine& routine) const {
  RoutineProfile all;
  SideStreams side;
  std::vector<Seconds> end(routine.steps.size());
  Seconds now{};
  for (std::size_t i = 0; i < routine.steps.size(); ++i) {
    const Step& step = routine.steps[i];
    const bool compute = step.call >= 0 || step.op.stream == Stream::Compute;
    Seconds ready = compute ? now : Seconds(0);
    std::uint32_t why = 0;
    for (const std::uint32_t after : step.after) {
      const Seconds before = after == Step::kEntry ? Seconds(0) : end[after];
      if (before > ready) {
        ready = before;
        why = after;
      }
    }
    if (!compute) {
      end[i] =
          side.start(step.op.stream, ready, costs_.collective(step.op.work), beside(step.op.work));
      all.launching += launch_time_;
      all.closed = all.closed && !step.after.empty();
      continue;
    }
    if (ready > now) {
      all.tiles[at(routine.steps[why].op.tile)] += ready - now;
      all.time += ready - now;
    }
    const RoutineProfile alone =
        step.call >= 0 ? of(static_cast<std::uint32_t>(step.call)).repeated(step.repeat)
                       : of(step.op);
    now = end[i] = side.end(alone, *this, ready);
    all.append(alone);
    const Seconds slowed = now - ready - alone.time;
    all.time += slowed;
    all.tiles[at(step.call >= 0 ? Tile::Compute : step.op.tile)] += slowed;
  }
  all.closed = all.closed && side.free() <= now * (1 + 1e-12);
  return all;
}

}  // namespace orrery
