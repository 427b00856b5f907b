#include "engine/schedule_graph.hpp"

#include <algorithm>
#include <limits>

namespace orrery {

ScheduleGraph::ScheduleGraph(const Program& program) {
  const auto& ops = program.ops();
  std::vector<Program::Edge> edges = program.edges();
  constexpr auto none = std::numeric_limits<std::uint32_t>::max();
  std::vector<std::uint32_t> last(program.ranks * static_cast<std::size_t>(kStreamCount), none);
  for (std::uint32_t op = 0; op < ops.size(); ++op) {
    auto& previous = last[ops[op].rank * static_cast<std::size_t>(kStreamCount) +
                          static_cast<std::size_t>(ops[op].stream)];
    if (previous != none) edges.push_back({op, previous});
    previous = op;
  }
  first_.assign(ops.size() + 1, 0);
  waiting_.assign(ops.size(), 0);
  for (const auto& edge : edges) ++first_[edge.before + 1];
  for (std::size_t i = 1; i < first_.size(); ++i) first_[i] += first_[i - 1];
  next_.resize(edges.size());
  std::vector<std::uint32_t> cursor(first_.begin(), first_.end() - 1);
  for (const auto& edge : edges) {
    next_[cursor[edge.before]++] = edge.op;
    ++waiting_[edge.op];
  }
  for (std::size_t op = 0; op < ops.size(); ++op) {
    std::sort(next_.begin() + first_[op], next_.begin() + first_[op + 1]);
  }
  chain(program);
}

void ScheduleGraph::chain(const Program& program) {
  const auto& ops = program.ops();
  chained_.assign(ops.size(), kNone);
  for (std::uint32_t op = 0; op < ops.size(); ++op) {
    const auto after = successors(op);
    if (after.empty() || after.front() != after.back() || ops[op].meeting >= 0) continue;
    const Op& next = ops[after.front()];
    const bool alone = waiting_[after.front()] == after.size();  // it waits for `op` only
    const bool follows = next.rank == ops[op].rank && ops[op].stream == Stream::Compute &&
                         next.stream == Stream::Compute;
    if (alone && follows && next.meeting < 0 && !next.host_sync) chained_[op] = after.front();
  }
}

}  // namespace orrery
