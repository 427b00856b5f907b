#pragma once
/// Ready counts over a program: explicit dependencies plus the order of each rank's streams.

#include <cstdint>
#include <span>
#include <vector>

#include <orrery/program.hpp>

namespace orrery {

class ScheduleGraph {
 public:
  /// O(operations + dependencies).
  explicit ScheduleGraph(const Program& program, bool with_chains = true);

  [[nodiscard]] bool ready(std::uint32_t op) const { return waiting_[op] == 0; }
  /// Operations that wait for `op`, in order of creation.
  [[nodiscard]] std::span<const std::uint32_t> successors(std::uint32_t op) const {
    return std::span(next_).subspan(first_[op], first_[op + 1] - first_[op]);
  }
  static constexpr std::uint32_t kNone = 0xffffffffU;
  /// The operation that follows `op` on the compute stream of its rank, when it waits for `op` only
  /// and nothing else waits for `op`: nothing can come between them. kNone where there is none.
  /// @pre with_chains
  [[nodiscard]] std::uint32_t chained(std::uint32_t op) const { return chained_[op]; }
  /// `op` has ended: calls `start(next)` for every operation that became ready, in order of
  /// creation.
  template <class Start>
  void complete(std::uint32_t op, Start start) {
    for (const std::uint32_t next : successors(op)) {
      if (--waiting_[next] == 0) start(next);
    }
  }

 private:
  void count(const Program& program);
  void fill(const Program& program);
  void sort();
  void chain(const Program& program);

  std::vector<std::uint32_t> first_;  // of each operation in next_, one more at the end
  std::vector<std::uint32_t> next_;
  std::vector<std::uint32_t> waiting_;
  std::vector<std::uint32_t> chained_;
};

}  // namespace orrery
