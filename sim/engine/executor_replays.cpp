// Replays: passes that begin as others did, with nothing else that could touch them, are one timer.
//
// The ranks that meet one another in a pass are a party. Each begins its pass operation by
// operation; when the last has come, what is known of a party that began alike is taken for all of
// them, and what they have under way is dropped. Where nothing is known, the passes are recorded.
#include <algorithm>
#include <utility>

#include <orrery/error.hpp>

#include "engine/event_executor.hpp"

namespace orrery::event {

bool Executor::begin_attempt(std::uint32_t rank, const Ready& ready) {
  Attempt& attempt = attempts_[rank];
  if (attempt.party != nullptr && attempt.frame != ready.frame) {
    ORRERY_CHECK(attempt.timeline == nullptr);  // keeps_away()
    attempt.disturbed = true;
  }
  const Frame& frame = frames_[ready.frame];
  if (frame.started > 0 || attempt.party != nullptr) return false;
  const PassOps& ops = *frame.ops;
  const bool alike = ops.routine() != PassOps::kNone && !ops.joins() && !ops.placed();
  if (!alike || !schedule_.repeats(ready.pass)) return false;
  // The host of a pass that it waits for launches nothing before the first kernels.
  if (ops.syncs() && ready.op != ops.first(Stream::Compute)) return false;
  if (!can_begin(rank, frame)) return false;
  Party* const party = parties_.of(rank, ops);
  if (party == nullptr) return false;
  tilers_[rank].idle(rank, kernel_.now(), ready.cause);
  attempt.party = party;
  attempt.frame = ready.frame;
  const auto member = std::lower_bound(party->members.begin(), party->members.end(), rank);
  attempt.member = static_cast<std::uint32_t>(member - party->members.begin());
  attempt.counted = true;
  attempt.disturbed = attempt.met = false;
  attempt.start = kernel_.now();
  attempt.host_time = ranks_[rank].host_time;
  attempt.host_slack = Seconds(1e300);
  look_beside(rank, attempt);
  if (++party->come < party->members.size()) return false;
  return begin_party(*party);
}

// All that may start with the pass does, and nothing else can beside it.
bool Executor::can_begin(std::uint32_t rank, const Frame& frame) const {
  for (const std::uint32_t op : frame.ops->gates()) {
    if (frame.waiting[op].waits > 0) return false;
  }
  const std::uint32_t position = schedule_.position(frame.pass);
  for (int stream = 0; stream < kStreamCount; ++stream) {
    if (!keeps_away(rank, static_cast<Stream>(stream), position)) return false;
  }
  return true;
}

bool Executor::keeps_away(std::uint32_t rank, Stream stream, std::uint32_t position) const {
  const RankState& state = ranks_[rank];
  const std::uint32_t cursor = state.cursor[static_cast<std::size_t>(stream)];
  if (cursor < schedule_.free_until(rank, stream)) return false;
  if (cursor >= position) return true;
  // The last operation of what comes before may be under way, if nobody else can make it longer.
  const Running& run = state.running[static_cast<std::size_t>(stream)];
  if (run.frame == kNone || frames_[run.frame].ops->last(stream) != run.op) return false;
  const Op& op = op_of(run);
  const bool alone = op.kind == Op::Kind::Collective && meeting(rank, op) == nullptr &&
                     demands_.private_to_rank(op.work);
  return alone && schedule_.next_on(rank, stream, cursor + 1) >= position;
}

void Executor::look_beside(std::uint32_t rank, Attempt& attempt) const {
  attempt.beside.clear();
  for (int i = 0; i < kStreamCount; ++i) {
    const Running& run = ranks_[rank].running[static_cast<std::size_t>(i)];
    if (run.frame == kNone) continue;
    const std::uint32_t work = op_of(run).work;
    attempt.beside.push_back({.stream = static_cast<Stream>(i),
                              .work = work,
                              .start = run.start,
                              .end = run.start + costs_.collective(work).time()});
  }
}

bool Executor::begin_party(Party& party) {
  party.come = 0;
  bool together = true;
  for (const std::uint32_t rank : party.members) {
    Attempt& attempt = attempts_[rank];
    attempt.counted = false;
    if (attempt.met || attempt.disturbed) together = false;
  }
  if (!together) return false;
  PartyStart start = describe(party);
  const PartyTimeline* const known = timelines_.find(start, kernel_.now());
  if (known != nullptr && can_replay(party, *known)) {
    replay(party, *known);
    return true;
  }
  if (known == nullptr && timelines_.wanted(start)) record(party, std::move(start));
  return false;
}

PartyStart Executor::describe(const Party& party) const {
  PartyStart start;
  start.what = party.structure;
  for (const std::uint32_t rank : party.members) {
    const Attempt& attempt = attempts_[rank];
    start.what.push_back(frames_[attempt.frame].ops->own_key());
    start.what.push_back(static_cast<std::uint64_t>(schedule_.ranks()[rank].kind) << 32 |
                         attempt.beside.size());
    start.when.push_back(kernel_.now() - attempt.start);
    for (const Attempt::Beside& beside : attempt.beside) {
      start.what.push_back(static_cast<std::uint64_t>(beside.stream) << 32 | beside.work);
      start.when.push_back(kernel_.now() - beside.start);
    }
  }
  return start;
}

bool Executor::can_replay(const Party& party, const PartyTimeline& timeline) const {
  return std::all_of(party.members.begin(), party.members.end(), [&](std::uint32_t rank) {
    const Attempt& attempt = attempts_[rank];
    const PassTimeline& member = timeline.members[attempt.member];
    return attempt.host_time - attempt.start <= member.host_slack && can_drop(rank);
  });
}

// Kernels that do not end in this instant, and collectives that wait for others.
bool Executor::can_drop(std::uint32_t rank) const {
  for (const Running& run : ranks_[rank].running) {
    if (run.frame != attempts_[rank].frame) continue;
    const Op& op = op_of(run);
    if (op.kind != Op::Kind::Collective) {
      if (ranks_[rank].computing.due <= kernel_.now()) return false;
      continue;
    }
    const Meeting* const at = meeting(rank, op);
    if (at == nullptr || at->to_end > 0) return false;
  }
  return true;
}

void Executor::drop(std::uint32_t rank) {
  RankState& state = ranks_[rank];
  for (Running& run : state.running) {
    if (run.frame != attempts_[rank].frame) continue;
    const Op& op = op_of(run);
    if (op.kind == Op::Kind::Collective) {
      std::erase(meeting(rank, op)->come, rank);
      state.comm_multiprocessors -= costs_.collective(op.work).multiprocessors;
    } else {
      kernel_.cancel_timer(state.computing.timer);
    }
    run = {};
  }
}

void Executor::replay(const Party& party, const PartyTimeline& timeline) {
  find_paths(party, timeline);
  for (const std::uint32_t rank : party.members) {
    Attempt& attempt = attempts_[rank];
    drop(rank);
    attempt.timeline = &timeline.members[attempt.member];
    attempt.start = kernel_.now();
    frames_[attempt.frame].started = frames_[attempt.frame].ops->own();
    kernel_.start_timer(attempt.timeline->end, token_of(rank, Stream::Compute, Part::Replay));
  }
}

void Executor::find_paths(const Party& party, const PartyTimeline& timeline) {
  const PassPaths& paths = timeline.paths;
  std::vector<Seconds> enters;
  for (const PassPaths::Enters& at : paths.enters) {
    enters.push_back(frames_[attempts_[party.members[at.member]].frame].waiting[at.op].earliest);
  }
  for (const std::uint32_t rank : party.members) {
    Attempt& attempt = attempts_[rank];
    for (std::size_t output = 0; output < PassPaths::kOutputs; ++output) {
      const auto ways = paths.to(attempt.member, output);
      Seconds longest{};
      for (std::size_t i = 0; i < enters.size(); ++i) longest = max(longest, enters[i] + ways[i]);
      attempt.paths[output] = longest;
    }
    critical_path_ = max(critical_path_, attempt.paths.back());
  }
}

void Executor::end_replay(std::uint32_t rank) {
  const Attempt attempt = std::exchange(attempts_[rank], {});
  const PassTimeline& timeline = *attempt.timeline;
  tilers_[rank].add(timeline.tiles, kernel_.now());
  ranks_[rank].host_time = attempt.host_time + timeline.launching;
  for (PowerUse use : timeline.power) {
    use.start += attempt.start;
    use.end += attempt.start;
    power_->add(rank, use);
  }
  pass_on_replay(rank, attempt);
  start_ready();
}

// All that belongs to the pass has ended; what waits for a part of it waits for its last operation
// as well.
void Executor::pass_on_replay(std::uint32_t rank, const Attempt& attempt) {
  const std::uint32_t pass = frames_[attempt.frame].pass;
  const std::uint32_t position = schedule_.position(pass);
  const PassOps& ops = *frames_[attempt.frame].ops;
  const Op& last = ops.ops()[ops.own_last()];
  const Cause cause = {.rank = rank,
                       .kind = last.kind,
                       .tile = last.tile,
                       .start = attempt.start + attempt.timeline->last_start};
  const auto path = [&](Stream stream) { return attempt.paths[static_cast<std::size_t>(stream)]; };
  if (ops.own() < ops.size()) {  // the message: after the last, and after what its stream did
    release(attempt.frame, ops.own(), path(Stream::Compute), cause);
    const std::uint32_t before = ops.before_message();
    const bool waits = before != kNone && frames_[attempt.frame].waiting[before].waits != kNone;
    if (waits) release(attempt.frame, ops.own(), path(ops.ops()[before].stream), cause);
  }
  for (int i = 0; i < kStreamCount; ++i) {
    const auto stream = static_cast<Stream>(i);
    const bool within = ranks_[rank].cursor[static_cast<std::size_t>(i)] == position;
    if (within && ops.last(stream) < ops.own()) advance(rank, stream, path(stream), cause);
  }
  if (ops.output() < ops.own()) publish(pass, path(Stream::Compute), cause);
  Frame& frame = frames_[attempt.frame];
  const std::uint32_t message = ops.size() - ops.own();
  done_ += frame.left - message;
  frame.left = message;
  if (message == 0) close(attempt.frame);
}

}  // namespace orrery::event
