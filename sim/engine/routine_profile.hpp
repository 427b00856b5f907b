#pragma once
/// What a routine costs alone on a device, in closed form.

#include <array>
#include <vector>

#include <orrery/step_result.hpp>

#include "engine/cost_table.hpp"
#include "engine/outline_index.hpp"
#include "engine/rank_traffic.hpp"

namespace orrery {

/// Index into Tiles.
inline std::size_t at(Tile tile) { return static_cast<std::size_t>(tile); }

/// Times of a routine with nothing else under way on its rank. They add up for routines in a row.
struct RoutineProfile {
  Seconds time{};
  Seconds launching{};  ///< host time for its launches
  /// The routine is delayed when the host is later than so much before its start: the greatest
  /// excess of launches over kernels up to any of its operations (max-plus algebra).
  Seconds host_excess{-1e30};
  Tiles tiles{};           ///< sum to `time`
  bool closed = true;      ///< nothing goes on beside it after its end, and it waits for nothing
  bool sequential = true;  ///< nothing goes on beside it at all: a late host only moves its end

  /// This, then `next`.
  void append(const RoutineProfile& next);
  /// This, `times` times over.
  [[nodiscard]] RoutineProfile repeated(std::uint32_t times) const;
};

class RankTimeline;
/// Of a line that has been measured to its end.
RoutineProfile profile_of(const RankTimeline& line);

/// Profiles of the routines of an outline on one kind of device, each made at its first use.
class RoutineProfiles {
 public:
  /// Keeps references.
  RoutineProfiles(const OutlineIndex& index, const CostTable& costs, const LinkSlots& links,
                  Seconds launch_time, int kind);

  [[nodiscard]] const RoutineProfile& of(std::uint32_t routine);
  /// Of an operation that holds the compute stream.
  [[nodiscard]] RoutineProfile of(const Op& op) const;

  [[nodiscard]] const BlockCost& block(std::uint32_t index) const {
    return costs_.block(index, kind_);
  }
  /// How much slower a block runs beside what a rank communicates; at least 1.
  [[nodiscard]] double slowdown(std::uint32_t block, int multiprocessors, BytesPerSecond memory);
  [[nodiscard]] const OutlineIndex& index() const { return index_; }
  [[nodiscard]] const CostTable& costs() const { return costs_; }
  [[nodiscard]] const LinkSlots& links() const { return links_; }
  [[nodiscard]] int kind() const { return kind_; }
  [[nodiscard]] Seconds launch_time() const { return launch_time_; }

 private:
  [[nodiscard]] RoutineProfile profile(std::uint32_t routine);

  struct Slowdown {
    int multiprocessors = 0;
    BytesPerSecond memory{};
    double factor = 1;
  };
  using Slowdowns = std::array<Slowdown, 4>;  // the last that were asked for
  const OutlineIndex& index_;
  const CostTable& costs_;
  const LinkSlots& links_;
  Seconds launch_time_;
  int kind_;
  std::vector<RoutineProfile> profiles_;
  std::vector<bool> known_;
  std::vector<Slowdowns> slowdowns_;  // by block
};

}  // namespace orrery
