// The rest of a pass at once: from one of its operations on, with nothing that it does not know of
// beside it.
#include <algorithm>

#include <orrery/error.hpp>

#include "engine/rank_timeline.hpp"

namespace orrery {

std::array<std::int64_t, kStreamCount> RankTimeline::next_in_pass() const {
  const StreamCursor& of = cursor(Stream::Compute);
  const std::int64_t length = profiles_.index().length(of.pass().routine);
  std::array<std::int64_t, kStreamCount> next{};
  for (const Stream stream : kBeside) {
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
  if (rests_ == nullptr || of.step() == nullptr || !traffic_.free()) return false;
  const std::uint32_t routine = of.pass().routine;
  if (exchange_.meets(rank_, profiles_.index().groups(routine))) return false;
  if (!ready(Stream::Compute) || !profiles_.of(routine).closed || !rest_is_own()) return false;
  const RestProfile* rest =
      rests_->from(profiles_.kind(), routine, of.position() - of.pass_base(), now_);
  return rest != nullptr && rest->next == next_in_pass() && start_profile(rest->left, 0);
}

// A pass that starts with the message of the one before: when both end is known.
bool RankTimeline::start_beside_message() {
  if (rests_ == nullptr || !traffic_.alone(Stream::Send)) return false;
  StreamCursor& sent = cursor(Stream::Send);
  if (sent.step() != nullptr || started_[at(Stream::Send)] != now_) return false;
  if (meeting_[at(Stream::Send)] != StepExchange::kAlone || !ready(Stream::Compute)) return false;
  const OutlineIndex& index = profiles_.index();
  const StreamCursor& of = cursor(Stream::Compute);
  const std::uint32_t routine = of.pass().routine;
  if (index.uses(routine, Stream::Send) || exchange_.meets(rank_, index.groups(routine))) {
    return false;
  }
  if (!profiles_.of(routine).closed || !rest_is_own()) return false;
  const auto message = static_cast<std::uint32_t>(sent.pass().message);
  const RestProfile* rest = rests_->beside(profiles_.kind(), routine, message, now_);
  if (rest == nullptr || !start_profile(rest->left, 0)) return false;
  const Seconds end = now_ + rest->message_end;
  exchange_.deliver(sent.pass_index(), {.sent = now_, .end = end, .message = true});
  traffic_.withdraw(Stream::Send);
  ended_[at(Stream::Send)] = end;
  ended_tile_[at(Stream::Send)] = last_tile_ = Tile::PipelineComm;
  sent.next();
  look_up(Stream::Send);
  return true;
}

// What it would do from the end of the meeting on Compute, if all who meet there did.
StepExchange::Proposal RankTimeline::proposal() {
  if (rests_ == nullptr || !traffic_.alone(Stream::Compute)) return {};
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
  proposed_ = rests_->together(exchange_, rank_, proposal, now_);
  if (proposed_ == nullptr || proposed_->next != next_in_pass()) return {};
  if (late(proposed_->left, 0) > Seconds(0)) return {};
  return proposal;
}

// They meet as often as each of them would, each time when the last of them comes.
void RankTimeline::start_together() {
  busy_.until = cursor(Stream::Compute).pass_base() +
                profiles_.index().length(cursor(Stream::Compute).pass().routine);
  ORRERY_CHECK(start_profile(proposed_->left, 0));
  exchange_.skip(rank_, proposed_->met);
}

}  // namespace orrery
