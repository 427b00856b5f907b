// The rest of a pass at once: from one of its operations on, with nothing that it does not know of
// beside it.
#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include <orrery/error.hpp>

#include "engine/rank_timeline.hpp"

namespace orrery {

std::array<std::int64_t, kStreamCount> RankTimeline::next_in_pass() const {
  const StreamCursor& of = cursor(Stream::Compute);
  const std::int64_t length = profiles_.index().length(of.pass().routine);
  std::array<std::int64_t, kStreamCount> next{};
  for (const Stream stream : kCommunicationStreams) {
    next[at(stream)] = std::min(cursor(stream).position() - of.pass_base(), length);
  }
  return next;
}

// Whether from where the compute stream stands to the end of the pass nothing of other passes
// starts beside it. What waits for nothing on Compute can start as soon as its stream is free.
bool RankTimeline::rest_is_own() {
  const StreamCursor& of = cursor(Stream::Compute);
  const OutlineIndex& index = profiles_.index();
  const std::uint32_t routine = of.pass().routine;
  busy_.until = of.pass_base() + index.length(routine);
  return !index.uses_free_stream(routine) &&
         untouched(of.pass_base() + index.last_compute(routine), busy_.until);
}

bool RankTimeline::start_rest() {
  const StreamCursor& of = cursor(Stream::Compute);
  if (rests_ == nullptr || in_steps_ == begun_ || of.step() == nullptr || !traffic_.free()) {
    return false;
  }
  const std::uint32_t routine = of.pass().routine;
  if (exchange_.meets(rank_, profiles_.index().groups(routine))) return false;
  if (!ready(Stream::Compute) || !profiles_.of(routine).closed || !rest_is_own()) return false;
  const RestProfile* rest = rests_->from(profiles_.kind(), routine, of.position() - of.pass_base());
  if (rest != nullptr && rest->next == next_in_pass() && start_profile(rest->left, 0)) return true;
  in_steps_ = begun_;
  return false;
}

// What is under way when a pass starts: nothing (-1), or the message of the one before, which
// starts at the same time. None where it is anything else.
std::optional<std::int32_t> RankTimeline::under_way() const {
  if (traffic_.free()) return -1;
  const StreamCursor& sent = cursor(Stream::Send);
  if (!traffic_.alone(Stream::Send) || started_[at(Stream::Send)] != now_) return {};
  if (sent.step() != nullptr || meeting_[at(Stream::Send)] != StepExchange::kAlone) return {};
  if (profiles_.index().uses(cursor(Stream::Compute).pass().routine, Stream::Send)) return {};
  return sent.pass().message;
}

// When the message that is under way ends is known.
void RankTimeline::take_message(Seconds end) {
  StreamCursor& sent = cursor(Stream::Send);
  exchange_.deliver(sent.pass_index(),
                    {.sent = started_[at(Stream::Send)], .end = end, .message = true});
  traffic_.withdraw(Stream::Send);
  ended_[at(Stream::Send)] = end;
  ended_tile_[at(Stream::Send)] = last_tile_ = Tile::PipelineComm;
  sent.next();
  look_up(Stream::Send);
}

bool RankTimeline::start_beside_message() {
  if (rests_ == nullptr || traffic_.free()) return false;
  const std::optional<std::int32_t> message = under_way();
  const std::uint32_t routine = cursor(Stream::Compute).pass().routine;
  if (!message || exchange_.meets(rank_, profiles_.index().groups(routine))) return false;
  if (!ready(Stream::Compute) || !profiles_.of(routine).closed || !rest_is_own()) return false;
  const RestProfile* rest =
      rests_->beside(profiles_.kind(), routine, static_cast<std::uint32_t>(*message));
  if (rest == nullptr || !start_profile(rest->left, 0)) return false;
  take_message(now_ + rest->message_end);
  return true;
}

// A block beside the message that is under way, and after it.
Seconds RankTimeline::during_message(std::uint32_t block, Seconds start) {
  const CollectiveCost& message =
      profiles_.costs().collective(static_cast<std::uint32_t>(cursor(Stream::Send).pass().message));
  const RankTraffic::Course course = traffic_.course(Stream::Send);
  Seconds left = profiles_.block(block).time, now = start;
  const std::array<std::pair<Seconds, BytesPerSecond>, 2> memory = {
      {{course.begins, BytesPerSecond(0)}, {course.ends, message.memory}}};
  for (const auto& [until, taken] : memory) {
    if (until <= now) continue;
    const double slowdown = profiles_.slowdown(block, message.multiprocessors, taken);
    if (now + left * slowdown <= until) return now + left * slowdown - start;
    left = max(Seconds(0), left - (until - now) / slowdown);
    now = until;
  }
  return now + left - start;
}

// The pass that starts now: operation by operation until the message has ended, then its rest. None
// where they share a link or the message outlasts the pass.
std::optional<RoutineProfile> RankTimeline::during_message(Seconds end) {
  RoutineProfile all;
  StreamCursor of = cursor(Stream::Compute);
  while (now_ + all.time < end) {
    if (of.nth() != begun_ || of.step() == nullptr) return {};
    if (of.step()->call >= 0) {
      of.enter();
      continue;
    }
    const Op& op = of.step()->op;
    RoutineProfile once = profiles_.of(op);
    if (op.kind == Op::Kind::Compute) {
      once.time = once.tiles[at(op.tile)] = during_message(op.work, now_ + all.time);
      once.host_excess = once.launching - once.time;
    } else if (op.kind == Op::Kind::Collective &&
               !traffic_.fits_beside(Stream::Send, op.work,
                                     profiles_.costs().collective(op.work))) {
      return {};
    }
    all.append(once);
    of.next();
  }
  if (of.nth() == begun_ && of.step() != nullptr) {
    const RestProfile* rest =
        rests_->from(profiles_.kind(), of.pass().routine, of.position() - of.pass_base());
    if (rest == nullptr) return {};
    all.append(rest->left);
  }
  all.sequential = false;
  return all;
}

bool RankTimeline::start_during_message() {
  if (rests_ == nullptr || !traffic_.alone(Stream::Send)) return false;
  const std::uint32_t routine = cursor(Stream::Compute).pass().routine;
  const OutlineIndex& index = profiles_.index();
  if (cursor(Stream::Send).step() != nullptr || !index.is_sequential(routine) ||
      meeting_[at(Stream::Send)] != StepExchange::kAlone ||
      exchange_.meets(rank_, index.groups(routine))) {
    return false;
  }
  if (!ready(Stream::Compute) || !rest_is_own()) return false;
  // A message of before that waits for this one would start in the middle of the pass.
  StreamCursor following = cursor(Stream::Send);
  following.next();
  if (following.position() < cursor(Stream::Compute).pass_base()) return false;
  const Seconds end = traffic_.course(Stream::Send).ends;
  const std::optional<RoutineProfile> pass = during_message(end);
  if (!pass) return false;
  pass_ = *pass;
  if (!start_profile(pass_, 0)) return false;
  take_message(end);
  return true;
}

// Whether the start of a pass waits for those whom it meets in it: when all are there, they may do
// it at once. Asked again while it waits.
bool RankTimeline::gathers() {
  const StreamCursor& of = cursor(Stream::Compute);
  if (gathers_ == of.nth()) return gathering();
  const std::uint64_t groups = profiles_.index().groups(of.pass().routine);
  if (rests_ == nullptr || !exchange_.meets(rank_, groups)) return false;
  gathers_ = of.nth();
  exchange_.decide(rank_, StepExchange::Gathering::Away);
  const std::int32_t crowd = exchange_.together(rank_, groups);
  if (crowd == StepExchange::kAlone) return false;
  const std::optional<std::int32_t> message = under_way();
  if (!message || !ready(Stream::Compute) || !rest_is_own() || exchange_.away(crowd, of.nth())) {
    exchange_.stay_away(rank_, crowd, of.nth());
    return false;
  }
  exchange_.come(rank_, {.nth = of.nth(),
                         .routine = of.pass().routine,
                         .message = *message,
                         .at = now_,
                         .launched = of.pass().host_sync ? max(host_, now_) : host_});
  gather(crowd);
  return gathering();
}

// The last to come decides for all.
void RankTimeline::gather(std::int32_t crowd) {
  const std::vector<StepExchange::Start> starts = exchange_.starts(crowd);
  if (starts.empty()) return;
  const std::vector<std::uint32_t>& ranks = exchange_.crowd(crowd);
  const bool same = std::all_of(starts.begin(), starts.end(), [&](const auto& start) {
    return start.routine == starts.front().routine;
  });
  const std::vector<RestProfile>* rests =
      same ? rests_->gathered(exchange_, crowd, starts) : nullptr;
  bool together = rests != nullptr;
  for (std::size_t i = 0; together && i < ranks.size(); ++i) {
    together = starts[i].launched + (*rests)[i].left.host_excess <= starts[i].at;
  }
  for (std::size_t i = 0; i < ranks.size(); ++i) {
    if (together) {
      exchange_.decide(ranks[i], StepExchange::Gathering::Together, &(*rests)[i]);
    } else {
      exchange_.decide(ranks[i], StepExchange::Gathering::Alone);
    }
  }
}

bool RankTimeline::waits_for_crowd() const {
  return gathers_ != kNoPass && gathers_ == cursor(Stream::Compute).nth() &&
         exchange_.gathering(rank_) == StepExchange::Gathering::There;
}

bool RankTimeline::start_gathered() {
  const StreamCursor& of = cursor(Stream::Compute);
  const OutlineIndex& index = profiles_.index();
  const std::uint32_t routine = of.pass().routine;
  if (rests_ == nullptr || !exchange_.meets(rank_, index.groups(routine)) ||
      exchange_.gathering(rank_) != StepExchange::Gathering::Together) {
    return false;
  }
  const RestProfile& rest = exchange_.rest(rank_);
  busy_.until = of.pass_base() + index.length(routine);
  ORRERY_CHECK(start_profile(rest.left, 0));
  exchange_.skip(rank_, rest.met);
  if (!traffic_.free()) take_message(now_ + rest.message_end);
  return true;
}

// What it would do from the end of the meeting on Compute, if all who meet there did.
StepExchange::Proposal RankTimeline::proposal() {
  if (rests_ == nullptr || in_steps_ == begun_ || !traffic_.alone(Stream::Compute)) return {};
  const StreamCursor& of = cursor(Stream::Compute);
  const OutlineIndex& index = profiles_.index();
  if (of.step() == nullptr || may_start_beside()) return {};
  const std::uint32_t routine = of.pass().routine;
  const StepExchange::Proposal proposal{.crowd = exchange_.together(rank_, index.groups(routine)),
                                        .routine = routine,
                                        .after = of.position() - of.pass_base()};
  if (proposal.crowd == StepExchange::kAlone || proposal.after >= index.last_compute(routine) ||
      !rest_is_own()) {
    return {};
  }
  proposed_ = rests_->together(exchange_, rank_, proposal);
  if (proposed_ != nullptr && proposed_->next == next_in_pass() &&
      late(proposed_->left, 0) <= Seconds(0)) {
    return proposal;
  }
  in_steps_ = begun_;
  return {};
}

// They meet as often as each of them would, each time when the last of them comes.
void RankTimeline::start_together() {
  busy_.until = cursor(Stream::Compute).pass_base() +
                profiles_.index().length(cursor(Stream::Compute).pass().routine);
  ORRERY_CHECK(start_profile(proposed_->left, 0));
  exchange_.skip(rank_, proposed_->met);
}

}  // namespace orrery
