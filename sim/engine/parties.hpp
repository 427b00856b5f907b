#pragma once
/// Which ranks meet one another in passes that run collectives of some kinds of groups.

#include <cstdint>
#include <map>
#include <vector>

#include "engine/schedule.hpp"

namespace orrery {

/// Ranks that meet directly or through others.
struct Party {
  std::vector<std::uint32_t> members;  ///< ascending
  /// Who meets whom, the same for parties that are alike.
  std::vector<std::uint64_t> structure;
  std::uint32_t come = 0;  ///< members that wait for the others, for who counts them
};

class Parties {
 public:
  /// Keeps a reference.
  explicit Parties(const Schedule& schedule) : schedule_(schedule) {}

  /// The party of a rank in a pass; null where it is larger than kMost, or where its members do not
  /// issue as many collectives as one another. O(ranks) once for each set of kinds of groups.
  [[nodiscard]] Party* of(std::uint32_t rank, const PassOps& ops);

  static constexpr std::size_t kMost = 32;

 private:
  using Kinds = std::uint64_t;  // of groups, a bit for each

  struct Partition {
    std::vector<std::uint32_t> party;  // by rank; kNone
    std::vector<Party> parties;
  };
  [[nodiscard]] Partition partition(Kinds kinds) const;
  void add(std::vector<std::uint32_t> members, Kinds kinds, Partition& partition) const;
  [[nodiscard]] bool even(std::int32_t meeting) const;

  const Schedule& schedule_;
  std::map<Kinds, Partition> known_;
};

}  // namespace orrery
