#pragma once
/// What is left of a pass from one of its operations on, gone through once.

#include <array>
#include <cstdint>
#include <map>
#include <unordered_map>
#include <vector>

#include "engine/routine_profile.hpp"
#include "engine/step_exchange.hpp"

namespace orrery {

/// The rest of a pass with nothing of other passes beside it but what is named.
struct RestProfile {
  RoutineProfile left;  ///< to the end of its last operation on Compute
  /// The next operation of each stream at its start, counted from the first of the pass; beyond
  /// the last of the routine for what is of later passes.
  std::array<std::int64_t, kStreamCount> next{};
  Seconds message_end{};     ///< of a message that started when the rest did
  StepExchange::Issued met;  ///< collectives for meetings that it issues
};

/// Rests of the passes of an outline, by kind of device or by who meets. Each is gone through when
/// it is asked for first, which takes no longer than the same operations take in the step.
class RestProfiles {
 public:
  /// Keeps references; `kinds` by kind of device.
  RestProfiles(const Outline& outline, std::vector<RoutineProfiles>& kinds)
      : outline_(outline), kinds_(kinds) {}

  /// Of a routine from its operation at `position`, counted from its first, with nothing under way;
  /// null where something goes on after it.
  [[nodiscard]] const RestProfile* from(int kind, std::uint32_t routine, std::int64_t position);
  /// Of a whole routine that starts with a message, which ends before it.
  [[nodiscard]] const RestProfile* beside(int kind, std::uint32_t routine, std::uint32_t message);
  /// Of a routine from the end of a meeting of a crowd at `position`, for one of them, when all go
  /// on together and meet nobody else.
  [[nodiscard]] const RestProfile* together(const StepExchange& exchange, std::uint32_t rank,
                                            const StepExchange::Proposal& from);
  /// Of one routine by all of a crowd, in its order, whose starts differ as they do; null as above.
  /// To 2^-40 s: a crowd that keeps pace differs by the same, but for rounding.
  [[nodiscard]] const std::vector<RestProfile>* gathered(
      const StepExchange& exchange, std::int32_t crowd,
      const std::vector<StepExchange::Start>& starts);

 private:
  enum class What : std::uint8_t { From, Beside, Together };
  struct Key {
    What what = What::From;
    int of = 0;  // kind of device, or likeness of the crowd
    std::uint32_t routine = 0;
    std::int64_t position = 0;  // or message
    bool operator==(const Key&) const = default;
  };
  struct Hash {
    std::size_t operator()(const Key& key) const;
  };
  using Rest = std::vector<RestProfile>;  // of a crowd, in its order; empty where there is none
  // A rank at the start of a rest.
  struct Place {
    std::uint32_t rank = 0;
    std::uint32_t routine = 0;
    std::int64_t position = 0;
    bool after = false;  // the operation there has ended
    std::int32_t message = -1;
    Seconds start{};
  };

  [[nodiscard]] Rest alone(int kind, const Place& place);
  [[nodiscard]] Rest together(const std::vector<Place>& places);
  [[nodiscard]] static Rest measured(std::vector<RankTimeline>& lines,
                                     const std::vector<Place>& places, StepExchange& exchange);

  const Outline& outline_;
  std::vector<RoutineProfiles>& kinds_;
  std::unordered_map<Key, Rest, Hash> known_;
  std::map<std::vector<std::int64_t>, Rest> gathered_;
};

}  // namespace orrery
