#pragma once
/// Passes that were simulated once, for others that begin alike: with nothing else to touch them,
/// those need not be simulated again.

#include <array>
#include <map>
#include <memory>
#include <span>
#include <vector>

#include <orrery/step_result.hpp>

#include "engine/power_trace.hpp"

namespace orrery {

/// Dates of a step are the same when they differ by no more than this share of the time since its
/// start, to which sums of some thousand times round.
inline constexpr double kSameDate = 1e-13;

/// What decides how the passes go of ranks that meet one another in them, and nobody else.
struct PartyStart {
  /// Of every rank its routine, the kind of its device, and the operations of earlier passes that
  /// are under way; and who meets whom.
  std::vector<std::uint64_t> what;
  /// How long ago they started, counted from the start of the last rank.
  std::vector<Seconds> when;
};

/// Of one rank, from the start of the last one.
struct PassTimeline {
  Seconds end{};         ///< of the pass
  Seconds last_start{};  ///< of its last operation on the compute stream
  Seconds launching{};   ///< host time for all its launches
  /// The host delays nothing when it has launched everything before until at most so long after the
  /// start of the pass.
  Seconds host_slack{};
  Tiles tiles{};  ///< of what had not ended when the last rank started
  std::vector<PowerUse> power;
};

/// The longest ways through the passes, at the cost of each operation alone, from what enters them
/// to the last operation of each rank and stream (max-plus algebra).
struct PassPaths {
  struct Enters {
    std::uint32_t member = 0;  ///< of the party
    std::uint32_t op = 0;      ///< that something outside the pass comes before
  };
  static constexpr Seconds kNoWay{-1e300};

  std::vector<Enters> enters;
  /// By member and stream, one more for the longest of all; then as `enters`.
  std::vector<Seconds> longest;

  static constexpr std::size_t kOutputs = kStreamCount + 1;
  [[nodiscard]] std::span<const Seconds> to(std::size_t member, std::size_t output) const {
    return std::span(longest).subspan((member * kOutputs + output) * enters.size(), enters.size());
  }
};

struct PartyTimeline {
  std::vector<PassTimeline> members;
  PassPaths paths;
};

class PassTimelines {
 public:
  /// Of a start that differs by rounding only, at `now`; null where none is known.
  [[nodiscard]] const PartyTimeline* find(const PartyStart& start, Seconds now) const;
  /// Whether passes with such a start, which is not known, are worth recording: not too many are
  /// known that differ in time, and recording has not failed too often.
  [[nodiscard]] bool wanted(const PartyStart& start) const;
  /// Kept as long as this is, unless it is known by now.
  void add(const PartyStart& start, std::unique_ptr<PartyTimeline> timeline, Seconds now);
  void fail(const PartyStart& start);

 private:
  struct Known {
    std::vector<Seconds> when;
    std::unique_ptr<PartyTimeline> timeline;
  };
  struct Alike {
    std::vector<Known> known;
    int failures = 0;
  };
  std::map<std::vector<std::uint64_t>, Alike> alike_;
};

}  // namespace orrery
