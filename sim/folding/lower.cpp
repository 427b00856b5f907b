#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include <orrery/error.hpp>
#include <orrery/workload.hpp>

namespace orrery {
namespace {

// The ranks on every kind of device are those of the job: no device counts twice, none is left out.
void check_weights(const FoldedJob& job, const Outline& outline) {
  if (outline.ranks.size() != job.classes().size()) {
    throw InternalError(fmt::format("the outline has {} ranks for {} classes of ranks",
                                    outline.ranks.size(), job.classes().size()));
  }
  const std::vector<double> expected = job.ranks_by_kind();
  std::vector<double> found(expected.size());
  for (const RepresentedRank& rank : outline.ranks) {
    ORRERY_CHECK(rank.kind >= 0 && static_cast<std::size_t>(rank.kind) < found.size());
    found[static_cast<std::size_t>(rank.kind)] += rank.weight;
  }
  for (std::size_t kind = 0; kind < expected.size(); ++kind) {
    if (found[kind] == expected[kind]) continue;
    throw InternalError(fmt::format(
        "the represented ranks stand for {} devices of kind {} ({}); the job has {} of them",
        found[kind], kind, job.platform().kinds()[kind].accelerator->name(), expected[kind]));
  }
}

}  // namespace

LoweredWorkload Workload::lower(const Platform& platform, const LowerOptions& options) const {
  if (std::optional<LoweredWorkload> placed = place(platform)) return std::move(*placed);
  const FoldedJob job(platform, layout(platform), options.fold);
  LoweredWorkload lowered = build(job, options);
  if (lowered.outline.ranks.empty()) lowered.outline.ranks = job.represented();
  check_weights(job, lowered.outline);
  lowered.others = job.layout().others;
  lowered.work.devices = job.layout().ranks;
  lowered.work.device_list = job.layout().devices;
  std::sort(lowered.work.device_list.begin(), lowered.work.device_list.end());
  return lowered;
}

}  // namespace orrery
