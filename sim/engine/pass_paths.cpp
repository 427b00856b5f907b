#include "engine/pass_paths.hpp"

#include <algorithm>
#include <map>

#include <orrery/error.hpp>

namespace orrery {
namespace {

using Ways = std::vector<Seconds>;  // the longest, by what enters

void merge(Ways& into, const Ways& from) {
  for (std::size_t i = 0; i < into.size(); ++i) into[i] = max(into[i], from[i]);
}

// Visits operations in an order in which each comes after those that it waits for.
class LongestPaths {
 public:
  LongestPaths(const std::vector<PartyPass>& passes, const Schedule& schedule,
               const CostTable& costs)
      : passes_(passes), schedule_(schedule), costs_(costs) {}

  PassPaths run() {
    for (std::uint32_t member = 0; member < passes_.size(); ++member) {
      for (const std::uint32_t op : entering(*passes_[member].ops)) {
        paths_.enters.push_back({member, op});
      }
    }
    const std::size_t ways = paths_.enters.size();
    paths_.longest.assign(passes_.size() * PassPaths::kOutputs * ways, PassPaths::kNoWay);
    for (const PartyPass& pass : passes_) {
      starts_.emplace_back(pass.ops->own(), Ways(ways, PassPaths::kNoWay));
      std::vector<std::uint32_t>& waits = waits_.emplace_back();
      for (std::uint32_t op = 0; op < pass.ops->own(); ++op) waits.push_back(pass.ops->waits(op));
    }
    for (std::size_t i = 0; i < ways; ++i) {
      starts_[paths_.enters[i].member][paths_.enters[i].op][i] = Seconds(0);
    }
    visit_all();
    return std::move(paths_);
  }

 private:
  struct At {
    std::uint32_t member;
    std::uint32_t op;
  };

  void visit_all() {
    std::size_t left = 0;
    for (std::uint32_t member = 0; member < passes_.size(); ++member) {
      left += waits_[member].size();
      for (std::uint32_t op = 0; op < waits_[member].size(); ++op) {
        if (waits_[member][op] == 0) start({member, op});
      }
    }
    for (; !started_.empty(); --left) {
      const At at = started_.back();
      started_.pop_back();
      end(at);
    }
    ORRERY_CHECK(left == 0);
  }

  // A collective that meets others goes on when all have come.
  void start(At at) {
    const Op& op = passes_[at.member].ops->ops()[at.op];
    const std::uint32_t rank = passes_[at.member].rank;
    const std::int32_t meeting =
        op.kind == Op::Kind::Collective
            ? schedule_.meeting(rank, schedule_.tables().collectives[op.work].group)
            : -1;
    if (meeting < 0) {
      started_.push_back(at);
      return;
    }
    std::vector<At>& come = come_[{meeting, op.stream}];
    come.push_back(at);
    if (come.size() < schedule_.issued(static_cast<std::size_t>(meeting), op.stream).size()) return;
    Ways all = starts_[at.member][at.op];
    for (const At& one : come) merge(all, starts_[one.member][one.op]);
    for (const At& one : come) starts_[one.member][one.op] = all;
    started_.insert(started_.end(), come.begin(), come.end());
    come.clear();
  }

  void end(At at) {
    const PassOps& ops = *passes_[at.member].ops;
    const Op& op = ops.ops()[at.op];
    const Seconds time = time_of(op, schedule_.ranks()[passes_[at.member].rank].kind);
    Ways ends = std::move(starts_[at.member][at.op]);
    for (Seconds& way : ends) way += time;
    longest(at.member, kStreamCount, ends, false);
    // Streams run in order: the last is what stays.
    longest(at.member, static_cast<std::size_t>(op.stream), ends, true);
    for (const std::uint32_t next : ops.successors(at.op)) {
      if (next >= ops.own()) continue;
      merge(starts_[at.member][next], ends);
      if (--waits_[at.member][next] == 0) start({at.member, next});
    }
  }

  void longest(std::size_t member, std::size_t output, const Ways& ends, bool replace) {
    const std::size_t first = (member * PassPaths::kOutputs + output) * ends.size();
    for (std::size_t i = 0; i < ends.size(); ++i) {
      Seconds& way = paths_.longest[first + i];
      way = replace ? ends[i] : max(way, ends[i]);
    }
  }

  [[nodiscard]] Seconds time_of(const Op& op, int kind) const {
    if (op.kind == Op::Kind::Host) return schedule_.tables().host_times[op.work];
    if (op.kind == Op::Kind::Compute) return costs_.block(op.work, kind).time;
    return costs_.collective(op.work).time();
  }

  const std::vector<PartyPass>& passes_;
  const Schedule& schedule_;
  const CostTable& costs_;
  PassPaths paths_;
  std::vector<std::vector<std::uint32_t>> waits_;  // by member and operation
  std::vector<std::vector<Ways>> starts_;
  std::map<std::pair<std::int32_t, Stream>, std::vector<At>> come_;
  std::vector<At> started_;
};

}  // namespace

std::vector<std::uint32_t> entering(const PassOps& ops) {
  std::vector<std::uint32_t> result = ops.gates();
  result.insert(result.end(), ops.entries().begin(), ops.entries().end());
  for (int stream = 0; stream < kStreamCount; ++stream) {
    const std::uint32_t first = ops.first(static_cast<Stream>(stream));
    if (first < ops.own()) result.push_back(first);
  }
  std::sort(result.begin(), result.end());
  result.erase(std::unique(result.begin(), result.end()), result.end());
  return result;
}

PassPaths longest_paths(const std::vector<PartyPass>& passes, const Schedule& schedule,
                        const CostTable& costs) {
  return LongestPaths(passes, schedule, costs).run();
}

}  // namespace orrery
