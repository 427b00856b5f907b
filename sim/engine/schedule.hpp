#pragma once
/// A step as the event engine runs it: the passes of every rank in order, what they wait for, and
/// who meets whom.

#include <cstdint>
#include <span>
#include <vector>

#include <orrery/outline.hpp>

#include "engine/pass_ops.hpp"

namespace orrery {

/// A pass of a rank: the index of its operations.
struct ScheduledPass {
  std::uint32_t rank = 0;
  std::uint32_t ops = 0;
};

/// `pass` waits for the output of `before`.
struct PassWait {
  std::uint32_t pass = 0;
  std::uint32_t before = 0;
};

/// Memory is O(passes + ranks): operations are those of PassOps.
class Schedule {
 public:
  static constexpr std::uint32_t kNone = 0xffffffffU;
  /// Of a stream of a rank or meeting in a table of all streams of all of them.
  static std::size_t queue_of(std::size_t index, Stream stream) {
    return index * kStreamCount + static_cast<std::size_t>(stream);
  }

  /// Keeps references to the outline's tables and ranks. @pre nothing is left out
  explicit Schedule(const Outline& outline);
  /// Passes made by hand, in any order of ranks; those of a rank run in order. Keeps references.
  Schedule(const WorkTables& tables, const std::vector<RepresentedRank>& ranks,
           std::vector<PassOps> kinds, std::vector<ScheduledPass> passes,
           const std::vector<PassWait>& waits);

  [[nodiscard]] const WorkTables& tables() const { return *tables_; }
  [[nodiscard]] const std::vector<RepresentedRank>& ranks() const { return *ranks_; }
  [[nodiscard]] std::uint32_t rank_count() const {
    return static_cast<std::uint32_t>(ranks_->size());
  }
  [[nodiscard]] const std::vector<ScheduledPass>& passes() const { return passes_; }
  [[nodiscard]] const PassOps& ops(std::uint32_t pass) const { return kinds_[passes_[pass].ops]; }
  [[nodiscard]] std::uint64_t operations() const { return operations_; }

  /// Passes of a rank in the order in which they run.
  [[nodiscard]] std::span<const std::uint32_t> of_rank(std::uint32_t rank) const {
    return order_.of(rank);
  }
  /// Where a pass stands among those of its rank.
  [[nodiscard]] std::uint32_t position(std::uint32_t pass) const { return position_[pass]; }
  /// Passes whose output a pass waits for, and those that wait for its own.
  [[nodiscard]] std::span<const std::uint32_t> before(std::uint32_t pass) const {
    return before_.of(pass);
  }
  [[nodiscard]] std::span<const std::uint32_t> after(std::uint32_t pass) const {
    return after_.of(pass);
  }
  /// Positions of the passes of a rank that join its streams.
  [[nodiscard]] std::span<const std::uint32_t> joins(std::uint32_t rank) const {
    return joins_.of(rank);
  }
  /// The first pass of a rank at or after a position that has operations on the stream, as a
  /// position; kNone where there is none.
  [[nodiscard]] std::uint32_t next_on(std::uint32_t rank, Stream stream,
                                      std::uint32_t position) const;
  /// Positions before this may hold an operation on the stream that starts long before its pass.
  [[nodiscard]] std::uint32_t free_until(std::uint32_t rank, Stream stream) const {
    return free_until_[queue_of(rank, stream)];
  }
  /// Whether some rank runs these operations more than once.
  [[nodiscard]] bool repeats(std::uint32_t pass) const { return repeats_[passes_[pass].ops]; }

  /// The number of the meeting of a rank in its group of a kind; -1 where it meets nobody.
  [[nodiscard]] std::int32_t meeting(std::uint32_t rank, int group) const {
    return static_cast<std::size_t>(group) < groups_
               ? meeting_[rank * groups_ + static_cast<std::size_t>(group)]
               : -1;
  }
  [[nodiscard]] std::size_t meetings() const { return issued_.size() / kStreamCount; }
  /// Collectives that each member of a meeting issues on a stream in the whole step, ascending. The
  /// n-th of one meets the n-th of the others.
  [[nodiscard]] const std::vector<std::uint32_t>& issued(std::size_t meeting, Stream stream) const {
    return issued_[queue_of(meeting, stream)];
  }

 private:
  /// Lists of numbers, by an index.
  struct Lists {
    std::vector<std::uint32_t> first;  // of each list, one more at the end
    std::vector<std::uint32_t> all;

    [[nodiscard]] std::span<const std::uint32_t> of(std::uint32_t index) const {
      return std::span(all).subspan(first[index], first[index + 1] - first[index]);
    }
    // `pairs(add)` calls add(index, value) for every entry, twice in the same order.
    template <class Pairs>
    void fill(std::size_t count, Pairs pairs);
  };

  void index(const std::vector<PassWait>& waits);
  void index_ranks();
  void index_meetings();

  const WorkTables* tables_;
  const std::vector<RepresentedRank>* ranks_;
  std::vector<PassOps> kinds_;
  std::vector<ScheduledPass> passes_;
  std::uint64_t operations_ = 0;
  Lists order_, before_, after_, joins_;
  std::vector<std::uint32_t> position_;    // by pass
  std::vector<std::uint32_t> free_until_;  // by rank and stream
  std::vector<bool> repeats_;              // by kind of pass
  std::size_t groups_ = 0;
  std::vector<std::int32_t> meeting_;               // by rank and kind of group
  std::vector<std::vector<std::uint32_t>> issued_;  // by meeting and stream
};

}  // namespace orrery
