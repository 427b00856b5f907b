#pragma once
/// How often every represented rank runs every block and issues every collective in a step.

#include <vector>

#include <orrery/outline.hpp>

namespace orrery {

class OutlineCounts {
 public:
  /// Keeps a reference. O(passes + steps of the routines, for every rank).
  explicit OutlineCounts(const Outline& outline);

  [[nodiscard]] double block(std::size_t rank, std::size_t index) const {
    return blocks_[rank][index];
  }
  [[nodiscard]] double collective(std::size_t rank, std::size_t index) const {
    return collectives_[rank][index];
  }
  /// The most that one rank issues.
  [[nodiscard]] double most(std::size_t collective) const;
  /// What the time of a block, or of a collective, counts as.
  [[nodiscard]] Tile block_tile(std::size_t index) const { return block_tiles_[index]; }
  [[nodiscard]] Tile collective_tile(std::size_t index) const { return collective_tiles_[index]; }

 private:
  void count_passes();
  void count_steps(std::size_t rank);
  void find_tiles();

  const Outline& outline_;
  std::vector<std::vector<double>> routines_, collectives_, blocks_;  // by rank
  std::vector<Tile> block_tiles_, collective_tiles_;
};

}  // namespace orrery
