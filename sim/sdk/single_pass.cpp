#include <orrery/sdk/single_pass.hpp>

#include <map>

namespace orrery {
namespace {

// What routines may depend on.
std::vector<int> key_of(const FoldedJob& job, int rank) {
  const JobLayout& layout = job.layout();
  std::vector<int> key = {layout.program(rank)};
  for (std::size_t kind = 0; kind < layout.groups.size(); ++kind) {
    key.push_back(layout.group(kind, rank).count > 1 ? job.links(kind, rank) : -1);
  }
  return key;
}

}  // namespace

void add_single_pass(const FoldedJob& job, Outline& outline, const SequenceBuilder& build) {
  std::map<std::vector<int>, std::uint32_t> known;
  for (std::size_t index = 0; index < job.classes().size(); ++index) {
    const int rank = job.classes()[index].rank;
    const auto [routine, added] = known.try_emplace(key_of(job, rank), 0U);
    if (added) {
      Sequence inner(outline);
      build(inner, rank);
      const std::uint32_t made = outline.add(inner.finish());
      Sequence outer(outline);
      outer.run(made);
      routine->second = outline.add(outer.finish());
    }
    outline.passes.push_back(
        {.rank = static_cast<std::uint32_t>(index), .routine = routine->second});
  }
}

}  // namespace orrery
