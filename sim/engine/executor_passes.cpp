// Passes: when they are made, what waits for what in them and between them.
#include <algorithm>

#include <fmt/format.h>

#include <orrery/error.hpp>

#include "engine/event_executor.hpp"

namespace orrery::event {
namespace {

std::size_t queue_of(Stream stream) { return static_cast<std::size_t>(stream); }

// What a pass that joins its rank's streams waits for, beyond the order of its own.
constexpr std::array kJoined = {Stream::DataComm, Stream::ParamComm, Stream::TensorComm};

}  // namespace

std::uint32_t Executor::frame_at(std::uint32_t rank, std::uint32_t position) const {
  return frame_of_[schedule_.of_rank(rank)[position]];
}

void Executor::open_rank(std::uint32_t rank) {
  RankState& state = ranks_[rank];
  for (std::size_t i = 0; i < kStreamCount; ++i) {
    state.cursor[i] = schedule_.next_on(rank, static_cast<Stream>(i), 0);
  }
  for (const std::uint32_t position : state.cursor) {
    if (position != kNone && frame_at(rank, position) == kNone) open(rank, position, {});
  }
}

void Executor::open(std::uint32_t rank, std::uint32_t position, const Cause& cause) {
  if (free_frames_.empty()) {
    free_frames_.push_back(static_cast<std::uint32_t>(frames_.size()));
    frames_.emplace_back();
  }
  const std::uint32_t slot = free_frames_.back();
  free_frames_.pop_back();
  Frame& frame = frames_[slot];
  frame.pass = schedule_.of_rank(rank)[position];
  frame.ops = &schedule_.ops(frame.pass);
  frame.left = frame.ops->size();
  frame.started = 0;
  frame.waiting.resize(frame.left);
  frame_of_[frame.pass] = slot;
  for (std::uint32_t op = 0; op < frame.left; ++op) {
    frame.waiting[op] = {.earliest = Seconds(0), .waits = frame.ops->waits(op)};
  }
  wait_for_streams(rank, position, frame);
  wait_for_passes(frame);
  for (std::uint32_t op = 0; op < frame.left; ++op) {
    if (frame.waiting[op].waits == 0) ready_.push_back({frame.pass, op, slot, cause});
  }
}

void Executor::wait_for_streams(std::uint32_t rank, std::uint32_t position, Frame& frame) const {
  const RankState& state = ranks_[rank];
  const auto wait = [&](std::uint32_t op, Stream stream) {
    Frame::Waiting& waiting = frame.waiting[op];
    if (state.cursor[queue_of(stream)] < position) {
      ++waiting.waits;
    } else {
      waiting.earliest = max(waiting.earliest, state.left_at[queue_of(stream)]);
    }
  };
  for (std::size_t i = 0; i < kStreamCount; ++i) {
    const std::uint32_t first = frame.ops->first(static_cast<Stream>(i));
    if (first != kNone) wait(first, static_cast<Stream>(i));
  }
  for (const std::uint32_t op : frame.ops->entries()) wait(op, Stream::Compute);
  if (!frame.ops->joins()) return;
  for (const Stream stream : kJoined) wait(frame.ops->first(Stream::Compute), stream);
}

void Executor::wait_for_passes(Frame& frame) const {
  for (const std::uint32_t before : schedule_.before(frame.pass)) {
    for (const std::uint32_t op : frame.ops->gates()) {
      Frame::Waiting& waiting = frame.waiting[op];
      if (published_[before]) {
        waiting.earliest = max(waiting.earliest, published_at_[before]);
      } else {
        ++waiting.waits;
      }
    }
  }
}

void Executor::close(std::uint32_t frame) {
  frame_of_[frames_[frame].pass] = kNone;
  free_frames_.push_back(frame);
}

void Executor::release(std::uint32_t frame, std::uint32_t op, Seconds earliest,
                       const Cause& cause) {
  Frame::Waiting& waiting = frames_[frame].waiting[op];
  waiting.earliest = max(waiting.earliest, earliest);
  if (--waiting.waits == 0) ready_.push_back({frames_[frame].pass, op, frame, cause});
}

void Executor::pass_on(std::uint32_t rank, const Running& run, const Cause& cause) {
  const PassOps& ops = *frames_[run.frame].ops;
  const std::uint32_t pass = frames_[run.frame].pass;
  const Op& op = ops.ops()[run.op];
  Frame::Waiting& waiting = frames_[run.frame].waiting[run.op];
  const Seconds earliest = waiting.earliest + time_alone(rank, op);
  waiting.waits = kNone;  // has ended
  critical_path_ = max(critical_path_, earliest);
  ++done_;
  for (const std::uint32_t next : ops.successors(run.op)) {
    release(run.frame, next, earliest, cause);
  }
  if (ops.last(op.stream) == run.op) advance(rank, op.stream, earliest, cause);
  if (ops.output() == run.op) publish(pass, earliest, cause);
  if (--frames_[run.frame].left == 0) close(run.frame);
}

void Executor::advance(std::uint32_t rank, Stream stream, Seconds earliest, const Cause& cause) {
  RankState& state = ranks_[rank];
  const std::uint32_t from = state.cursor[queue_of(stream)];
  const std::uint32_t to = schedule_.next_on(rank, stream, from + 1);
  state.cursor[queue_of(stream)] = to;
  state.left_at[queue_of(stream)] = earliest;
  if (std::find(kJoined.begin(), kJoined.end(), stream) != kJoined.end()) {
    release_joins(rank, from, to, earliest, cause);
  }
  if (to == kNone) return;
  const std::uint32_t frame = frame_at(rank, to);
  if (frame == kNone) {
    open(rank, to, cause);
    return;
  }
  const PassOps& ops = *frames_[frame].ops;
  release(frame, ops.first(stream), earliest, cause);
  if (stream != Stream::Compute) return;
  for (const std::uint32_t op : ops.entries()) release(frame, op, earliest, cause);
}

void Executor::release_joins(std::uint32_t rank, std::uint32_t from, std::uint32_t to,
                             Seconds earliest, const Cause& cause) {
  for (const std::uint32_t position : schedule_.joins(rank)) {
    if (position <= from || position > to) continue;
    const std::uint32_t frame = frame_at(rank, position);
    if (frame == kNone) continue;
    release(frame, frames_[frame].ops->first(Stream::Compute), earliest, cause);
  }
}

void Executor::publish(std::uint32_t pass, Seconds earliest, const Cause& cause) {
  published_[pass] = true;
  published_at_[pass] = earliest;
  for (const std::uint32_t next : schedule_.after(pass)) {
    const std::uint32_t frame = frame_of_[next];
    if (frame == kNone) continue;
    for (const std::uint32_t op : frames_[frame].ops->gates()) release(frame, op, earliest, cause);
  }
}

// In the order of creation. What starts ends nothing, so the list is free when it returns.
void Executor::start_ready() {
  if (ready_.size() > 1) {
    std::sort(ready_.begin(), ready_.end(), [](const Ready& a, const Ready& b) {
      return a.pass != b.pass ? a.pass < b.pass : a.op < b.op;
    });
  }
  for (const Ready& ready : ready_) start(ready);
  ready_.clear();
}

bool Executor::has_ended(std::uint32_t pass, std::uint32_t op) const {
  const std::uint32_t cursor =
      ranks_[schedule_.passes()[pass].rank].cursor[queue_of(schedule_.ops(pass).ops()[op].stream)];
  if (cursor != schedule_.position(pass)) return cursor > schedule_.position(pass);
  const std::uint32_t frame = frame_of_[pass];
  return frame != kNone && frames_[frame].waiting[op].waits == kNone;
}

void Executor::fail_deadlock() const {
  std::uint32_t pass = 0, op = 0;
  std::uint64_t number = 0;
  while (has_ended(pass, op)) {
    ++number;
    if (++op < schedule_.ops(pass).size()) continue;
    ++pass;
    op = 0;
    ORRERY_CHECK(pass < schedule_.passes().size());
  }
  throw SimulationError(fmt::format(
      "the step cannot end: {} of {} operations wait for one another; the first is operation {} "
      "({}) of represented rank {}",
      schedule_.operations() - done_, schedule_.operations(), number,
      to_text(schedule_.ops(pass).ops()[op].tile), schedule_.passes()[pass].rank));
}

}  // namespace orrery::event
