#pragma once
/// Which ranks of a job behave alike, so that one of them can stand for all.

#include <vector>

#include "workload/groups.hpp"

namespace orrery::workload {

/// Classes of ranks. The ranks of a class run the same program on the same kind of device, their
/// groups talk over equal links, and each kind of their groups has the same number of members of
/// every class: simulating one of them with the classes it meets is exact.
class Symmetry {
 public:
  struct Class {
    int rank = 0;    ///< the first rank of the class, which is simulated
    int weight = 1;  ///< ranks in it
  };

  /// The coarsest such classes, found by refining colours; O(ranks) for each round, of which there
  /// are a few. On a uniform machine one class per pipeline stage, O(stages). With `fold` off every
  /// rank is a class of its own.
  Symmetry(Groups& groups, const Platform& platform, bool fold);

  /// In the order of their first ranks: stage by stage.
  [[nodiscard]] const std::vector<Class>& classes() const { return classes_; }
  [[nodiscard]] int class_of(int rank) const {
    return class_of_.empty() ? rank / ranks_per_class_ : class_of_[static_cast<std::size_t>(rank)];
  }
  /// By GroupKind: the meeting of the classes in the group of class `index`, or -1 where all of its
  /// members are in the class (RepresentedRank::meetings).
  [[nodiscard]] std::vector<std::vector<std::int32_t>> meetings(const Groups& groups) const;

 private:
  void refine(Groups& groups, const Platform& platform);
  void number(const std::vector<std::uint64_t>& colours);

  std::vector<Class> classes_;
  std::vector<int> class_of_;  ///< by rank; empty when classes are equal runs of ranks
  int ranks_per_class_ = 1;
  bool stages_ = false;  ///< each pipeline stage is one class
};

}  // namespace orrery::workload
