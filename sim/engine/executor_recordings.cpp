// Recordings: passes that run operation by operation, for others that begin alike.
#include <algorithm>
#include <cmath>
#include <utility>

#include "engine/event_executor.hpp"
#include "engine/pass_paths.hpp"

namespace orrery::event {

void Executor::record(const Party& party, PartyStart start) {
  auto recording = std::make_unique<Recording>();
  recording->start = std::move(start);
  recording->party = &party;
  recording->since = kernel_.now();
  recording->left = static_cast<std::uint32_t>(party.members.size());
  recording->timeline = std::make_unique<PartyTimeline>();
  recording->timeline->members.resize(party.members.size());
  std::vector<PartyPass> passes;
  for (const std::uint32_t rank : party.members) {
    Attempt& attempt = attempts_[rank];
    attempt.recording = recording.get();
    tilers_[rank].mirror(&recording->timeline->members[attempt.member].tiles);
    passes.push_back({rank, frames_[attempt.frame].ops});
  }
  recording->timeline->paths = longest_paths(passes, schedule_, costs_);
  const Recording* const key = recording.get();
  recordings_.emplace(key, std::move(recording));
}

void Executor::note_end(std::uint32_t rank, const Op& op, const Running& run) {
  Attempt& attempt = attempts_[rank];
  if (attempt.party == nullptr) return;
  if (run.frame == attempt.frame) {
    note_own_end(rank, op, run, attempt);
    return;
  }
  const auto beside =
      std::find_if(attempt.beside.begin(), attempt.beside.end(),
                   [&](const Attempt::Beside& one) { return one.stream == op.stream; });
  // Something else made it longer.
  const Seconds now = kernel_.now();
  if (beside == attempt.beside.end() || std::abs((now - beside->end).si()) > kSameDate * now.si()) {
    attempt.disturbed = true;
  } else {
    beside->end = Seconds(-1);  // as it should
  }
}

void Executor::note_own_end(std::uint32_t rank, const Op& op, const Running& run,
                            Attempt& attempt) {
  const Seconds now = kernel_.now();
  if (op.kind == Op::Kind::Collective && meeting(rank, op) != nullptr) attempt.met = true;
  if (op.kind == Op::Kind::Compute) {
    const ComputeState& computing = ranks_[rank].computing;
    if (computing.waits > Seconds(0)) attempt.disturbed = true;
    attempt.host_slack =
        min(attempt.host_slack, (now - attempt.start) - (computing.launched - attempt.host_time));
  }
  if (attempt.recording != nullptr && power_ != nullptr) {
    PowerUse use = power_->use(rank, op, run.start, now);
    use.start -= attempt.recording->since;
    use.end -= attempt.recording->since;
    attempt.recording->timeline->members[attempt.member].power.push_back(use);
  }
  if (run.op == frames_[run.frame].ops->own_last()) end_attempt(rank, run, attempt);
}

void Executor::end_attempt(std::uint32_t rank, const Running& run, Attempt& attempt) {
  if (attempt.counted) --attempt.party->come;
  if (Recording* const recording = attempt.recording; recording != nullptr) {
    tilers_[rank].mirror(nullptr);
    const Frame& frame = frames_[run.frame];
    PassTimeline& timeline = recording->timeline->members[attempt.member];
    timeline.end = kernel_.now() - recording->since;
    timeline.last_start = run.start - recording->since;
    timeline.launching = ranks_[rank].host_time - attempt.host_time;
    timeline.host_slack = attempt.host_slack;
    // This operation and the message are left.
    const bool closed = frame.left == frame.ops->size() - frame.ops->own() + 1;
    const bool ended = std::all_of(attempt.beside.begin(), attempt.beside.end(),
                                   [](const Attempt::Beside& one) { return one.end.si() < 0; });
    if (attempt.disturbed || !closed || !ended) recording->failed = true;
    if (--recording->left == 0) end_recording(*recording);
  }
  attempt.party = nullptr;
  attempt.recording = nullptr;
  attempt.frame = kNone;
}

void Executor::end_recording(Recording& recording) {
  if (recording.failed) {
    timelines_.fail(recording.start);
  } else {
    timelines_.add(recording.start, std::move(recording.timeline), kernel_.now());
  }
  recordings_.erase(&recording);
}

}  // namespace orrery::event
