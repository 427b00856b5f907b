#include "engine/outline_summary.hpp"

#include <algorithm>
#include <cmath>
#include <map>

namespace orrery {
namespace {

// How often every rank runs every routine and issues every message.
class Counter {
 public:
  explicit Counter(const Outline& outline)
      : outline_(outline),
        routines_(outline.ranks.size(), std::vector<double>(outline.routines.size())),
        collectives_(outline.ranks.size(), std::vector<double>(outline.collectives.size())),
        blocks_(outline.ranks.size(), std::vector<double>(outline.blocks.size())) {
    std::int32_t last = 0;
    for (const Pass& pass : outline.passes) last = std::max(last, pass.microbatch);
    for (const Pass& pass : outline.passes) {
      // Those that are left out repeat the period before the last microbatch.
      const bool repeats = pass.microbatch < last && pass.microbatch >= last - outline.period;
      const double times =
          1 + (repeats ? static_cast<double>(outline.microbatches_left_out) / outline.period : 0);
      routines_[pass.rank][pass.routine] += times;
      if (pass.message >= 0) {
        collectives_[pass.rank][static_cast<std::size_t>(pass.message)] += times;
      }
    }
    for (std::size_t rank = 0; rank < routines_.size(); ++rank) count_steps(rank);
  }

  [[nodiscard]] double block(std::size_t rank, std::size_t index) const {
    return blocks_[rank][index];
  }
  [[nodiscard]] double collective(std::size_t rank, std::size_t index) const {
    return collectives_[rank][index];
  }
  /// The most that one rank issues.
  [[nodiscard]] double most(std::size_t collective) const {
    double result = 0;
    for (const auto& of_rank : collectives_) result = std::max(result, of_rank[collective]);
    return result;
  }

 private:
  // Routines come after those that they run: from the last to the first, callers are counted first.
  void count_steps(std::size_t rank) {
    for (std::size_t i = outline_.routines.size(); i-- > 0;) {
      const double times = routines_[rank][i];
      if (times == 0) continue;
      for (const Step& step : outline_.routines[i].steps) {
        if (step.call >= 0) {
          routines_[rank][static_cast<std::size_t>(step.call)] += times * step.repeat;
        } else if (step.op.kind == Op::Kind::Collective) {
          collectives_[rank][step.op.work] += times;
        } else if (step.op.kind == Op::Kind::Compute) {
          blocks_[rank][step.op.work] += times;
        }
      }
    }
  }

  const Outline& outline_;
  std::vector<std::vector<double>> routines_, collectives_, blocks_;  // by rank
};

// "tensor all-gather 50.33 MB"
std::string label_of(const CollectiveUse& use) {
  const std::string what =
      std::string(to_text(use.request.kind)) + " " + to_text(use.request.bytes);
  return *use.who == '\0' ? what : std::string(use.who) + " " + what;
}

}  // namespace

void summarise(const Outline& outline, const CostTable& costs, StepResult& result) {
  const Counter counter(outline);
  Seconds gemm{}, attention{}, memory{};
  double weights = 0;
  for (std::size_t rank = 0; rank < outline.ranks.size(); ++rank) {
    const RepresentedRank& of = outline.ranks[rank];
    weights += of.weight;
    for (std::uint32_t i = 0; i < outline.blocks.size(); ++i) {
      const BlockCost& cost = costs.block(i, of.kind);
      const double times = of.weight * counter.block(rank, i);
      gemm += cost.gemm * times;
      attention += cost.attention * times;
      memory += (cost.time - cost.gemm - cost.attention) * times;
    }
  }
  result.kernel_time = {{"matrix multiply", gemm / weights},
                        {"fused attention", attention / weights},
                        {"memory-bound", memory / weights}};
  // Equal collectives over different links are one line; the rank that issues most of them counts.
  std::map<std::string, CollectiveSummary> known;
  std::map<std::string, std::vector<double>> issued;  // by rank
  for (std::uint32_t i = 0; i < outline.collectives.size(); ++i) {
    if (counter.most(i) == 0) continue;  // asked for, but never issued
    const CollectiveCost& cost = costs.collective(i);
    const std::string label = label_of(outline.collectives[i]);
    const std::string key = label + cost.algorithm + cost.protocol;
    std::vector<double>& counts = issued[key];
    counts.resize(outline.ranks.size());
    for (std::size_t rank = 0; rank < counts.size(); ++rank) {
      counts[rank] += counter.collective(rank, i);
    }
    CollectiveSummary line{.label = label,
                           .algorithm = cost.algorithm,
                           .protocol = cost.protocol,
                           .count = 0,
                           .alone = cost.time()};
    known.emplace(key, std::move(line));
  }
  for (auto& [key, line] : known) {
    const std::vector<double>& counts = issued.at(key);
    line.count = static_cast<int>(std::lround(*std::max_element(counts.begin(), counts.end())));
  }
  for (const auto& entry : known) result.collectives.push_back(entry.second);
}

}  // namespace orrery
