#include "engine/outline_summary.hpp"

#include <algorithm>
#include <cmath>
#include <map>

#include "engine/outline_counts.hpp"

namespace orrery {
namespace {

// "tensor all-gather 50.33 MB"
std::string label_of(const CollectiveUse& use) {
  const std::string what =
      std::string(to_text(use.request.kind)) + " " + to_text(use.request.bytes);
  return *use.who == '\0' ? what : std::string(use.who) + " " + what;
}

}  // namespace

void summarise(const Outline& outline, const CostTable& costs, StepResult& result) {
  const OutlineCounts counter(outline);
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
