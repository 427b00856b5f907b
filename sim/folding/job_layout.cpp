#include <orrery/sdk/job_layout.hpp>

#include <algorithm>
#include <cstdlib>

namespace orrery {

RankSpan group_of(const ProcessGroups& of, int rank, int ranks) {
  if (of.shape == ProcessGroups::Shape::Ring) {
    const int next = (rank + of.stride) % ranks;
    return {std::min(rank, next), of.count > 1 && next != rank ? 2 : 1,
            std::max(1, std::abs(next - rank))};
  }
  const int first = rank - rank / of.stride % of.count * of.stride;
  const bool whole = first + (of.count - 1) * of.stride < ranks;
  return whole ? RankSpan{first, of.count, of.stride} : RankSpan{rank, 1, 1};
}

}  // namespace orrery
