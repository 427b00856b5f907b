#pragma once
/// What the ranks of a step wait for one another: outputs of passes, and collectives in which
/// several represented ranks take part.

#include <map>
#include <tuple>
#include <utility>
#include <vector>

#include <orrery/outline.hpp>

namespace orrery {

class StepExchange {
 public:
  /// When the output of a pass is with those who need it.
  struct Output {
    Seconds sent{};   ///< start of its message
    Seconds end{-1};  ///< negative while it is not known
    bool message = false;
    [[nodiscard]] bool known() const { return end >= Seconds(0); }
  };

  /// Of `passes` passes of ranks that meet nobody.
  explicit StepExchange(std::size_t passes) : outputs_(passes), reached_(1), meeting_groups_(1) {}
  /// Keeps a reference.
  explicit StepExchange(const Outline& outline);

  [[nodiscard]] const Output& output(std::int32_t pass) const {
    return outputs_[static_cast<std::size_t>(pass)];
  }
  void deliver(std::uint32_t pass, const Output& output) { outputs_[pass] = output; }

  /// A rank has come to `now`: its next pass does not start before.
  void reached(std::uint32_t rank, Seconds now) { reached_[rank] = now; }
  /// Before this a rank has no output of passes that it has not begun.
  [[nodiscard]] Seconds reached(std::uint32_t rank) const { return reached_[rank]; }

  static constexpr std::int32_t kAlone = -1;
  /// `rank` is ready for a collective of a kind of group: the n-th that it issues on a stream meets
  /// the n-th of the others. Returns the meeting, or kAlone.
  std::int32_t join(std::uint32_t rank, int group, Stream stream, Seconds now);
  /// Its own part of the meeting has ended.
  void leave(std::int32_t meeting, Seconds now);
  /// When the last has come, or has ended; negative while it is not known.
  [[nodiscard]] Seconds start(std::int32_t meeting) const;
  [[nodiscard]] Seconds end(std::int32_t meeting) const;
  /// Whether a rank meets others in one of the kinds of groups that `groups` names as bits.
  [[nodiscard]] bool meets(std::uint32_t rank, std::uint64_t groups) const {
    return (meeting_groups_[rank] & groups) != 0;
  }

 private:
  struct Meeting {
    int to_come = 0, to_end = 0;
    Seconds start{}, end{};
  };

  // Collectives by kind of group and stream.
  using Counts = std::map<std::pair<int, Stream>, std::int64_t>;

  void count_members();
  [[nodiscard]] std::vector<Counts> counts_of_routines() const;
  [[nodiscard]] int members(std::int32_t number, Stream stream, std::int64_t nth) const;

  const Outline* outline_ = nullptr;
  std::vector<Output> outputs_;
  std::vector<Seconds> reached_;               // by rank
  std::vector<std::uint64_t> meeting_groups_;  // by rank
  // By number of RepresentedRank::meetings and stream: how many each member issues in the step.
  std::map<std::pair<std::int32_t, Stream>, std::vector<std::int64_t>> totals_;
  std::map<std::tuple<std::uint32_t, std::int32_t, Stream>, int> issued_;
  std::map<std::tuple<std::int32_t, Stream, int>, std::int32_t> known_;
  std::vector<Meeting> meetings_;
};

}  // namespace orrery
