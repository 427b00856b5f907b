#pragma once
/// The parallel groups of a recipe on a platform, and the collectives that run on them.

#include <map>
#include <string>
#include <tuple>
#include <vector>

#include <orrery/platform.hpp>
#include <orrery/program.hpp>

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

/// Devices `first`, `first + stride`, …
struct GroupSpan {
  int first = 0;
  int count = 1;
  int stride = 1;
};

/// Under hybrid sharding, the part of the data-parallel group that shares a server: over it
/// parameters are split.
[[nodiscard]] int shard_ranks(const Parallelism& layout, int reduction_ranks,
                              int devices_per_server);

/// Ranks of a training job on the devices of a platform: tensor varies fastest, then context, data,
/// pipeline. Rank r runs on device r.
class Groups {
 public:
  /// Adds collectives to the tables of `outline`.
  /// @throws ConfigError when the ranks do not fit the platform or the batch does not divide.
  Groups(const Recipe& recipe, const Platform& platform, WorkTables& tables);

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
  [[nodiscard]] int size(GroupKind group) const { return span(group, 0).count; }
  /// The kinds of groups whose members communicate with one another in this recipe.
  [[nodiscard]] std::vector<GroupKind> meeting() const;
  /// The group of that kind that `rank` is in; of Shard and Replica, under hybrid sharding. A pair
  /// for NextStage (with the next stage, cyclic) and for EmbeddingTie (of first and last stage).
  [[nodiscard]] GroupSpan span(GroupKind group, int rank) const;
  /// What the group can talk over, as a number: equal layouts have equal numbers. O(ranks) once.
  [[nodiscard]] int layout(GroupKind group, int rank);
  /// The table index of a collective over `group` as seen by `rank`; equal requests share one
  /// entry.
  std::uint32_t collective(GroupKind group, int rank, CollectiveKind kind, Bytes bytes, Dtype dtype,
                           bool copy_engine = false);

 private:
  const Recipe& recipe_;
  const Platform& platform_;
  WorkTables& tables_;
  int data_ = 1;
  int microbatches_ = 1;
  std::vector<GroupLayout> layouts_;
  std::map<std::pair<GroupKind, int>, int> layout_of_;  // by kind and rank
  std::map<std::tuple<GroupKind, int, CollectiveKind, double, Dtype, bool>, std::uint32_t> known_;
};

}  // namespace orrery::workload
