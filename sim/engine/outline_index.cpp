#include "engine/outline_index.hpp"

#include <algorithm>

namespace orrery {

OutlineIndex::OutlineIndex(const Outline& outline) : outline_(outline) {
  std::size_t steps = 0;
  for (const Routine& routine : outline.routines) steps += routine.steps.size() + 1;
  steps_.reserve(steps);
  routines_.reserve(outline.routines.size());
  for (const Routine& routine : outline.routines) routines_.push_back(place(routine));
  for (const RoutinePlace& routine : routines_) streams_ |= routine.streams;
  for (const Routine& routine : outline.routines) note_free(routine);
  for (const Pass& pass : outline.passes) {
    if (pass.message >= 0) streams_ |= 1U << static_cast<unsigned>(pass.message_stream);
  }
}

unsigned OutlineIndex::streams_of(const Step& step) const {
  if (step.call < 0) return 1U << static_cast<unsigned>(step.op.stream);
  return routines_[static_cast<std::size_t>(step.call)].streams;
}

std::uint64_t OutlineIndex::groups_of(const Step& step) const {
  if (step.call >= 0) return routines_[static_cast<std::size_t>(step.call)].groups;
  if (step.op.kind != Op::Kind::Collective) return 0;
  return group(step.op.work);
}

void OutlineIndex::note_free(const Routine& routine) {
  for (const Step& step : routine.steps) {
    if (step.call >= 0 || step.op.stream == Stream::Compute) continue;
    const bool waits = std::any_of(step.after.begin(), step.after.end(), [&](std::uint32_t after) {
      return after == Step::kEntry || routine.steps[after].call >= 0 ||
             routine.steps[after].op.stream == Stream::Compute;
    });
    if (!waits) free_streams_ |= 1U << static_cast<unsigned>(step.op.stream);
  }
}

// Routines are added after those that they run.
OutlineIndex::RoutinePlace OutlineIndex::place(const Routine& routine) {
  RoutinePlace all{.begin = steps_.size()};
  for (const Step& step : routine.steps) {
    StepPlace place{.first = all.length, .last = all.length, .next = {}};
    if (step.call >= 0) {
      const auto called = static_cast<std::uint32_t>(step.call);
      const std::int64_t repeats = step.repeat;
      place.last += (repeats - 1) * length(called) + last_compute(called);
      all.length += repeats * length(called);
    } else {
      ++all.length;
    }
    all.streams |= streams_of(step);
    all.groups |= groups_of(step);
    steps_.push_back(place);
  }
  const auto count = static_cast<std::uint32_t>(routine.steps.size());
  steps_.emplace_back().next.fill(count);
  for (std::uint32_t step = count; step-- > 0;) {
    StepPlace& place = steps_[all.begin + step];
    place.next = steps_[all.begin + step + 1].next;
    for (std::size_t stream = 0; stream < kStreamCount; ++stream) {
      if ((streams_of(routine.steps[step]) >> stream & 1U) != 0) place.next[stream] = step;
    }
  }
  all.first_compute = steps_[all.begin + routine.first_compute].first;
  const std::int32_t opens = routine.steps[routine.first_compute].call;
  if (opens >= 0) all.first_compute += first_compute(static_cast<std::uint32_t>(opens));
  return all;
}

}  // namespace orrery
