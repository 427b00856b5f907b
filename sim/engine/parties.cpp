#include "engine/parties.hpp"

#include <algorithm>
#include <numeric>

namespace orrery {
namespace {

constexpr int kMostKinds = 64;

bool has(std::uint64_t kinds, int group) { return (kinds >> group & 1) != 0; }

}  // namespace

Party* Parties::of(std::uint32_t rank, const PassOps& ops) {
  Kinds kinds = 0;
  for (const PassOps::Issued& issued : ops.issued()) {
    if (issued.group >= kMostKinds) return nullptr;
    kinds |= Kinds{1} << issued.group;
  }
  auto known = known_.find(kinds);
  if (known == known_.end()) known = known_.emplace(kinds, partition(kinds)).first;
  const std::uint32_t party = known->second.party[rank];
  return party == Schedule::kNone ? nullptr : &known->second.parties[party];
}

// By joining the sets of ranks that share a meeting (union-find).
Parties::Partition Parties::partition(Kinds kinds) const {
  const std::uint32_t ranks = schedule_.rank_count();
  std::vector<std::uint32_t> parent(ranks);
  std::iota(parent.begin(), parent.end(), 0U);
  const auto root = [&parent](std::uint32_t rank) {
    while (parent[rank] != rank) rank = parent[rank] = parent[parent[rank]];
    return rank;
  };
  std::vector<std::uint32_t> first(schedule_.meetings(), Schedule::kNone);  // rank of a meeting
  for (std::uint32_t rank = 0; rank < ranks; ++rank) {
    for (int group = 0; group < kMostKinds; ++group) {
      const std::int32_t meeting = has(kinds, group) ? schedule_.meeting(rank, group) : -1;
      if (meeting < 0) continue;
      std::uint32_t& other = first[static_cast<std::size_t>(meeting)];
      if (other == Schedule::kNone) other = rank;
      parent[root(rank)] = root(other);
    }
  }
  std::map<std::uint32_t, std::vector<std::uint32_t>> members;
  for (std::uint32_t rank = 0; rank < ranks; ++rank) members[root(rank)].push_back(rank);
  Partition result;
  result.party.assign(ranks, Schedule::kNone);
  for (auto& [unused, party] : members) {
    if (party.size() <= kMost) add(std::move(party), kinds, result);
  }
  return result;
}

void Parties::add(std::vector<std::uint32_t> members, Kinds kinds, Partition& partition) const {
  Party party;
  std::map<std::int32_t, std::uint64_t> numbers;  // meetings in the order in which they occur
  for (const std::uint32_t rank : members) {
    for (int group = 0; group < kMostKinds; ++group) {
      const std::int32_t meeting = has(kinds, group) ? schedule_.meeting(rank, group) : -1;
      if (meeting >= 0 && !even(meeting)) return;
      party.structure.push_back(
          meeting < 0 ? 0 : numbers.try_emplace(meeting, numbers.size() + 1).first->second);
    }
  }
  if (numbers.empty()) party.structure.clear();
  for (const std::uint32_t rank : members) {
    partition.party[rank] = static_cast<std::uint32_t>(partition.parties.size());
  }
  party.members = std::move(members);
  partition.parties.push_back(std::move(party));
}

bool Parties::even(std::int32_t meeting) const {
  for (int stream = 0; stream < kStreamCount; ++stream) {
    const auto& issued =
        schedule_.issued(static_cast<std::size_t>(meeting), static_cast<Stream>(stream));
    if (!issued.empty() && issued.front() != issued.back()) return false;
  }
  return true;
}

}  // namespace orrery
