#include <orrery/error.hpp>

#include "engine/executor.hpp"
#include "engine/schedule_graph.hpp"

namespace orrery {
namespace {

// Walks the operations in an order in which what they wait for comes first. Those of a meeting
// start together.
class Walk {
 public:
  Walk(const Program& program, const CostTable& costs)
      : program_(program),
        costs_(costs),
        graph_(program),
        ready_(program.ops().size()),
        to_come_(program.meetings.size()) {
    for (std::size_t i = 0; i < to_come_.size(); ++i) to_come_[i] = program.meetings[i].size();
  }

  Seconds longest() {
    for (std::uint32_t op = 0; op < program_.ops().size(); ++op) {
      if (graph_.ready(op)) queue_.push_back(op);
    }
    for (std::size_t head = 0; head < queue_.size(); ++head) arrive(queue_[head]);
    if (ended_ != program_.ops().size()) {
      throw SimulationError("the step's operations wait for one another in a cycle");
    }
    return longest_;
  }

 private:
  void arrive(std::uint32_t index) {
    const std::int32_t meeting = program_.ops()[index].meeting;
    if (meeting < 0) {
      end(index, ready_[index]);
      return;
    }
    const auto at = static_cast<std::size_t>(meeting);
    if (--to_come_[at] > 0) return;
    Seconds start{};
    for (const std::uint32_t member : program_.meetings[at]) start = max(start, ready_[member]);
    for (const std::uint32_t member : program_.meetings[at]) end(member, start);
  }

  void end(std::uint32_t index, Seconds start) {
    const Seconds at = start + time_of(program_.ops()[index]);
    longest_ = max(longest_, at);
    ++ended_;
    for (const std::uint32_t next : graph_.successors(index)) ready_[next] = max(ready_[next], at);
    graph_.complete(index, [&](std::uint32_t next) { queue_.push_back(next); });
  }

  [[nodiscard]] Seconds time_of(const Op& op) const {
    switch (op.kind) {
      case Op::Kind::Compute:
        return costs_.block(op.work, program_.kind(op.rank)).time;
      case Op::Kind::Collective:
        return costs_.collective(op.work).time();
      case Op::Kind::Host:
        return program_.host_times[op.work];
    }
    return Seconds(0);
  }

  const Program& program_;
  const CostTable& costs_;
  ScheduleGraph graph_;
  std::vector<Seconds> ready_;
  std::vector<std::size_t> to_come_;  // to each meeting
  std::vector<std::uint32_t> queue_;
  Seconds longest_{};
  std::size_t ended_ = 0;
};

}  // namespace

Seconds critical_path(const Program& program, const CostTable& costs) {
  return Walk(program, costs).longest();
}

}  // namespace orrery
