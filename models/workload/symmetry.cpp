#include "workload/symmetry.hpp"

#include <map>
#include <set>

namespace orrery::workload {
namespace {

using Colour = std::uint64_t;

// SplitMix64 (Steele et al. 2014): sums of it over a group do not depend on the order of members.
Colour mix(Colour value) {
  value += 0x9e3779b97f4a7c15ULL;
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9ULL;
  value = (value ^ (value >> 27)) * 0x94d049bb133111ebULL;
  return value ^ (value >> 31);
}

Colour combine(Colour a, Colour b) { return mix(a ^ mix(b)); }

std::size_t at(int index) { return static_cast<std::size_t>(index); }

// Ranks of one stage are translates of one another: their groups cut servers in the same places.
bool aligned(const Groups& groups, const Platform& platform) {
  const int server = platform.devices_per_server();
  const auto fits = [server](int size) { return server % size == 0 || size % server == 0; };
  const GroupSpan tensor = groups.span(GroupKind::Tensor, 0);
  const GroupSpan context = groups.span(GroupKind::Context, 0);
  const GroupSpan expert = groups.span(GroupKind::Expert, 0);
  return fits(tensor.count) && fits(expert.count * expert.stride) &&
         fits(tensor.count * context.count) && fits(groups.devices_per_stage());
}

// What is known of a rank before its neighbours are looked at.
Colour first_colour(Groups& groups, const Platform& platform, int rank) {
  Colour colour = combine(static_cast<Colour>(groups.stage_of(rank)),
                          static_cast<Colour>(platform.condition(rank)));
  for (const GroupKind kind : groups.meeting()) {
    if (groups.span(kind, rank).count == 1) continue;
    colour = combine(colour, static_cast<Colour>(groups.layout(kind, rank)));
  }
  if (groups.span(GroupKind::NextStage, rank).count > 1) {
    colour = combine(colour, static_cast<Colour>(groups.layout(GroupKind::NextStage, rank)));
  }
  return colour;
}

std::size_t distinct(const std::vector<Colour>& colours) {
  return std::set<Colour>(colours.begin(), colours.end()).size();
}

// The colours of a rank's neighbours go into its own: of a group the sum, of stages their order.
std::vector<Colour> refined(const Groups& groups, const std::vector<Colour>& colours) {
  const int ranks = static_cast<int>(colours.size());
  std::vector<Colour> next = colours;
  std::vector<Colour> sum(colours.size());
  for (const GroupKind kind : groups.meeting()) {
    for (int rank = 0; rank < ranks; ++rank) {
      const GroupSpan group = groups.span(kind, rank);
      if (group.first == rank) {
        Colour all = 0;
        for (int i = 0; i < group.count; ++i) all += mix(colours[at(rank + i * group.stride)]);
        sum[at(rank)] = all;
      }
    }
    for (int rank = 0; rank < ranks; ++rank) {
      next[at(rank)] = combine(next[at(rank)], sum[at(groups.span(kind, rank).first)]);
    }
  }
  const int per_stage = groups.devices_per_stage();
  for (int rank = 0; rank < ranks; ++rank) {
    const Colour after = colours[at((rank + per_stage) % ranks)];
    const Colour before = colours[at((rank + ranks - per_stage) % ranks)];
    next[at(rank)] = combine(next[at(rank)], combine(after, mix(before)));
  }
  return next;
}

}  // namespace

Symmetry::Symmetry(Groups& groups, const Platform& platform, bool fold) {
  const int ranks = groups.devices();
  if (fold && !(platform.uniform() && aligned(groups, platform))) {
    refine(groups, platform);
    return;
  }
  stages_ = fold;
  ranks_per_class_ = fold ? groups.devices_per_stage() : 1;
  for (int rank = 0; rank < ranks; rank += ranks_per_class_) {
    classes_.push_back({.rank = rank, .weight = ranks_per_class_});
  }
}

void Symmetry::refine(Groups& groups, const Platform& platform) {
  std::vector<Colour> colours;
  for (int rank = 0; rank < groups.devices(); ++rank) {
    colours.push_back(first_colour(groups, platform, rank));
  }
  for (std::size_t before = 0, now = distinct(colours); now > before;) {
    colours = refined(groups, colours);
    before = now;
    now = distinct(colours);
  }
  number(colours);
}

void Symmetry::number(const std::vector<std::uint64_t>& colours) {
  std::map<Colour, int> known;
  for (int rank = 0; rank < static_cast<int>(colours.size()); ++rank) {
    const auto [entry, added] = known.emplace(colours[at(rank)], static_cast<int>(classes_.size()));
    if (added) classes_.push_back({.rank = rank, .weight = 0});
    ++classes_[at(entry->second)].weight;
    class_of_.push_back(entry->second);
  }
}

std::vector<std::vector<std::int32_t>> Symmetry::meetings(const Groups& groups) const {
  std::map<std::pair<GroupKind, std::set<int>>, std::int32_t> known;
  std::vector<std::vector<std::int32_t>> result;
  const std::vector<GroupKind> kinds = groups.meeting();
  for (std::size_t index = 0; index < classes_.size(); ++index) {
    std::vector<std::int32_t> of_class(kGroupKinds, -1);
    for (const GroupKind kind : kinds) {
      // Of stages that are a class each, only embeddings are tied across.
      if (stages_ && kind != GroupKind::EmbeddingTie) continue;
      const GroupSpan group = groups.span(kind, classes_[index].rank);
      std::set<int> members;
      for (int i = 0; i < group.count; ++i)
        members.insert(class_of(group.first + i * group.stride));
      if (members.size() < 2) continue;
      const auto next = static_cast<std::int32_t>(known.size());
      of_class[static_cast<std::size_t>(kind)] =
          known.emplace(std::make_pair(kind, members), next).first->second;
    }
    result.push_back(std::move(of_class));
  }
  return result;
}

}  // namespace orrery::workload
