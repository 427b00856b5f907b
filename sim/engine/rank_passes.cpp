// Passes of a rank, each at once, where nothing runs beside them but the message of one before.
#include <algorithm>
#include <cmath>
#include <limits>

#include "engine/rank_timeline.hpp"

namespace orrery {
// Goes from pass to pass until one is not known to start, or cannot be placed at once. Returns
// whether anything happened; in_passes_ says which.
bool RankTimeline::run_passes() {
  if (!in_passes_ && !enter_passes()) return false;
  bool moved = false;
  while (true) {
    const StreamCursor& of = cursor(Stream::Compute);
    if (of.done() || !whole(of)) break;
    Seconds start = now_;
    if (const StepExchange::Output* output = awaited(of)) {
      if (!output->known()) {
        const bool flew = flight_.cost != nullptr;
        if (flew) settle_flight(of.pass());
        return moved || (flew && flight_.cost == nullptr);
      }
      start = max(start, output->end);
    }
    if (!place_pass(start)) break;
    moved = true;
  }
  leave_passes();
  return moved;
}

// Between two passes, with nothing under way but a message that no one meets.
bool RankTimeline::enter_passes() {
  const StreamCursor& of = cursor(Stream::Compute);
  if (measures_ || meetings_ > 0 || computing() || of.done() || begun_ == of.nth()) return false;
  if (!traffic_.free() && !traffic_.alone(Stream::Send)) return false;
  quiet_ = std::numeric_limits<std::int64_t>::max();
  for (const Stream stream : kBeside) {
    if (!profiles_.index().starts_freely(stream) || cursor(stream).done()) continue;
    quiet_ = std::min(quiet_, needs_[at(stream)].compute);
  }
  if (!whole(of)) return false;
  in_passes_ = true;
  if (traffic_.free()) return true;
  const StreamCursor& sent = cursor(Stream::Send);
  const auto collective = static_cast<std::uint32_t>(sent.pass().message);
  flight_ = {.cost = &profiles_.costs().collective(collective),
             .collective = collective,
             .pass = sent.pass_index(),
             .position = sent.position(),
             .sent = started_[at(Stream::Send)],
             .end = traffic_.end_alone(Stream::Send)};
  traffic_.release(Stream::Send);
  return true;
}

// The other streams catch up, and what is under way goes on change by change.
void RankTimeline::leave_passes() {
  in_passes_ = false;
  if (flight_.cost != nullptr && flight_.end <= now_) deliver_flight(flight_.end);
  for (const Stream stream : kBeside) {
    const bool flies = stream == Stream::Send && flight_.cost != nullptr;
    const std::int64_t position = flies ? flight_.position : cursor(Stream::Compute).position();
    if (cursor(stream).position() >= position) continue;
    cursor(stream).skip_to(position);
    look_up(stream);
  }
  look_up(Stream::Compute);
  if (flight_.cost == nullptr) return;
  traffic_.place(Stream::Send, *flight_.cost, flight_.end - now_, now_);
  started_[at(Stream::Send)] = flight_.sent;
  flight_.cost = nullptr;
}

// Whether nothing of other passes can start beside the pass, and nothing of it is left after it.
bool RankTimeline::whole(const StreamCursor& of) const {
  const Pass& pass = of.pass();
  const OutlineIndex& index = profiles_.index();
  if (pass.joins || index.uses_free_stream(pass.routine)) return false;
  if (quiet_ <= of.pass_base() + index.last_compute(pass.routine)) return false;
  if (exchange_.meets(rank_, index.groups(pass.routine))) return false;
  if (pass.message >= 0) {
    const auto message = static_cast<std::uint32_t>(pass.message);
    if (exchange_.meets(rank_, index.group(message))) return false;
    const bool blocks = pass.message_stream == Stream::Compute;
    if (!blocks && pass.message_stream != Stream::Send) return false;
  }
  return profiles_.of(pass.routine).closed;
}

bool RankTimeline::place_pass(Seconds start) {
  if (flight_.cost != nullptr && flight_.end <= start) deliver_flight(flight_.end);
  const Pass& pass = cursor(Stream::Compute).pass();
  const Seconds host = pass.host_sync ? max(host_, start) : host_;
  if (flight_.cost != nullptr) return place_beside(start, host);
  const RoutineProfile& profile = profiles_.of(pass.routine);
  const Seconds late = max(Seconds(0), host + profile.host_excess - start);
  if (!profile.sequential && late > Seconds(0)) return false;
  now_ = start;
  end_pass(profile, profile.time, late);
  return true;
}

// The effect of a message is known for eighths of it, and in proportion between them.
bool RankTimeline::place_beside(Seconds start, Seconds host) {
  const std::uint32_t routine = cursor(Stream::Compute).pass().routine;
  const double parts = RoutineProfiles::kParts;
  const double left = (flight_.end - start) / flight_.cost->time() * parts;
  const int nearest = static_cast<int>(std::clamp(std::round(left), 1.0, parts));
  const BesideMessage& beside = profiles_.beside(routine, flight_.collective, nearest);
  const Seconds late = host + beside.profile.host_excess - start;
  if (!beside.fits || late > Seconds(0)) return false;
  const double share = left / nearest;
  const Seconds alone = profiles_.of(routine).time;
  const Seconds time = alone + (beside.profile.time - alone) * share;
  deliver_flight(start + beside.message_end * share);
  now_ = start;
  end_pass(beside.profile, time, Seconds(0));
  return true;
}

// From `now_` on, when the pass starts.
void RankTimeline::end_pass(const RoutineProfile& profile, Seconds time, Seconds late) {
  StreamCursor& of = cursor(Stream::Compute);
  begun_ = of.nth();
  fresh_ = true;
  needs_[at(Stream::Compute)].others = 0;
  begin_compute();
  for (std::size_t t = 0; t < tiles_.size(); ++t) tiles_[t] += profile.tiles[t];
  tiles_[at(Tile::Compute)] += time - profile.time;
  tiles_[at(Tile::Host)] += late;
  host_ += profile.launching;
  now_ = idle_since_ = now_ + time + late;
  send();
  of.leave_pass();
  exchange_.reached(rank_, now_);
}

// The output of the pass that ends now.
void RankTimeline::send() {
  const StreamCursor& of = cursor(Stream::Compute);
  const Pass& pass = of.pass();
  if (pass.message < 0) {
    exchange_.deliver(of.pass_index(), {.end = now_});
    return;
  }
  const auto message = static_cast<std::uint32_t>(pass.message);
  const CollectiveCost& cost = profiles_.costs().collective(message);
  host_ += profiles_.launch_time();
  flight_ = {.cost = &cost,
             .collective = message,
             .pass = of.pass_index(),
             .position = of.pass_base() + profiles_.index().length(pass.routine),
             .sent = now_,
             .end = now_ + cost.time()};
  if (pass.message_stream == Stream::Send) return;
  tiles_[at(Tile::PipelineComm)] += cost.time();
  now_ = idle_since_ = flight_.end;
  exchange_.deliver(flight_.pass, {.sent = flight_.sent, .end = flight_.end, .message = true});
  flight_.cost = nullptr;
}

void RankTimeline::deliver_flight(Seconds end) {
  exchange_.deliver(flight_.pass, {.sent = flight_.sent, .end = end, .message = true});
  ended_[at(Stream::Send)] = end;
  last_tile_ = Tile::PipelineComm;
  now_ = max(now_, end);
  flight_.cost = nullptr;
}

// The output that `next` waits for is of a pass that has not begun: it cannot come before the rank
// that it is of, or its message, would have.
void RankTimeline::settle_flight(const Pass& next) {
  const auto& passes = profiles_.index().outline().passes;
  const Pass& before = passes[static_cast<std::size_t>(next.after)];
  Seconds earliest = exchange_.reached(before.rank);
  if (before.message >= 0) {
    earliest += profiles_.costs().collective(static_cast<std::uint32_t>(before.message)).time();
  }
  if (earliest >= flight_.end) deliver_flight(flight_.end);
}

}  // namespace orrery
