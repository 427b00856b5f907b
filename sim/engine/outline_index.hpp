#pragma once
/// Where the operations of an outline's routines are, so that every stream of a rank can be walked
/// by itself.

#include <array>
#include <cstdint>
#include <vector>

#include <orrery/outline.hpp>

namespace orrery {

/// Positions number the operations of a rank in the order of its program. Within a routine they
/// count from its first operation, and every run of another routine has its own.
class OutlineIndex {
 public:
  /// Keeps a reference. O(steps of the routines).
  explicit OutlineIndex(const Outline& outline);

  [[nodiscard]] const Outline& outline() const { return outline_; }
  [[nodiscard]] const Step& step(std::uint32_t routine, std::uint32_t step) const {
    return outline_.routines[routine].steps[step];
  }
  /// Operations of one run of a routine.
  [[nodiscard]] std::int64_t length(std::uint32_t routine) const {
    return routines_[routine].length;
  }
  /// Of the first operation on Compute, and of the last.
  [[nodiscard]] std::int64_t first_compute(std::uint32_t routine) const {
    return routines_[routine].first_compute;
  }
  [[nodiscard]] std::int64_t last_compute(std::uint32_t routine) const {
    return last(routine, outline_.routines[routine].last_compute);
  }
  /// Of the first operation of a step, and of the last that what follows on its stream waits for.
  [[nodiscard]] std::int64_t first(std::uint32_t routine, std::uint32_t step) const {
    return steps_[routines_[routine].begin + step].first;
  }
  [[nodiscard]] std::int64_t last(std::uint32_t routine, std::uint32_t step) const {
    return steps_[routines_[routine].begin + step].last;
  }
  /// The first step from `step` on with an operation on `stream`; the number of steps if there is
  /// none.
  [[nodiscard]] std::uint32_t next(std::uint32_t routine, std::uint32_t step, Stream stream) const {
    return steps_[routines_[routine].begin + step].next[static_cast<std::size_t>(stream)];
  }
  /// Whether a routine, or a message of the passes, has an operation on a stream.
  [[nodiscard]] bool uses(std::uint32_t routine, Stream stream) const {
    return (routines_[routine].streams >> static_cast<unsigned>(stream) & 1U) != 0;
  }
  [[nodiscard]] bool uses(Stream stream) const {
    return (streams_ >> static_cast<unsigned>(stream) & 1U) != 0;
  }
  /// Whether a routine is one operation after the other.
  [[nodiscard]] bool is_sequential(std::uint32_t routine) const {
    return (routines_[routine].streams & ~(1U << static_cast<unsigned>(Stream::Compute))) == 0;
  }
  /// Whether some operation on a stream waits for nothing on Compute: it can start at any time.
  [[nodiscard]] bool starts_freely(Stream stream) const {
    return (free_streams_ >> static_cast<unsigned>(stream) & 1U) != 0;
  }
  /// Whether a routine has an operation on such a stream.
  [[nodiscard]] bool uses_free_stream(std::uint32_t routine) const {
    return (routines_[routine].streams & free_streams_) != 0;
  }
  /// Kinds of groups whose collectives a routine issues, as bits.
  [[nodiscard]] std::uint64_t groups(std::uint32_t routine) const {
    return routines_[routine].groups;
  }
  /// The same of one collective. Kinds beyond the last bit share it: a rank is then taken to meet
  /// others more often than it does.
  [[nodiscard]] std::uint64_t group(std::uint32_t collective) const {
    const int group = outline_.collectives[collective].group;
    return std::uint64_t{1} << (group < 63 ? group : 63);
  }

 private:
  struct StepPlace {
    std::int64_t first = 0, last = 0;
    std::array<std::uint32_t, kStreamCount> next{};
  };
  struct RoutinePlace {
    std::size_t begin = 0;  // in `steps_`; one entry more than steps ends it
    std::int64_t length = 0, first_compute = 0;
    std::uint64_t groups = 0;
    unsigned streams = 0;
  };

  RoutinePlace place(const Routine& routine);
  void note_free(const Routine& routine);
  [[nodiscard]] unsigned streams_of(const Step& step) const;
  [[nodiscard]] std::uint64_t groups_of(const Step& step) const;

  const Outline& outline_;
  std::vector<RoutinePlace> routines_;
  std::vector<StepPlace> steps_;
  unsigned streams_ = 0;
  unsigned free_streams_ = 0;
};

}  // namespace orrery
