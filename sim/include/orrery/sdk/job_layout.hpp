#pragma once
/// Who takes part in a job: its ranks, the devices that they run on, and their process groups by
/// formula.

#include <cstddef>
#include <cstdint>
#include <vector>

#include <orrery/platform.hpp>

namespace orrery {

/// Ranks `first`, `first + stride`, …
struct RankSpan {
  int first = 0;
  int count = 1;
  int stride = 1;

  [[nodiscard]] int at(int member) const { return first + member * stride; }
};

/// All process groups of one kind, such as the tensor-parallel groups. A workload names its kinds
/// once and refers to them by their index in JobLayout::groups.
struct ProcessGroups {
  enum class Shape : std::uint8_t {
    /// The ranks whose numbers differ in the digit `rank / stride % count` alone. Ranks whose group
    /// would reach beyond the last rank are in none.
    Strided,
    /// Every rank with the one `stride` after it, and the last ones with the first: the messages of
    /// a pipeline. `count` is 2.
    Ring
  };
  const char* name = "";  ///< for people, such as "tensor"; a literal, which outlives every result
  int count = 1;          ///< members of a group; 1: nobody has to do with anybody
  int stride = 1;         ///< ranks from one member to the next, at least 1
  Shape shape = Shape::Strided;
};

/// The group of `kind` that `rank` is in, of so many ranks; the rank alone where it is in none.
[[nodiscard]] RankSpan group_of(const ProcessGroups& kind, int rank, int ranks);

/// What a workload says of its ranks, and all that folding knows of them. Ranks that run the same
/// program on equal devices and meet equal ones over equal links are simulated once, whatever the
/// workload.
struct JobLayout {
  int ranks = 1;
  /// Rank r runs program `r / (ranks / programs)`: pipeline stages, for example. Divides `ranks`.
  int programs = 1;
  const char* program_name = "stage";    ///< for people: "stage 3"; a literal
  const char* rank_name = "every rank";  ///< of a class that is a whole job; a literal
  std::vector<ProcessGroups> groups{};
  /// The device of every rank, without duplicates; empty: rank r runs on device r.
  std::vector<int> devices{};
  /// What devices do that no rank runs on: most often they belong to other jobs of this shape.
  Others others = Others::Alike;

  [[nodiscard]] int ranks_per_program() const { return ranks / programs; }
  [[nodiscard]] int program(int rank) const { return rank / ranks_per_program(); }
  [[nodiscard]] int device(int rank) const {
    return devices.empty() ? rank : devices[static_cast<std::size_t>(rank)];
  }
  /// group_of() of the kind with that index in `groups`.
  [[nodiscard]] RankSpan group(std::size_t kind, int rank) const {
    return group_of(groups[kind], rank, ranks);
  }
};

}  // namespace orrery
