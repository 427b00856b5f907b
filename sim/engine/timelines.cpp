#include "engine/timelines.hpp"

#include <algorithm>
#include <set>
#include <utility>

namespace orrery {
namespace {

constexpr int kMostFailures = 8;

}  // namespace

Timelines::Timelines(const Program& program, const ScheduleGraph& graph, const CostTable& costs,
                     Seconds launch_time, bool coalesce)
    : program_(program),
      graph_(graph),
      costs_(costs),
      launch_time_(launch_time),
      reachable_(program.ranks) {
  if (!coalesce || program.instances.empty()) return;
  find_reachable();
  const std::vector<std::uint32_t> latest = latest_compute();
  first_.assign(program.ops().size(), kNone);
  for (std::uint32_t i = 0; i < program.instances.size(); ++i) {
    if (untouchable(program.instances[i], latest)) first_[program.instances[i].first] = i;
  }
}

// Of what each operation waits for on the compute stream of its rank, the last; 0 for nothing.
std::vector<std::uint32_t> Timelines::latest_compute() const {
  std::vector<std::uint32_t> latest(program_.ops().size());
  for (const auto& edge : program_.edges()) {
    const Op& before = program_.ops()[edge.before];
    if (before.stream != Stream::Compute || before.rank != program_.ops()[edge.op].rank) continue;
    latest[edge.op] = std::max(latest[edge.op], edge.before);
  }
  std::vector<std::uint32_t> previous(program_.ranks);
  for (std::uint32_t op = 0; op < program_.ops().size(); ++op) {
    if (program_.ops()[op].stream != Stream::Compute) continue;
    latest[op] = std::max(latest[op], std::exchange(previous[program_.ops()[op].rank], op));
  }
  return latest;
}

std::uint32_t Timelines::last_compute(const Program::Instance& run) const {
  std::uint32_t op = run.first + run.count - 1;
  while (program_.ops()[op].stream != Stream::Compute) --op;
  return op;
}

// Others can neither start something beside it nor make it wait, and nothing that waits for a part
// of it starts before its end.
bool Timelines::untouchable(const Program::Instance& run,
                            const std::vector<std::uint32_t>& latest) const {
  if (reachable_[program_.ops()[run.first].rank]) return false;
  const std::uint32_t last = last_compute(run);
  // Nothing of it may start before its first kernels: communication that opens it starts with them.
  const std::uint32_t first = next_compute(run.first);
  for (std::uint32_t op = run.first; op < run.first + run.count; ++op) {
    if (op == first) continue;
    if (latest[op] == 0 || latest[op] < latest[first]) return false;
    if (op < first && latest[op] != latest[first]) return false;
  }
  for (std::uint32_t op = run.first; op < run.first + run.count; ++op) {
    if (program_.ops()[op].meeting >= 0) return false;
    // The host is waited for at the first operation only.
    if (op != run.first && program_.ops()[op].host_sync) return false;
    for (const std::uint32_t next : graph_.successors(op)) {
      const bool inside = next >= run.first && next < run.first + run.count;
      if (op != last && !inside && latest[next] < last) return false;
    }
  }
  return true;
}

// Communication that waits for another rank could start at any time, unless the kernels after it
// wait for the same.
void Timelines::find_reachable() {
  std::set<std::pair<std::uint32_t, std::uint32_t>> arrivals;  // compute operation, before
  for (const bool compute : {true, false}) {
    for (const auto& edge : program_.edges()) {
      const Op& op = program_.ops()[edge.op];
      const bool outside = program_.ops()[edge.before].rank != op.rank;
      if (!outside || (op.stream == Stream::Compute) != compute) continue;
      if (compute) {
        arrivals.emplace(edge.op, edge.before);
      } else if (!arrivals.contains({next_compute(edge.op), edge.before})) {
        reachable_[op.rank] = true;
      }
    }
  }
}

// The first operation on the compute stream of its rank that was created after `op`.
std::uint32_t Timelines::next_compute(std::uint32_t op) const {
  const std::uint32_t rank = program_.ops()[op].rank;
  const auto count = static_cast<std::uint32_t>(program_.ops().size());
  while (op < count &&
         (program_.ops()[op].rank != rank || program_.ops()[op].stream != Stream::Compute)) {
    ++op;
  }
  return op;
}

Timelines::Key Timelines::key(std::uint32_t instance) const {
  const Program::Instance& run = program_.instances[instance];
  return {run.routine, program_.kind(program_.ops()[run.first].rank)};
}

const Timeline* Timelines::find(std::uint32_t instance) const {
  const auto found = known_.find(key(instance));
  return found == known_.end() ? nullptr : &found->second;
}

bool Timelines::wanted(std::uint32_t instance) const {
  const auto failed = failures_.find(key(instance));
  return find(instance) == nullptr && (failed == failures_.end() || failed->second < kMostFailures);
}

void Timelines::record(std::uint32_t instance, const std::vector<OpTime>& times) {
  const Program::Instance& run = program_.instances[instance];
  const Seconds start = times[run.first].start;
  Timeline line;
  line.length = times[last_compute(run)].end - start;
  line.host_slack = line.length;
  for (std::uint32_t op = run.first; op < run.first + run.count; ++op) {
    const Op& of = program_.ops()[op];
    const OpTime time{.start = times[op].start - start, .end = times[op].end - start};
    const bool closed = times[op].end >= Seconds(0) && time.end <= line.length;
    if (!closed || times[op].host > Seconds(0)) {
      ++failures_[key(instance)];
      return;
    }
    if (of.kind == Op::Kind::Compute) {
      line.launching += launch_time_ * costs_.block(of.work, program_.kind(of.rank)).launches;
      line.host_slack = min(line.host_slack, time.end - line.launching);
    } else if (of.kind == Op::Kind::Collective) {
      line.launching += launch_time_;
    }
    line.ops.push_back(time);
  }
  known_.emplace(key(instance), std::move(line));
}

}  // namespace orrery
