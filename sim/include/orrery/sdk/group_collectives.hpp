#pragma once
/// Collectives over the process groups of a job, for those who build outlines.

#include <map>
#include <tuple>

#include <orrery/sdk/folded_job.hpp>

namespace orrery {

/// Adds collectives to the tables of an outline. Requests that are equal, over equal links, share
/// one entry, which ranks of different classes refer to. Keeps references to the job and the
/// tables.
class GroupCollectives {
 public:
  GroupCollectives(const FoldedJob& job, WorkTables& tables) : job_(job), tables_(tables) {}

  [[nodiscard]] const FoldedJob& job() const { return job_; }
  /// The table index of a collective over the group of kind `kind` (an index into
  /// JobLayout::groups) that `rank` is in. The request's layout is filled in.
  std::uint32_t add(std::size_t kind, int rank, CollectiveRequest request);

 private:
  using Key = std::tuple<std::size_t, int, CollectiveKind, double, Dtype, double, bool>;

  const FoldedJob& job_;
  WorkTables& tables_;
  std::map<Key, std::uint32_t> known_;
};

}  // namespace orrery
