#pragma once
/// The parallel groups of a recipe on a platform, and the collectives that run on them.

#include <optional>
#include <vector>

#include <orrery/platform.hpp>
#include <orrery/sdk/group_collectives.hpp>

#include "workload/recipe.hpp"

namespace orrery::workload {

/// Which ranks talk. Shard and Replica are the halves of the data-parallel group under hybrid
/// sharding: inside a server, and between servers. Expert ranks hold different experts of the same
/// layers, ExpertData ranks the same experts (or the same part of them).
enum class GroupKind {
  Tensor,
  Context,
  Data,
  Shard,
  Replica,
  NextStage,
  EmbeddingTie,
  Expert,
  ExpertData
};
inline constexpr int kGroupKinds = 9;

/// Under hybrid sharding, the part of the data-parallel group that shares a server: over it
/// parameters are split.
[[nodiscard]] int shard_ranks(const Parallelism& layout, int reduction_ranks,
                              int devices_per_server);

/// Ranks of a training job on the devices of a platform: tensor varies fastest, then context, data,
/// pipeline. Rank r runs on device r.
class Groups {
 public:
  /// The sizes alone: collective() and links() are not to be called.
  /// @throws ConfigError when the ranks do not fit the platform or the batch does not divide.
  Groups(const Recipe& recipe, const Platform& platform);
  /// With collectives, which go to `tables`. `job` is laid out by layout(), or by layer_layout().
  Groups(const Recipe& recipe, const FoldedJob& job, WorkTables& tables);

  /// For the engine: stages, and the kinds of groups that communicate, by GroupKind.
  [[nodiscard]] JobLayout layout() const;
  /// Likewise of one layer alone, which all ranks run: groups that communicate in it.
  [[nodiscard]] JobLayout layer_layout() const;
  [[nodiscard]] int data() const { return data_; }
  [[nodiscard]] int devices() const { return recipe_.parallelism.model_ranks() * data_; }
  [[nodiscard]] int devices_per_stage() const { return devices() / recipe_.parallelism.pipeline; }
  [[nodiscard]] int stage_of(int rank) const { return rank / devices_per_stage(); }
  [[nodiscard]] int microbatches() const { return microbatches_; }
  /// Ranks over which gradients are reduced (data and context).
  [[nodiscard]] int reduction_ranks() const { return data_ * recipe_.parallelism.context; }
  /// Ranks over which gradients of experts are reduced.
  [[nodiscard]] int expert_replicas() const {
    const Parallelism& p = recipe_.parallelism;
    return p.tensor * reduction_ranks() / (p.expert_tensor * p.expert);
  }
  /// Ranks in the group.
  [[nodiscard]] int size(GroupKind group) const { return formula(group).count; }
  /// The kinds of groups whose members communicate with one another in this recipe.
  [[nodiscard]] std::vector<GroupKind> meeting() const;
  /// The group of that kind that `rank` is in; of Shard and Replica, under hybrid sharding.
  [[nodiscard]] RankSpan span(GroupKind group, int rank) const;
  /// What the group can talk over, as a number: equal links have equal numbers (FoldedJob::links).
  [[nodiscard]] int links(GroupKind group, int rank) const;
  /// The table index of a collective over `group` as seen by `rank`; equal requests share one
  /// entry.
  std::uint32_t collective(GroupKind group, int rank, CollectiveKind kind, Bytes bytes, Dtype dtype,
                           bool copy_engine = false);

 private:
  // Of a kind of group, whether its members communicate or not.
  [[nodiscard]] ProcessGroups formula(GroupKind group) const;

  const Recipe& recipe_;
  int devices_per_server_;
  std::optional<GroupCollectives> collectives_;
  int data_ = 1;
  int microbatches_ = 1;
};

}  // namespace orrery::workload
