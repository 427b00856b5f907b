#include "engine/stream_cursor.hpp"

#include <algorithm>
#include <limits>

#include <orrery/error.hpp>

namespace orrery {

StreamCursor::StreamCursor(const OutlineIndex& index, RankPasses passes, Stream stream)
    : index_(index), passes_(passes), stream_(stream) {
  if (index.uses(stream)) {
    begin_passes();
  } else {
    nth_ = passes_.order.size();
    position_ = std::numeric_limits<std::int64_t>::max();
  }
}

void StreamCursor::push(std::uint32_t routine, std::int64_t base) {
  ORRERY_CHECK(depth_ < kDeepest);
  frames_[depth_++] = {
      .routine = routine, .step = index_.next(routine, 0, stream_), .repetition = 0, .base = base};
}

// From the first step of pass `nth_` on. A message stands after the routine's last operation.
void StreamCursor::begin_passes() {
  for (; !done(); next_pass()) {
    pass_ = &passes_.passes[pass_index()];
    if (!sends() && !index_.uses(pass_->routine, stream_)) continue;
    depth_ = 0;
    push(pass_->routine, pass_base_);
    settle();
    return;
  }
  position_ = std::numeric_limits<std::int64_t>::max();
}

bool StreamCursor::sends() const { return pass_->message >= 0 && pass_->message_stream == stream_; }

void StreamCursor::next_pass() {
  pass_base_ += index_.length(pass_->routine) + 1;
  ++nth_;
}

// Back to the step that ran the innermost routine, which has ended.
void StreamCursor::leave() {
  --depth_;
  Frame& above = frames_[depth_ - 1];
  if (++above.repetition < index_.step(above.routine, above.step).repeat) return;
  above.repetition = 0;
  above.step = index_.next(above.routine, above.step + 1, stream_);
}

// Finds the operation from where the frames stand.
void StreamCursor::settle() {
  while (true) {
    const Frame& top = frames_[depth_ - 1];
    const auto& steps = index_.outline().routines[top.routine].steps;
    if (top.step < steps.size()) {
      step_ = &steps[top.step];
      position_ = top.base + index_.first(top.routine, top.step);
      if (step_->call < 0) return;
      const auto called = static_cast<std::uint32_t>(step_->call);
      position_ += top.repetition * index_.length(called);
      if (stream_ == Stream::Compute) return;
      push(called, position_);
    } else if (depth_ > 1) {
      leave();
    } else {
      return leave_routine();
    }
  }
}

void StreamCursor::leave_routine() {
  depth_ = 1;
  step_ = nullptr;
  position_ = pass_base_ + index_.length(pass_->routine);
  if (sends()) return;
  next_pass();
  begin_passes();
}

void StreamCursor::enter() {
  push(static_cast<std::uint32_t>(step_->call), position_);
  settle();
}

void StreamCursor::next(std::uint32_t repetitions) {
  if (step_ == nullptr) {
    next_pass();
    begin_passes();
    return;
  }
  Frame& top = frames_[depth_ - 1];
  if (step_->call >= 0) top.repetition += repetitions;
  if (step_->call < 0 || top.repetition >= step_->repeat) {
    top.repetition = 0;
    top.step = index_.next(top.routine, top.step + 1, stream_);
  }
  settle();
}

void StreamCursor::walk_to(std::int64_t position) {
  while (position_ < position) {
    if (step_ == nullptr || step_->call < 0) {
      next();
      continue;
    }
    const std::int64_t each = index_.length(static_cast<std::uint32_t>(step_->call));
    const std::int64_t runs =
        std::min<std::int64_t>((position - position_) / each, step_->repeat - repetition());
    if (runs > 0) {
      next(static_cast<std::uint32_t>(runs));
    } else {
      enter();
    }
  }
}

void StreamCursor::skip_to(std::int64_t position) {
  while (position_ < position) {
    // The outermost routine that ends before.
    std::size_t depth = 0;
    while (depth < depth_ &&
           frames_[depth].base + index_.length(frames_[depth].routine) > position) {
      ++depth;
    }
    if (step_ == nullptr || depth == depth_) {
      next();
      continue;
    }
    depth_ = depth + 1;
    Frame& whole = frames_[depth];
    const auto end =
        static_cast<std::uint32_t>(index_.outline().routines[whole.routine].steps.size());
    whole.step = end;
    settle();
  }
}

}  // namespace orrery
