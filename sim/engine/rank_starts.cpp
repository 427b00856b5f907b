// What of a rank may start, and starts.
#include <algorithm>
#include <limits>
#include <utility>

#include <orrery/error.hpp>

#include "engine/rank_timeline.hpp"

namespace orrery {
// What the operation waits for that a stream has come to.
void RankTimeline::look_up(Stream stream) {
  const StreamCursor& of = cursor(stream);
  Need& need = needs_[at(stream)];
  need.compute = 0;
  need.entry = false;
  need.others = 0;
  if (of.done()) {
    need.compute = std::numeric_limits<std::int64_t>::max();
    return;
  }
  const OutlineIndex& index = profiles_.index();
  if (of.step() == nullptr) {  // a message follows the last operation on Compute
    need.compute = of.pass_base() + index.last_compute(of.pass().routine) + 1;
    return;
  }
  for (const std::uint32_t after : of.step()->after) {
    if (after == Step::kEntry) {
      need.compute = std::max(need.compute, of.base());
      need.entry = of.position() < of.pass_base() + index.first_compute(of.pass().routine);
      continue;
    }
    const Step& before = index.step(of.routine(), after);
    const std::int64_t position = of.base() + index.last(of.routine(), after);
    if (before.call >= 0 || before.op.stream == Stream::Compute) {
      need.compute = std::max(need.compute, position + 1);
    } else {
      ORRERY_CHECK(need.others < need.other.size());
      need.other[need.others++] = {.stream = before.op.stream, .position = position};
    }
  }
}

// The output that the pass waits for; null for none.
const StepExchange::Output* RankTimeline::awaited(const StreamCursor& of) const {
  const std::int32_t after = of.pass().after;
  return after == Pass::kNothing ? nullptr : &exchange_.output(after);
}

bool RankTimeline::arrived(const StreamCursor& of) const {
  const StepExchange::Output* output = awaited(of);
  return output == nullptr || (output->known() && output->end <= now_);
}

bool RankTimeline::ready(Stream stream) const {
  const Need& need = needs_[at(stream)];
  for (std::size_t i = 0; i < need.others; ++i) {
    if (cursor(need.other[i].stream).position() <= need.other[i].position) return false;
  }
  return !need.entry || stream == Stream::Compute || arrived(cursor(stream));
}

// Of a stream beside Compute. Most wait for it.
bool RankTimeline::may_start(Stream stream) const {
  return cursor(Stream::Compute).position() >= needs_[at(stream)].compute &&
         traffic_.free(stream) && !cursor(stream).done() && ready(stream);
}

bool RankTimeline::may_start_beside() const {
  return std::any_of(kCommunicationStreams.begin(), kCommunicationStreams.end(),
                     [this](Stream stream) { return may_start(stream); });
}

bool RankTimeline::start_beside() {
  bool started = false;
  for (const Stream stream : kCommunicationStreams) {
    if (!may_start(stream)) continue;
    start_collective(stream);
    started = true;
  }
  return started;
}

bool RankTimeline::may_begin_pass() const {
  const StreamCursor& of = cursor(Stream::Compute);
  if (!arrived(of)) return false;
  if (!of.pass().joins) return true;
  return std::all_of(kCommunicationStreams.begin(), kCommunicationStreams.end(),
                     [&](Stream stream) {
                       return stream == Stream::Send || cursor(stream).position() >= of.pass_base();
                     });
}

bool RankTimeline::start_compute() {
  StreamCursor& of = cursor(Stream::Compute);
  if (begun_ != of.nth()) {
    if (!may_begin_pass() || gathers()) return false;
    begun_ = of.nth();
    fresh_ = true;
    if (start_gathered() || start_whole_pass() || start_beside_message() ||
        start_during_message()) {
      return true;
    }
  } else if (start_rest()) {
    return true;
  }
  while (of.step() != nullptr && of.step()->call >= 0) {
    if (of.repetition() == 0 && !ready(Stream::Compute)) return false;
    if (start_repetitions()) return true;
    of.enter();
    look_up(Stream::Compute);
  }
  if (!ready(Stream::Compute)) return false;
  if (of.step() == nullptr || of.step()->op.kind == Op::Kind::Collective) {
    start_collective(Stream::Compute);
  } else {
    start_operation(of.step()->op);
  }
  return true;
}

// Nothing starts on another stream before the compute stream has passed `last`, but for what the
// routine holds itself, up to `until`.
bool RankTimeline::untouched(std::int64_t last, std::int64_t until) const {
  const std::int64_t from = cursor(Stream::Compute).position();
  return std::all_of(kCommunicationStreams.begin(), kCommunicationStreams.end(),
                     [&](Stream stream) {
                       const std::int64_t position = cursor(stream).position();
                       const std::int64_t compute = needs_[at(stream)].compute;
                       if (cursor(stream).done() || (position >= from && position < until))
                         return true;
                       return compute <= from || compute > last;  // or it waits for another stream
                     });
}

bool RankTimeline::start_whole_pass() {
  const StreamCursor& of = cursor(Stream::Compute);
  const std::uint32_t routine = of.pass().routine;
  if (!traffic_.free() || !ready(Stream::Compute)) return false;
  const OutlineIndex& index = profiles_.index();
  busy_.until = of.pass_base() + index.length(routine);
  if (!untouched(of.pass_base() + index.last_compute(routine), busy_.until)) return false;
  return start_routine(routine, 0);
}

bool RankTimeline::start_repetitions() {
  if (!traffic_.free()) return false;
  const StreamCursor& of = cursor(Stream::Compute);
  const OutlineIndex& index = profiles_.index();
  const auto routine = static_cast<std::uint32_t>(of.step()->call);
  const std::uint32_t left = of.step()->repeat - of.repetition();
  for (const std::uint32_t repetitions : {left, 1U}) {
    const std::int64_t length = index.length(routine);
    const std::int64_t start = of.position() + (repetitions - 1) * length;
    busy_.until = start + length;
    if (!untouched(start + index.last_compute(routine), busy_.until)) continue;
    if (start_routine(routine, repetitions)) return true;
  }
  return false;
}

bool RankTimeline::start_routine(std::uint32_t routine, std::uint32_t repetitions) {
  if (exchange_.meets(rank_, profiles_.index().groups(routine))) return false;
  const RoutineProfile& once = profiles_.of(routine);
  return once.closed && start_profile(once, repetitions);
}

// By how much the host delays the end of what would start now; not above zero where it does not.
Seconds RankTimeline::late(const RoutineProfile& once, std::uint32_t repetitions) const {
  const double times = std::max(1U, repetitions);
  const bool waits = fresh_ && cursor(Stream::Compute).pass().host_sync;
  const Seconds launched = waits ? max(host_, now_) : host_;
  return launched + once.host_excess + max(Seconds(0), once.launching - once.time) * (times - 1) -
         now_;
}

bool RankTimeline::start_profile(const RoutineProfile& once, std::uint32_t repetitions) {
  const double times = std::max(1U, repetitions);
  const Seconds delay = late(once, repetitions);
  if (!measures_ && !once.sequential && delay > Seconds(0)) return false;
  begin_compute();
  busy_.what = Busy::What::Routine;
  busy_.start = now_;
  busy_.host_wait = !measures_ ? max(Seconds(0), delay) : Seconds(0);
  busy_.end = now_ + once.time * times + busy_.host_wait;
  busy_.once = &once;
  busy_.repetitions = repetitions;
  host_excess_ = max(host_excess_, delay);
  host_ += once.launching * times;
  return true;
}

void RankTimeline::begin_compute() {
  fill_gap();
  if (!fresh_) return;
  fresh_ = false;
  if (cursor(Stream::Compute).pass().host_sync) host_ = max(host_, now_);
  if (begun_ == period_.first) period_begin_ = {now_, tiles_};
  if (begun_ == period_.last) period_end_ = {now_, tiles_};
}

// The gap before an operation belongs to what it waited for last: a collective of its own rank, a
// message while it was on the wire; the rest is the pipeline's bubble.
void RankTimeline::fill_gap() {
  const Seconds gap = now_ - idle_since_;
  if (gap <= Seconds(0)) return;
  const Seconds from = std::exchange(idle_since_, now_);
  Need need = needs_[at(Stream::Compute)];
  const StreamCursor& of = cursor(Stream::Compute);
  if (fresh_ && of.pass().joins) {
    for (const Stream stream : {Stream::DataComm, Stream::ParamComm, Stream::TensorComm}) {
      if (ended_[at(stream)] != now_) continue;
      tiles_[at(ended_tile_[at(stream)])] += gap;
      return;
    }
  }
  for (std::size_t i = 0; i < need.others; ++i) {
    const std::size_t stream = at(need.other[i].stream);
    if (ended_[stream] != now_) continue;
    tiles_[at(ended_tile_[stream])] += gap;
    return;
  }
  Seconds wire{};
  if (const StepExchange::Output* output = fresh_ ? awaited(of) : nullptr) {
    if (output->message && output->end == now_) wire = min(gap, now_ - max(from, output->sent));
  }
  tiles_[at(Tile::PipelineComm)] += wire;
  tiles_[at(Tile::Bubble)] += gap - wire;
}

void RankTimeline::start_operation(const Op& op) {
  begin_compute();
  busy_.start = busy_.since = now_;
  busy_.tile = op.tile;
  busy_.host_wait = Seconds(0);
  if (op.kind == Op::Kind::Host) {
    busy_.what = Busy::What::Host;
    busy_.end = now_ + profiles_.index().outline().host_times[op.work];
    return;
  }
  const BlockCost& cost = profiles_.block(op.work);
  host_ += profiles_.launch_time() * cost.launches;
  busy_.what = Busy::What::Kernels;
  busy_.block = op.work;
  busy_.launched = host_;
  busy_.left = cost.time;
  slow_block();
  time_block();
}

void RankTimeline::slow_block() {
  busy_.multiprocessors = traffic_.multiprocessors();
  busy_.memory = traffic_.memory();
  busy_.slowdown = profiles_.slowdown(busy_.block, busy_.multiprocessors, busy_.memory);
}

// The device cannot end a block before the host has launched its last kernel.
void RankTimeline::time_block() {
  const Seconds device = now_ + busy_.left * busy_.slowdown;
  busy_.end = !measures_ ? max(device, host_) : device;
  busy_.host_wait = busy_.end - device;
}

void RankTimeline::update_block() {
  if (busy_.what != Busy::What::Kernels) return;
  if (busy_.multiprocessors == traffic_.multiprocessors() && busy_.memory == traffic_.memory()) {
    return;
  }
  const double before = busy_.slowdown;
  slow_block();
  if (busy_.slowdown == before) return;
  busy_.left = max(Seconds(0), busy_.left - (now_ - busy_.since) / before);
  busy_.since = now_;
  time_block();
}

void RankTimeline::start_collective(Stream stream) {
  if (stream == Stream::Compute) begin_compute();
  const StreamCursor& of = cursor(stream);
  const std::uint32_t work =
      of.step() == nullptr ? static_cast<std::uint32_t>(of.pass().message) : of.step()->op.work;
  host_ += profiles_.launch_time();
  traffic_.hold(stream, work, profiles_.costs().collective(work));
  started_[at(stream)] = now_;
  left_[at(stream)] = false;
  const int group = profiles_.index().outline().collectives[work].group;
  meeting_[at(stream)] = exchange_.join(rank_, group, stream, now_);
  if (meeting_[at(stream)] == StepExchange::kAlone) {
    traffic_.begin(stream, now_);
  } else {
    ++meetings_;
  }
  update_block();
}

}  // namespace orrery
