#pragma once
/// What the ranks of a step wait for one another: outputs of passes, and collectives in which
/// several represented ranks take part.

#include <span>
#include <utility>
#include <vector>

#include <orrery/outline.hpp>

namespace orrery {

struct RestProfile;

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
  explicit StepExchange(std::size_t passes);
  /// Keeps a reference.
  explicit StepExchange(const Outline& outline) : StepExchange(outline, outline.passes) {}
  /// Of these passes of the outline's ranks: whoever has none comes to no meeting.
  StepExchange(const Outline& outline, std::span<const Pass> passes);

  [[nodiscard]] const Output& output(std::int32_t pass) const {
    return outputs_[static_cast<std::size_t>(pass)];
  }
  void deliver(std::uint32_t pass, const Output& output);
  /// `rank` cannot go on before this output is known.
  void wait(std::uint32_t rank, std::int32_t pass);
  /// Fills in the ranks that may have waited for what has become known since this was asked last.
  void take_woken(std::vector<std::uint32_t>& ranks) {
    ranks.swap(woken_);
    woken_.clear();
  }

  static constexpr std::int32_t kAlone = -1;
  /// `rank` is ready for a collective of a kind of group: the n-th that it issues on a stream meets
  /// the n-th of the others. Returns the meeting, or kAlone.
  std::int32_t join(std::uint32_t rank, int group, Stream stream, Seconds now);

  /// What a member would do at the end of a meeting if all did: the rest of a pass, at once.
  struct Proposal {
    std::int32_t crowd = kAlone;  ///< of together()
    std::uint32_t routine = 0;
    std::int64_t after = 0;  ///< the meeting's operation, counted from the first of the pass
    bool operator==(const Proposal&) const = default;
  };
  /// Its own part of the meeting has ended. A proposal of no crowd is none.
  void leave(std::int32_t meeting, Seconds now, const Proposal& proposal);
  /// When the last has come, or has ended; negative while it is not known.
  [[nodiscard]] Seconds start(std::int32_t meeting) const;
  [[nodiscard]] Seconds end(std::int32_t meeting) const;
  /// Whether all have ended, and have proposed the same.
  [[nodiscard]] bool agreed(std::int32_t meeting) const;

  /// Whether a rank meets others in one of the kinds of groups that `groups` names as bits.
  [[nodiscard]] bool meets(std::uint32_t rank, std::uint64_t groups) const {
    return (meeting_groups_[rank] & groups) != 0;
  }
  /// The crowd of ranks that `rank` meets in these kinds of groups, when it is the same in all;
  /// kAlone.
  [[nodiscard]] std::int32_t together(std::uint32_t rank, std::uint64_t groups) const;
  /// Its ranks, ascending.
  [[nodiscard]] const std::vector<std::uint32_t>& crowd(std::int32_t crowd) const {
    return crowds_[static_cast<std::size_t>(crowd)];
  }

  /// A rank that can start a pass, and waits for the others of a crowd to say the same.
  struct Start {
    std::size_t nth = static_cast<std::size_t>(-1);  ///< of its passes
    std::uint32_t routine = 0;
    std::int32_t message = -1;  ///< that starts at the same time
    Seconds at{};
    Seconds launched{};  ///< when its host has launched what is before
  };
  /// What has come of it: all start at once as `rest` says, or each by itself.
  enum class Gathering : std::uint8_t { Away, There, Together, Alone };
  void come(std::uint32_t rank, const Start& start);
  /// It does not: whoever waits for it in the crowd goes on alone.
  void stay_away(std::uint32_t rank, std::int32_t crowd, std::size_t nth);
  /// Whether one of them does.
  [[nodiscard]] bool away(std::int32_t crowd, std::size_t nth) const;
  /// Those of a crowd, in its order; none while one is not there.
  [[nodiscard]] std::vector<Start> starts(std::int32_t crowd) const;
  void decide(std::uint32_t rank, Gathering gathering, const RestProfile* rest = nullptr);
  [[nodiscard]] Gathering gathering(std::uint32_t rank) const { return gatherings_[rank].state; }
  [[nodiscard]] const RestProfile& rest(std::uint32_t rank) const {
    return *gatherings_[rank].rest;
  }

  /// Equal for crowds of as many ranks, on the same kinds of devices in the same order, who meet in
  /// the same kinds of groups.
  [[nodiscard]] std::int32_t likeness(std::int32_t crowd) const {
    return likenesses_[static_cast<std::size_t>(crowd)];
  }

  /// Collectives that a rank has issued for meetings, by kind of group and stream.
  using Issued = std::vector<std::int64_t>;
  [[nodiscard]] Issued issued(std::uint32_t rank) const;
  /// It has issued `more`, and so has everyone whom it meets in them.
  void skip(std::uint32_t rank, const Issued& more);

 private:
  struct Meeting {
    std::int32_t number = kAlone;
    int members = 0, to_come = 0, to_end = 0;
    Seconds start{}, end{};
    Proposal proposal;
    int proposing = 0;
  };
  /// What meets under one number on one stream.
  struct Series {
    std::vector<std::int64_t> totals;    // of those who take part: how many in the step
    std::vector<std::int32_t> meetings;  // that have begun
  };

  void wake_all(std::int32_t number);
  void find_crowds();
  void count_members(std::span<const Pass> passes);
  [[nodiscard]] std::vector<Issued> counts_of_routines() const;
  [[nodiscard]] std::int32_t number(std::uint32_t rank, std::size_t group) const;
  [[nodiscard]] Series& series(std::int32_t number, std::size_t stream) {
    return series_[static_cast<std::size_t>(number) * kStreamCount + stream];
  }

  struct Gathered {
    Gathering state = Gathering::Away;
    Start start;
    const RestProfile* rest = nullptr;
  };

  const Outline* outline_ = nullptr;
  std::size_t groups_ = 0;  // kinds
  std::vector<Output> outputs_;
  // Who waits for an output: the first, by pass, and after each the next one and the pass, by rank.
  std::vector<std::int32_t> first_waiting_, next_waiting_, waits_for_;
  std::vector<std::uint32_t> woken_;
  std::vector<std::uint64_t> meeting_groups_;  // by rank
  std::vector<Issued> issued_;                 // by rank
  std::vector<Gathered> gatherings_;           // by rank
  std::vector<Series> series_;                 // by number and stream
  std::vector<std::int32_t> crowd_of_;         // by number
  std::vector<std::vector<std::uint32_t>> crowds_;
  std::vector<std::int32_t> likenesses_;  // by crowd
  std::vector<Meeting> meetings_;
};

}  // namespace orrery
