#include "engine/rank_timeline.hpp"

#include <algorithm>
#include <utility>

#include <orrery/error.hpp>

#include "engine/routine_profile.hpp"

namespace orrery {
RankTimeline::RankTimeline(RoutineProfiles& profiles, StepExchange& exchange, std::uint32_t rank,
                           RankPasses passes, RestProfiles* rests)
    : profiles_(profiles),
      exchange_(exchange),
      rank_(rank),
      rests_(rests),
      cursors_{StreamCursor(profiles.index(), passes, Stream::Compute),
               StreamCursor(profiles.index(), passes, Stream::DataComm),
               StreamCursor(profiles.index(), passes, Stream::ParamComm),
               StreamCursor(profiles.index(), passes, Stream::Send),
               StreamCursor(profiles.index(), passes, Stream::TensorComm)},
      traffic_(profiles.links()) {
  meeting_.fill(StepExchange::kAlone);
  look_up(Stream::Compute);
  for (const Stream stream : kCommunicationStreams) look_up(stream);
}

void RankTimeline::stand(std::int64_t position, bool after, bool message) {
  StreamCursor& of = cursor(Stream::Compute);
  const std::int64_t length = profiles_.index().length(of.pass().routine);
  const std::int64_t place = position + (message ? length + 1 : 0);
  of.walk_to(place);
  for (const Stream stream : kCommunicationStreams) {
    cursor(stream).skip_to(message && stream == Stream::Send ? length : place);
    look_up(stream);
  }
  begun_ = of.nth();
  if (after) {
    while (of.step()->call >= 0) of.enter();
    of.next();
  }
  look_up(Stream::Compute);
}

bool RankTimeline::go_on() {
  stands_at_ = kRuns;
  bool moved = false;
  while (true) {
    while (settle_meetings() || start_beside()) moved = true;
    // Nothing starts beside what starts on Compute, but a meeting may begin at once.
    if (!computing() && !cursor(Stream::Compute).done() && start_compute()) {
      moved = true;
      if (meetings_ > 0) continue;
    }
    const Seconds time = certain() ? next() : RankTraffic::kNever;
    if (time >= RankTraffic::kNever) {
      note_unknown();
      return moved;
    }
    go_to(time);
    moved = true;
  }
}

void RankTimeline::force() {
  const Seconds time = std::exchange(stands_at_, kRuns);
  if (gathering()) {
    exchange_.decide(rank_, StepExchange::Gathering::Alone);
  } else {
    go_to(time);
  }
}

bool RankTimeline::done() const {
  if (computing() || !traffic_.free()) return false;
  return std::all_of(cursors_.begin(), cursors_.end(),
                     [](const StreamCursor& stream) { return stream.done(); });
}

// Collectives start when the last of those who meet has come, and end when it has for the last.
bool RankTimeline::settle_meetings() {
  if (meetings_ == 0) return false;
  bool moved = false;
  for (std::size_t i = 0; i < kStreamCount; ++i) {
    const auto stream = static_cast<Stream>(i);
    if (meeting_[i] == StepExchange::kAlone || traffic_.free(stream)) continue;
    if (traffic_.held(stream)) {
      const Seconds start = exchange_.start(meeting_[i]);
      if (start < Seconds(0) || start > now_) continue;
      traffic_.begin(stream, now_);
      moved = true;
    } else if (traffic_.moved(stream)) {
      if (!std::exchange(left_[i], true)) {
        exchange_.leave(meeting_[i], now_,
                        stream == Stream::Compute ? proposal() : StepExchange::Proposal());
        moved = true;
      }
      const Seconds end = exchange_.end(meeting_[i]);
      if (end < Seconds(0) || end > now_) continue;
      const bool together = exchange_.agreed(meeting_[i]);
      end_collective(stream);
      if (together) start_together();
      moved = true;
    }
  }
  return moved;
}

bool RankTimeline::waits_for_output() const {
  const StreamCursor& of = cursor(Stream::Compute);
  if (computing() || of.done() || begun_ == of.nth()) return false;
  const StepExchange::Output* output = awaited(of);
  return output != nullptr && !output->known();
}

// The start or the end of the meeting on a stream is not known.
bool RankTimeline::unknown(std::size_t stream) const {
  const auto on = static_cast<Stream>(stream);
  if (meeting_[stream] == StepExchange::kAlone || traffic_.free(on)) return false;
  if (traffic_.held(on)) return exchange_.start(meeting_[stream]) < Seconds(0);
  return traffic_.moved(on) && exchange_.end(meeting_[stream]) < Seconds(0);
}

// Nothing of which the time is not known can reach the rank before its next change.
bool RankTimeline::certain() const {
  if (waits_for_output() || gathering()) return false;
  if (meetings_ == 0) return true;
  for (std::size_t stream = 0; stream < kStreamCount; ++stream) {
    if (unknown(stream)) return false;
  }
  return true;
}

void RankTimeline::note_unknown() {
  stands_at_ = next();
  output_unknown_ = waits_for_output() ? awaited(cursor(Stream::Compute)) : nullptr;
  if (output_unknown_ != nullptr) exchange_.wait(rank_, cursor(Stream::Compute).pass().after);
  gathering_unknown_ = gathering();
  meetings_unknown_ = 0;
  for (std::size_t stream = 0; meetings_ > 0 && stream < kStreamCount; ++stream) {
    if (unknown(stream)) meetings_unknown_ |= 1U << stream;
  }
}

bool RankTimeline::others_still_unknown() const {
  if (gathering_unknown_ && !gathering()) return false;
  for (std::size_t stream = 0; meetings_unknown_ >> stream != 0; ++stream) {
    if ((meetings_unknown_ >> stream & 1U) != 0 && !unknown(stream)) return false;
  }
  return true;
}

Seconds RankTimeline::next() const {
  if (gathering()) return now_;
  Seconds next = traffic_.next();
  const StreamCursor& of = cursor(Stream::Compute);
  if (busy_.what != Busy::What::Nothing) {
    next = min(next, busy_.end);
  } else if (!computing() && !of.done() && begun_ != of.nth()) {
    const StepExchange::Output* output = awaited(of);
    if (output != nullptr && output->end > now_) next = min(next, output->end);
  }
  if (meetings_ == 0) return next;
  for (std::size_t i = 0; i < kStreamCount; ++i) {
    const auto stream = static_cast<Stream>(i);
    if (meeting_[i] == StepExchange::kAlone || traffic_.free(stream)) continue;
    if (traffic_.held(stream)) {
      const Seconds start = exchange_.start(meeting_[i]);
      if (start > now_) next = min(next, start);
    } else if (traffic_.moved(stream)) {
      const Seconds end = exchange_.end(meeting_[i]);
      if (end > now_) next = min(next, end);
    }
  }
  return next;
}

void RankTimeline::go_to(Seconds time) {
  now_ = time;
  if (busy_.what != Busy::What::Nothing && busy_.end <= now_) end_compute();
  if (traffic_.next() > now_) return;
  traffic_.advance(now_);
  for (std::size_t i = 0; i < kStreamCount; ++i) {
    const auto stream = static_cast<Stream>(i);
    if (traffic_.moved(stream) && meeting_[i] == StepExchange::kAlone) end_collective(stream);
  }
  update_block();
}

void RankTimeline::end_compute() {
  const std::size_t pass = cursor(Stream::Compute).nth();
  if (busy_.what == Busy::What::Routine) {
    end_routine();
  } else {
    tiles_[at(busy_.tile)] += now_ - busy_.start - busy_.host_wait;
    if (busy_.what == Busy::What::Kernels) host_excess_ = max(host_excess_, busy_.launched - now_);
    cursor(Stream::Compute).next();
  }
  tiles_[at(Tile::Host)] += busy_.host_wait;
  busy_.what = Busy::What::Nothing;
  idle_since_ = now_;
  look_up(Stream::Compute);
  pass_over(pass);
}

void RankTimeline::end_routine() {
  const double times = std::max(1U, busy_.repetitions);
  for (std::size_t t = 0; t < tiles_.size(); ++t) tiles_[t] += busy_.once->tiles[t] * times;
  if (busy_.repetitions > 0) {
    cursor(Stream::Compute).next(busy_.repetitions);
  } else {
    cursor(Stream::Compute).leave_routine();
  }
  if (busy_.once->sequential) return;
  for (const Stream stream : kCommunicationStreams) {
    if (cursor(stream).position() >= busy_.until) continue;
    if (busy_.repetitions > 0) {
      cursor(stream).skip_to(busy_.until);
    } else {
      cursor(stream).leave_routine();
    }
    look_up(stream);
  }
}

void RankTimeline::end_collective(Stream stream) {
  StreamCursor& of = cursor(stream);
  const std::size_t pass = of.nth();
  const bool message = of.step() == nullptr;
  const Tile tile = message ? Tile::PipelineComm : of.step()->op.tile;
  if (message) {
    exchange_.deliver(of.pass_index(),
                      {.sent = started_[at(stream)], .end = now_, .message = true});
  }
  traffic_.release(stream);
  if (meeting_[at(stream)] != StepExchange::kAlone) --meetings_;
  meeting_[at(stream)] = StepExchange::kAlone;
  ended_[at(stream)] = now_;
  ended_tile_[at(stream)] = tile;
  of.next();
  look_up(stream);
  if (stream == Stream::Compute) {
    tiles_[at(tile)] += now_ - started_[at(stream)];
    idle_since_ = now_;
    pass_over(pass);
  } else {
    last_tile_ = tile;
  }
  update_block();
}

// The compute stream has left an operation of a pass: the last one's end is the pass's output,
// unless a message carries it away.
void RankTimeline::pass_over(std::size_t nth) {
  const StreamCursor& of = cursor(Stream::Compute);
  if (!of.done() && of.nth() == nth) return;
  if (of.pass_at(nth).message < 0) exchange_.deliver(of.index_of(nth), {.end = now_});
}

}  // namespace orrery
