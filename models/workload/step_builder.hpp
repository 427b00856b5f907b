#pragma once
/// The outline of a training step: which rank classes run which passes, and what connects them.

#include <map>
#include <memory>
#include <vector>

#include <orrery/workload.hpp>

#include "workload/data_parallel.hpp"
#include "workload/memory_model.hpp"
#include "workload/pipeline_schedule.hpp"

namespace orrery::workload {

class StepBuilder {
 public:
  /// `job` is laid out by Groups::layout().
  StepBuilder(const Recipe& recipe, const FoldedJob& job, const LowerOptions& options);

  /// Once.
  Outline build();
  [[nodiscard]] const Groups& groups() const { return groups_; }

 private:
  // What ranks share whose groups of every kind talk over equal links.
  struct Builders {
    ChunkBuilder chunks;
    DataParallel data;
    // By chunk shape, direction, and whether data parallelism hooks into it.
    std::map<std::tuple<std::vector<LayerKind>, bool, bool, bool, bool>, std::uint32_t> routines;
    std::map<int, std::uint32_t> tails;  // by stage

    Builders(const Recipe& recipe, Groups& groups, Outline& outline, int rank)
        : chunks(recipe, groups, outline, rank), data(recipe, groups, rank) {}
  };
  // What the passes of a class through a chunk in one direction have in common.
  struct PassKind {
    std::uint32_t routine = 0;
    std::uint32_t special = 0;  // routine of the first forward, or the last backward
    std::int32_t message = -1;
  };

  Builders& builders(int rank);
  std::uint32_t routine(Builders& with, const ChunkShape& part, bool backward, bool special);
  PassKind pass_kind(Builders& with, int rank, int chunk, bool backward);
  std::uint32_t tail(Builders& with, int rank);
  [[nodiscard]] bool sends(int stage, int chunk, bool backward) const;
  void build_class(int index);
  // Where a pass of a class stands in passes_.
  [[nodiscard]] std::size_t slot(int index, bool backward, int chunk, int microbatch) const {
    const auto row = (static_cast<std::size_t>(index) * 2 + (backward ? 1 : 0)) *
                         static_cast<std::size_t>(chunks_) +
                     static_cast<std::size_t>(chunk);
    return row * static_cast<std::size_t>(microbatches_) + static_cast<std::size_t>(microbatch);
  }
  std::uint32_t message(int rank);
  [[nodiscard]] int peer(int index, int stage) const;
  void connect();

  const Recipe& recipe_;
  const FoldedJob& job_;
  Outline outline_;
  Groups groups_;
  int stages_;
  int chunks_;
  int microbatches_;                                                // that are laid out
  std::map<std::vector<int>, std::unique_ptr<Builders>> builders_;  // by layouts of the groups
  std::vector<std::int32_t> passes_;                                // in the outline, by slot
};

}  // namespace orrery::workload
