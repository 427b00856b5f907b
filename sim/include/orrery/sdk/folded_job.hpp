#pragma once
/// A job on a platform whose ranks are folded into classes, one of which stands for all in it.

#include <cstdint>
#include <map>
#include <vector>

#include <orrery/outline.hpp>
#include <orrery/platform.hpp>
#include <orrery/sdk/job_layout.hpp>

namespace orrery {

/// The engine makes it, and hands it to Workload::build(). Ranks of a class run the same program on
/// devices of one condition, their groups talk over equal links, and each of their groups has as
/// many members of every class: simulating one of them with the classes that it meets is exact.
/// Keeps a reference to the platform. For one thread: links are looked up at first use.
class FoldedJob {
 public:
  struct Class {
    int rank = 0;    ///< the first rank of the class, which is simulated
    int weight = 1;  ///< ranks in it
  };

  /// The coarsest such classes, found by refining colours: O(ranks) for each round, of which there
  /// are a few. Where the machine repeats (Platform::period()) and the groups fill its servers and
  /// leaves evenly, only a period of every program is looked at: O(programs) on a uniform machine.
  /// With `fold` off every rank is a class of its own.
  /// @throws InternalError for a layout that contradicts itself or the platform.
  FoldedJob(const Platform& platform, JobLayout layout, bool fold);

  [[nodiscard]] const Platform& platform() const { return platform_; }
  [[nodiscard]] const JobLayout& layout() const { return layout_; }

  /// In the order of their first ranks, so program by program. Represented rank i of the outline
  /// stands for class i.
  [[nodiscard]] const std::vector<Class>& classes() const { return classes_; }
  [[nodiscard]] int class_of(int rank) const {
    if (class_of_.empty()) return rank / ranks_per_class_;
    return class_of_[static_cast<std::size_t>(node_of(rank))];
  }
  /// One per class, with weight, kind of device and meetings: what Outline::ranks holds.
  /// O(classes x members of their groups).
  [[nodiscard]] std::vector<RepresentedRank> represented() const;
  /// Ranks of the job on each kind of device, one per Platform::kinds().
  [[nodiscard]] std::vector<double> ranks_by_kind() const;

  /// What the group of `rank` can talk over, as a number: equal links have equal numbers, whatever
  /// the kind of the group. O(members) once.
  [[nodiscard]] int links(std::size_t kind, int rank) const;
  /// By a number of links().
  [[nodiscard]] const GroupLayout& group_layout(int links) const {
    return layouts_[static_cast<std::size_t>(links)];
  }

 private:
  // Ranks of a program that lie a period apart are one node. Nodes are numbered program by program.
  [[nodiscard]] int node_of(int rank) const {
    const int each = layout_.ranks_per_program();
    return period_ >= each ? rank : rank / each * period_ + rank % each % period_;
  }
  [[nodiscard]] int rank_of(int node) const {
    const int each = layout_.ranks_per_program();
    return period_ >= each ? node : node / period_ * each + node % period_;
  }
  // Members after which the nodes of a group's members repeat.
  [[nodiscard]] int cycle(const RankSpan& group) const {
    return period_ < layout_.ranks_per_program() && group.count % period_ == 0 ? period_
                                                                               : group.count;
  }
  void check_layout() const;
  void refine();
  [[nodiscard]] std::uint64_t first_colour(int node) const;
  [[nodiscard]] std::vector<std::uint64_t> refined(const std::vector<std::uint64_t>& colours) const;
  void mix_groups(std::size_t kind, const std::vector<std::uint64_t>& colours,
                  std::vector<std::uint64_t>& next) const;
  void number(const std::vector<std::uint64_t>& colours);
  [[nodiscard]] int find_links(std::size_t kind, int rank) const;
  void add_meetings(std::size_t kind, std::int32_t& next,
                    std::vector<RepresentedRank>& represented) const;

  const Platform& platform_;
  JobLayout layout_;
  std::vector<Class> classes_;
  std::vector<int> class_of_;  ///< by node; empty when classes are equal runs of ranks
  int ranks_per_class_ = 1;
  int period_ = 1;
  bool fold_ = true;
  mutable std::vector<int> members_;
  mutable std::vector<GroupLayout> layouts_;
  // Numbers of links, by kind and first rank of the group: dense where every rank is looked at.
  mutable std::vector<std::vector<int>> dense_links_;
  mutable std::map<std::pair<std::size_t, int>, int> sparse_links_;
};

}  // namespace orrery
