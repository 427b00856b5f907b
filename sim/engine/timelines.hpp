#pragma once
/// When the operations of a routine run, from one simulated run of it: an equal run with nothing
/// else under way on its rank need not be simulated again.

#include <map>
#include <vector>

#include "engine/cost_table.hpp"
#include "engine/schedule_graph.hpp"
#include "engine/tiling.hpp"

namespace orrery {

/// Of a routine alone on a rank. Times count from its first operation.
struct Timeline {
  std::vector<OpTime> ops;  ///< one per operation, in the order of the instance
  Seconds length{};
  Seconds launching{};  ///< host time that it takes to launch
  /// The host does not delay it when it has launched everything before until at most so long after
  /// its start.
  Seconds host_slack{};
};

class Timelines {
 public:
  static constexpr std::uint32_t kNone = 0xffffffffU;

  /// Keeps references. Without `coalesce` no instance is ever begun.
  Timelines(const Program& program, const ScheduleGraph& graph, const CostTable& costs,
            Seconds launch_time, bool coalesce = true);

  /// The instance that begins with operation `op` and that nothing can touch while it runs, if it
  /// starts with nothing else under way on its rank; or kNone.
  [[nodiscard]] std::uint32_t beginning_at(std::uint32_t op) const {
    return first_.empty() ? kNone : first_[op];
  }
  /// Null when it is not known.
  [[nodiscard]] const Timeline* find(std::uint32_t instance) const;
  /// Whether a run of the instance is worth recording: it is not known, and recording it has not
  /// failed too often.
  [[nodiscard]] bool wanted(std::uint32_t instance) const;
  /// The instance was started with nothing else under way on its rank, and now another operation
  /// starts there; `times` are those of all operations. Not kept when the instance has not ended or
  /// was delayed by the host.
  void record(std::uint32_t instance, const std::vector<OpTime>& times);

 private:
  using Key = std::pair<std::uint32_t, int>;  // routine, kind of device

  [[nodiscard]] Key key(std::uint32_t instance) const;
  void find_reachable();
  [[nodiscard]] std::uint32_t next_compute(std::uint32_t op) const;
  [[nodiscard]] std::vector<std::uint32_t> latest_compute() const;
  [[nodiscard]] std::uint32_t last_compute(const Program::Instance& run) const;
  [[nodiscard]] bool untouchable(const Program::Instance& run,
                                 const std::vector<std::uint32_t>& latest) const;

  const Program& program_;
  const ScheduleGraph& graph_;
  const CostTable& costs_;
  Seconds launch_time_;
  std::vector<std::uint32_t> first_;  // by operation
  std::vector<bool> reachable_;       // by rank: others may start something beside its compute
  std::map<Key, Timeline> known_;
  std::map<Key, int> failures_;
};

}  // namespace orrery
