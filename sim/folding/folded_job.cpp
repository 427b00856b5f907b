#include <orrery/sdk/folded_job.hpp>

#include <algorithm>

#include <fmt/format.h>

#include <orrery/error.hpp>

#include "folding/alignment.hpp"

namespace orrery {
namespace {

constexpr int kUnknown = -1;

std::size_t place_of(int index) { return static_cast<std::size_t>(index); }

bool ring(const ProcessGroups& of) { return of.shape == ProcessGroups::Shape::Ring; }

}  // namespace

FoldedJob::FoldedJob(const Platform& platform, JobLayout layout, bool fold)
    : platform_(platform), layout_(std::move(layout)), period_(layout_.ranks), fold_(fold) {
  check_layout();
  if (fold && layout_.devices.empty() && aligned(layout_, platform) &&
      layout_.ranks_per_program() % platform.period() == 0) {
    period_ = platform.period();
  }
  if (fold && period_ > 1) {
    refine();
    return;
  }
  ranks_per_class_ = fold ? layout_.ranks_per_program() : 1;
  for (int rank = 0; rank < layout_.ranks; rank += ranks_per_class_) {
    classes_.push_back({.rank = rank, .weight = ranks_per_class_});
  }
}

void FoldedJob::check_layout() const {
  const int devices = platform_.devices();
  ORRERY_CHECK(layout_.ranks >= 1 && layout_.ranks <= devices && layout_.programs >= 1);
  ORRERY_CHECK(layout_.ranks % layout_.programs == 0);
  for (const ProcessGroups& of : layout_.groups) ORRERY_CHECK(of.count >= 1 && of.stride >= 1);
  if (layout_.devices.empty()) return;
  std::vector<int> sorted = layout_.devices;
  std::sort(sorted.begin(), sorted.end());
  ORRERY_CHECK(static_cast<int>(sorted.size()) == layout_.ranks);
  ORRERY_CHECK(sorted.front() >= 0 && sorted.back() < devices);
  ORRERY_CHECK(std::adjacent_find(sorted.begin(), sorted.end()) == sorted.end());
}

std::vector<double> FoldedJob::ranks_by_kind() const {
  const std::vector<DeviceKind>& kinds = platform_.kinds();
  std::vector<double> count(kinds.size());
  if (kinds.size() == 1) {
    count.front() = layout_.ranks;
  } else if (layout_.ranks == platform_.devices()) {
    for (std::size_t kind = 0; kind < kinds.size(); ++kind) count[kind] = kinds[kind].devices;
  } else {
    for (int rank = 0; rank < layout_.ranks; ++rank) {
      ++count[place_of(platform_.kind(layout_.device(rank)))];
    }
  }
  return count;
}

int FoldedJob::find_links(std::size_t kind, int rank) const {
  const RankSpan group = layout_.group(kind, rank);
  members_.resize(place_of(group.count));
  for (int i = 0; i < group.count; ++i) members_[place_of(i)] = layout_.device(group.at(i));
  if (!layout_.devices.empty()) std::sort(members_.begin(), members_.end());
  const GroupLayout layout = platform_.layout(members_, layout_.others);
  const auto same = std::find(layouts_.begin(), layouts_.end(), layout);
  const int number = static_cast<int>(same - layouts_.begin());
  if (same == layouts_.end()) layouts_.push_back(layout);
  return number;
}

// Pairs of a ring begin with either of their ranks.
int FoldedJob::links(std::size_t kind, int rank) const {
  const int key = ring(layout_.groups[kind]) ? rank : layout_.group(kind, rank).first;
  if (fold_ && period_ < layout_.ranks) {
    const auto [known, added] = sparse_links_.try_emplace({kind, key}, kUnknown);
    if (added) known->second = find_links(kind, rank);
    return known->second;
  }
  if (dense_links_.empty()) dense_links_.resize(layout_.groups.size());
  std::vector<int>& of_kind = dense_links_[kind];
  if (of_kind.empty()) of_kind.assign(place_of(layout_.ranks), kUnknown);
  int& known = of_kind[place_of(key)];
  if (known == kUnknown) known = find_links(kind, rank);
  return known;
}

std::vector<RepresentedRank> FoldedJob::represented() const {
  std::vector<int> classes_of_program(place_of(layout_.programs));
  for (const Class& of : classes_) ++classes_of_program[place_of(layout_.program(of.rank))];
  std::vector<RepresentedRank> result;
  result.reserve(classes_.size());
  for (const Class& of : classes_) {
    const int program = layout_.program(of.rank);
    const std::string where =
        layout_.programs > 1 ? fmt::format("{} {}", layout_.program_name, program) : "";
    std::string name = where.empty() ? layout_.rank_name : where;
    if (classes_of_program[place_of(program)] > 1) {
      const std::string alike = of.weight > 1 ? fmt::format(" and {} alike", of.weight - 1) : "";
      name = fmt::format("{}{}rank {}{}", where, where.empty() ? "" : ", ", of.rank, alike);
    }
    result.push_back({.name = std::move(name),
                      .weight = static_cast<double>(of.weight),
                      .kind = platform_.kind(layout_.device(of.rank)),
                      .meetings = std::vector<std::int32_t>(layout_.groups.size(), -1)});
  }
  std::int32_t next = 0;
  for (std::size_t kind = 0; kind < layout_.groups.size(); ++kind) {
    add_meetings(kind, next, result);
  }
  return result;
}

// Groups whose members are of several classes are meetings; those with the same classes are one. A
// group is looked at once: with every rank a class of its own there are as many as ranks.
void FoldedJob::add_meetings(std::size_t kind, std::int32_t& next,
                             std::vector<RepresentedRank>& represented) const {
  const ProcessGroups& of = layout_.groups[kind];
  const bool within = of.stride * of.count <= layout_.ranks_per_program();
  if (of.count == 1 || ring(of) || (period_ == 1 && within)) return;
  std::map<std::vector<int>, std::int32_t> known;
  std::map<int, std::int32_t> of_group;  // by first rank
  std::vector<int> classes;
  for (std::size_t index = 0; index < classes_.size(); ++index) {
    const RankSpan group = layout_.group(kind, classes_[index].rank);
    if (group.count == 1) continue;
    const auto [seen, added] = of_group.try_emplace(group.first, -1);
    if (added) {
      classes.clear();
      const int members = within ? cycle(group) : group.count;
      for (int i = 0; i < members; ++i) classes.push_back(class_of(group.at(i)));
      std::sort(classes.begin(), classes.end());
      classes.erase(std::unique(classes.begin(), classes.end()), classes.end());
      if (classes.size() > 1) {
        const auto [meeting, is_new] = known.try_emplace(classes, next);
        if (is_new) ++next;
        seen->second = meeting->second;
      }
    }
    represented[index].meetings[kind] = seen->second;
  }
}

}  // namespace orrery
