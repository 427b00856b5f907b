#pragma once
/// The parallel groups of a recipe on a platform, and the collectives that run on them.

#include <map>
#include <string>
#include <tuple>

#include <orrery/platform.hpp>
#include <orrery/program.hpp>

#include "workload/recipe.hpp"

namespace orrery::workload {

/// Which ranks talk. Shard and Replica are the halves of the data-parallel group under hybrid
/// sharding: inside a server, and between servers.
enum class GroupKind { Tensor, Context, Data, Shard, Replica, NextStage, EmbeddingTie };

/// Ranks of a training job on the devices of a platform: tensor varies fastest, then context, data,
/// pipeline.
class Groups {
 public:
  /// @throws ConfigError when the ranks do not fit the platform or the batch does not divide.
  Groups(const Recipe& recipe, const Platform& platform, Program& program);

  [[nodiscard]] int data() const { return data_; }
  [[nodiscard]] int devices() const { return recipe_.parallelism.model_ranks() * data_; }
  [[nodiscard]] int microbatches() const { return microbatches_; }
  /// Ranks over which gradients are reduced (data and context).
  [[nodiscard]] int reduction_ranks() const { return data_ * recipe_.parallelism.context; }
  /// Ranks in the group.
  [[nodiscard]] int size(GroupKind group) const;
  /// The table index of a collective over `group` as seen by a rank of pipeline stage `stage`;
  /// equal requests share one entry.
  std::uint32_t collective(GroupKind group, int stage, CollectiveKind kind, Bytes bytes,
                           Dtype dtype, bool copy_engine = false);

 private:
  [[nodiscard]] const GroupLayout& layout(GroupKind group, int stage);
  [[nodiscard]] std::vector<int> members(GroupKind group, int stage) const;

  const Recipe& recipe_;
  const Platform& platform_;
  Program& program_;
  int data_ = 1;
  int microbatches_ = 1;
  std::map<std::pair<GroupKind, int>, GroupLayout> layouts_;
  std::map<std::tuple<GroupKind, int, CollectiveKind, double, Dtype, bool>, std::uint32_t> known_;
};

}  // namespace orrery::workload
