// Classes by refining colours (Weisfeiler and Leman 1968): two ranks stay of one colour while their
// neighbours are of the same colours, as many of each.
#include <orrery/sdk/folded_job.hpp>

#include <algorithm>
#include <unordered_map>

namespace orrery {
namespace {

using Colour = std::uint64_t;
using Colours = std::vector<Colour>;

std::size_t at(int index) { return static_cast<std::size_t>(index); }

// SplitMix64 (Steele et al. 2014): sums of it over a group do not depend on the order of members.
Colour mix(Colour value) {
  value += 0x9e3779b97f4a7c15ULL;
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9ULL;
  value = (value ^ (value >> 27)) * 0x94d049bb133111ebULL;
  return value ^ (value >> 31);
}

Colour combine(Colour a, Colour b) { return mix(a ^ mix(b)); }

std::size_t distinct(Colours colours) {
  std::sort(colours.begin(), colours.end());
  return static_cast<std::size_t>(std::unique(colours.begin(), colours.end()) - colours.begin());
}

}  // namespace

// What is known of a rank before its neighbours are looked at.
std::uint64_t FoldedJob::first_colour(int node) const {
  const int rank = rank_of(node);
  Colour colour = combine(static_cast<Colour>(layout_.program(rank)),
                          static_cast<Colour>(platform_.condition(layout_.device(rank))));
  for (std::size_t kind = 0; kind < layout_.groups.size(); ++kind) {
    const bool alone = layout_.groups[kind].count == 1 || layout_.group(kind, rank).count == 1;
    colour = combine(colour, alone ? 0 : 1 + static_cast<Colour>(links(kind, rank)));
  }
  return colour;
}

// Of a group the sum of its members' colours goes into each of them, of a ring the colours of both
// neighbours in their order.
void FoldedJob::mix_groups(std::size_t kind, const Colours& colours, Colours& next) const {
  const ProcessGroups& of = layout_.groups[kind];
  const int nodes = static_cast<int>(colours.size());
  if (of.shape == ProcessGroups::Shape::Ring) {
    for (int node = 0; node < nodes; ++node) {
      const int rank = rank_of(node);
      const Colour after = colours[at(node_of((rank + of.stride) % layout_.ranks))];
      const int back = (rank + layout_.ranks - of.stride % layout_.ranks) % layout_.ranks;
      const Colour before = colours[at(node_of(back))];
      next[at(node)] = combine(next[at(node)], combine(after, mix(before)));
    }
    return;
  }
  const bool within = of.stride * of.count <= layout_.ranks_per_program();
  std::vector<std::pair<bool, Colour>> sums(colours.size());  // by node of the first member
  for (int node = 0; node < nodes; ++node) {
    const RankSpan group = layout_.group(kind, rank_of(node));
    if (group.count == 1) continue;
    auto& [known, sum] = sums[at(node_of(group.first))];
    if (!known) {
      const int members = within ? cycle(group) : group.count;
      for (int i = 0; i < members; ++i) sum += mix(colours[at(node_of(group.at(i)))]);
      sum *= static_cast<Colour>(group.count / members);
      known = true;
    }
    next[at(node)] = combine(next[at(node)], sum);
  }
}

std::vector<std::uint64_t> FoldedJob::refined(const Colours& colours) const {
  Colours next = colours;
  for (std::size_t kind = 0; kind < layout_.groups.size(); ++kind) {
    if (layout_.groups[kind].count > 1) mix_groups(kind, colours, next);
  }
  return next;
}

void FoldedJob::refine() {
  const int nodes = node_of(layout_.ranks - 1) + 1;
  Colours colours;
  colours.reserve(at(nodes));
  for (int node = 0; node < nodes; ++node) colours.push_back(first_colour(node));
  for (std::size_t before = 0, now = distinct(colours); now > before;) {
    colours = refined(colours);
    before = now;
    now = distinct(colours);
  }
  number(colours);
}

void FoldedJob::number(const Colours& colours) {
  const int nodes = static_cast<int>(colours.size());
  const int ranks_per_node = layout_.ranks / nodes;
  std::unordered_map<Colour, int> known;
  for (int node = 0; node < nodes; ++node) {
    const auto [entry, added] =
        known.try_emplace(colours[at(node)], static_cast<int>(classes_.size()));
    if (added) classes_.push_back({.rank = rank_of(node), .weight = 0});
    classes_[at(entry->second)].weight += ranks_per_node;
    class_of_.push_back(entry->second);
  }
}

}  // namespace orrery
