#pragma once
/// The operations of one stream of a rank, one after the other, without spreading the outline out.

#include <array>
#include <span>

#include "engine/outline_index.hpp"

namespace orrery {

/// Passes of a rank in order: `order` are indices of `passes`.
struct RankPasses {
  std::span<const Pass> passes;
  std::span<const std::uint32_t> order;
};

/// Stands at an operation, or on Compute at the next repetition of a step that runs another
/// routine, which can be entered or passed over.
class StreamCursor {
 public:
  /// Keeps a reference and the spans. Stands at the first operation.
  StreamCursor(const OutlineIndex& index, RankPasses passes, Stream stream);

  [[nodiscard]] bool done() const { return nth_ >= passes_.order.size(); }
  /// Of the operation. INT64_MAX when done.
  [[nodiscard]] std::int64_t position() const { return position_; }
  /// Of the run of the routine that it is a step of.
  [[nodiscard]] std::int64_t base() const { return frames_[depth_ - 1].base; }
  [[nodiscard]] std::uint32_t routine() const { return frames_[depth_ - 1].routine; }
  /// Null for the message that carries the output of the pass away.
  [[nodiscard]] const Step* step() const { return step_; }
  /// Repetitions of the step that have been passed over.
  [[nodiscard]] std::uint32_t repetition() const { return frames_[depth_ - 1].repetition; }

  /// Of the rank's passes, and as an index of all.
  [[nodiscard]] std::size_t nth() const { return nth_; }
  [[nodiscard]] std::uint32_t pass_index() const { return index_of(nth_); }
  [[nodiscard]] std::uint32_t index_of(std::size_t nth) const { return passes_.order[nth]; }
  [[nodiscard]] const Pass& pass() const { return *pass_; }
  [[nodiscard]] const Pass& pass_at(std::size_t nth) const { return passes_.passes[index_of(nth)]; }
  /// Of the first operation of the pass.
  [[nodiscard]] std::int64_t pass_base() const { return pass_base_; }
  /// Whether it is a step of the pass's own routine.
  [[nodiscard]] bool at_top() const { return step_ != nullptr && depth_ == 1; }

  /// To the next operation, or over `repetitions` of a step that runs a routine.
  void next(std::uint32_t repetitions = 1);
  /// Past the routine of the pass: to its message, or else to the first operation after it.
  void leave_routine();
  /// Into the routine that the step runs.
  void enter();
  /// To the first operation at or after `position`. @pre no routine ends in two runs across it
  void skip_to(std::int64_t position);
  /// On Compute, to the operation at `position`, or to the step that runs a routine whose first it
  /// is. @pre it is not behind
  void walk_to(std::int64_t position);

 private:
  struct Frame {
    std::uint32_t routine = 0, step = 0, repetition = 0;
    std::int64_t base = 0;
  };
  static constexpr std::size_t kDeepest = 8;

  void begin_passes();
  void next_pass();
  [[nodiscard]] bool sends() const;  // the pass's output
  void settle();
  void push(std::uint32_t routine, std::int64_t base);
  void leave();

  const OutlineIndex& index_;
  RankPasses passes_;
  Stream stream_;
  std::size_t nth_ = 0;
  std::int64_t pass_base_ = 0;
  std::int64_t position_ = 0;
  const Pass* pass_ = nullptr;
  const Step* step_ = nullptr;
  std::size_t depth_ = 0;
  std::array<Frame, kDeepest> frames_{};
};

}  // namespace orrery
