#include "engine/schedule_graph.hpp"

#include <algorithm>

namespace orrery {

namespace {

// Calls `edge(op, before)` for every dependency and for the order of each rank's streams.
template <class Edge>
void for_each_edge(const Program& program, Edge edge) {
  for (const auto& [op, before] : program.edges()) edge(op, before);
  const auto& ops = program.ops();
  std::vector<std::uint32_t> last(program.ranks * static_cast<std::size_t>(kStreamCount),
                                  ScheduleGraph::kNone);
  for (std::uint32_t op = 0; op < ops.size(); ++op) {
    auto& previous = last[ops[op].rank * static_cast<std::size_t>(kStreamCount) +
                          static_cast<std::size_t>(ops[op].stream)];
    if (previous != ScheduleGraph::kNone) edge(op, previous);
    previous = op;
  }
}

}  // namespace

ScheduleGraph::ScheduleGraph(const Program& program, bool with_chains) {
  count(program);
  fill(program);
  sort();
  if (with_chains) chain(program);
}

void ScheduleGraph::count(const Program& program) {
  first_.assign(program.ops().size() + 1, 0);
  waiting_.assign(program.ops().size(), 0);
  for_each_edge(program, [this](std::uint32_t op, std::uint32_t before) {
    ++first_[before + 1];
    ++waiting_[op];
  });
  for (std::size_t i = 1; i < first_.size(); ++i) first_[i] += first_[i - 1];
}

// While it fills, first_[op] is where the next successor of `op` goes: at the end that is where
// those of the next operation begin.
void ScheduleGraph::fill(const Program& program) {
  next_.resize(first_.back());
  for_each_edge(program,
                [this](std::uint32_t op, std::uint32_t before) { next_[first_[before]++] = op; });
  for (std::size_t i = first_.size() - 1; i > 0; --i) first_[i] = first_[i - 1];
  first_[0] = 0;
}

void ScheduleGraph::sort() {
  for (std::size_t op = 0; op + 1 < first_.size(); ++op) {
    const auto begin = next_.begin() + first_[op];
    const auto end = next_.begin() + first_[op + 1];
    if (end - begin > 1) std::sort(begin, end);
  }
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
