#include "workload/groups.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

namespace orrery::workload {
namespace {

const char* name_of(GroupKind group) {
  switch (group) {
    case GroupKind::Tensor:
      return "tensor";
    case GroupKind::Context:
      return "context";
    case GroupKind::Data:
      return "data";
    case GroupKind::Shard:
      return "shard";
    case GroupKind::Replica:
      return "replica";
    case GroupKind::NextStage:
      return "pipeline";
    case GroupKind::EmbeddingTie:
      return "embedding";
    case GroupKind::Expert:
      return "expert";
    case GroupKind::ExpertData:
      return "expert data";
  }
  return "?";
}

int data_ranks(const Recipe& recipe, const Platform& platform) {
  const Parallelism& layout = recipe.parallelism;
  const int model = layout.model_ranks();
  const int devices = platform.devices();
  const int data = layout.data > 0 ? layout.data : devices / model;
  if (data == 0 || model * data > devices) {
    throw ConfigError(fmt::format(
        "{}: tensor {} x pipeline {} x context {}{} needs {} devices, but {} has {}; expected a "
        "smaller layout or more servers (system.servers)",
        recipe.where_parallelism.text(), layout.tensor, layout.pipeline, layout.context,
        layout.data > 0 ? fmt::format(" x data {}", layout.data) : "", model * std::max(data, 1),
        platform.name(), devices));
  }
  if (layout.data == 0 && model * data != devices) {
    throw ConfigError(fmt::format(
        "{}: the {} devices of {} do not divide into replicas of {} (tensor x pipeline x context); "
        "expected a divisor, or give `data` to leave devices unused",
        recipe.where_parallelism.text(), devices, platform.name(), model));
  }
  return data;
}

int microbatch_count(const Recipe& recipe, int data) {
  const double each = data * recipe.microbatch;
  const double count = recipe.global_batch / each;
  if (count != std::floor(count)) {
    throw ConfigError(
        fmt::format("{}: global_batch {} does not divide into {} data-parallel ranks x microbatch "
                    "{}; expected a "
                    "multiple of {}",
                    recipe.where_batch.text(), recipe.global_batch, data, recipe.microbatch, each));
  }
  const Parallelism& layout = recipe.parallelism;
  if (layout.interleave > 1 && std::fmod(count, layout.pipeline) != 0) {
    throw ConfigError(
        fmt::format("{}: the interleaved schedule needs a number of microbatches that is a "
                    "multiple of pipeline {}; "
                    "got {}",
                    recipe.where_batch.text(), layout.pipeline, count));
  }
  return static_cast<int>(count);
}

void check_expert_ranks(const Recipe& recipe, int data) {
  const Parallelism& p = recipe.parallelism;
  const int ranks = p.tensor * p.context * data;  // of a pipeline stage
  if (ranks % (p.expert * p.expert_tensor) == 0) return;
  throw ConfigError(
      fmt::format("{}: expert {} x expert_tensor {} does not divide the {} ranks of a pipeline "
                  "stage (tensor {} "
                  "x context {} x data {}); expected a divisor",
                  recipe.where_parallelism.text(), p.expert, p.expert_tensor, ranks, p.tensor,
                  p.context, data));
}

// Under hybrid sharding every server holds whole copies of its own.
void check_shards(const Recipe& recipe, const Platform& platform, int data) {
  const Parallelism& p = recipe.parallelism;
  const int ranks = data * p.context;
  const int shards = shard_ranks(p, ranks, platform.devices_per_server());
  if (p.sharding != Sharding::Hybrid || ranks % shards == 0) return;
  throw ConfigError(
      fmt::format("{}: hybrid sharding splits the parameters over {} ranks of a server, which does "
                  "not divide the {} ranks that share them (context {} x data {}); expected a "
                  "multiple of {}, or sharding: zero3",
                  recipe.where_parallelism.text(), shards, ranks, p.context, data, shards));
}

// MaxText's axes name sizes that a slice and the number of slices fix.
void check_slices(const Recipe& recipe, const Platform& platform, int replicas) {
  const Parallelism& layout = recipe.parallelism;
  const auto check = [&](const char* axis, int given, int found) {
    if (given == 0 || given == found) return;
    throw ConfigError(
        fmt::format("{}: {} {} does not match {}, whose slices have {} devices; "
                    "expected {} beside tensor {}",
                    recipe.where_parallelism.text(), axis, given, platform.name(),
                    platform.devices_per_server(), found, layout.tensor));
  };
  check("ici_fsdp", layout.slice_shards, platform.devices_per_server() / layout.tensor);
  check("dcn_data", layout.slices, replicas);
}

}  // namespace

int shard_ranks(const Parallelism& layout, int reduction_ranks, int devices_per_server) {
  return std::max(1, std::min(reduction_ranks, devices_per_server / layout.tensor));
}

Groups::Groups(const Recipe& recipe, const Platform& platform, WorkTables& tables)
    : recipe_(recipe), platform_(platform), tables_(tables) {
  data_ = data_ranks(recipe, platform);
  microbatches_ = microbatch_count(recipe, data_);
  check_expert_ranks(recipe, data_);
  check_shards(recipe, platform, data_);
  check_slices(recipe, platform, size(GroupKind::Replica));
}

std::vector<GroupKind> Groups::meeting() const {
  std::vector<GroupKind> kinds = {GroupKind::Tensor, GroupKind::Context};
  if (recipe_.parallelism.sharding == Sharding::Hybrid) {
    kinds.insert(kinds.end(), {GroupKind::Shard, GroupKind::Replica});
  } else {
    kinds.push_back(GroupKind::Data);
  }
  if (recipe_.parallelism.pipeline > 1 && recipe_.model.tied_embeddings) {
    kinds.push_back(GroupKind::EmbeddingTie);
  }
  if (recipe_.model.moe) kinds.insert(kinds.end(), {GroupKind::Expert, GroupKind::ExpertData});
  return kinds;
}

GroupSpan Groups::span(GroupKind group, int rank) const {
  const Parallelism& p = recipe_.parallelism;
  const int per_stage = devices_per_stage();
  const int stage = rank / per_stage;
  const int within = rank % per_stage;
  const int tensor = rank % p.tensor;
  const int base = stage * per_stage + tensor;  // of the ranks that hold the same parameters
  const int shards = shard_ranks(p, reduction_ranks(), platform_.devices_per_server());
  const int nth = within / p.tensor;  // among the ranks that hold the same parameters
  switch (group) {
    case GroupKind::Tensor:
      return {rank - tensor, p.tensor, 1};
    case GroupKind::Context:
      return {base + nth / p.context * p.context * p.tensor, p.context, p.tensor};
    case GroupKind::Data:
      return {base, reduction_ranks(), p.tensor};
    case GroupKind::Shard:
      return {base + nth / shards * shards * p.tensor, shards, p.tensor};
    case GroupKind::Replica:
      return {base + nth % shards * p.tensor, reduction_ranks() / shards, p.tensor * shards};
    case GroupKind::NextStage: {
      const int next = (stage + 1) % p.pipeline * per_stage + within;
      return {std::min(rank, next), next == rank ? 1 : 2, std::abs(next - rank)};
    }
    case GroupKind::EmbeddingTie:
      return {within, p.pipeline > 1 ? 2 : 1, (p.pipeline - 1) * per_stage};
    case GroupKind::Expert: {
      const int ranks = p.expert_tensor * p.expert;
      return {rank - within % ranks + within % p.expert_tensor, p.expert, p.expert_tensor};
    }
    case GroupKind::ExpertData: {
      const int stride = p.expert_tensor * p.expert;
      return {stage * per_stage + within % stride, expert_replicas(), stride};
    }
  }
  return {rank, 1, 1};
}

int Groups::layout(GroupKind group, int rank) {
  const auto [known, added] = layout_of_.try_emplace({group, rank}, 0);
  if (!added) return known->second;
  const GroupSpan devices = span(group, rank);
  std::vector<int> members(static_cast<std::size_t>(devices.count));
  for (int i = 0; i < devices.count; ++i) {
    members[static_cast<std::size_t>(i)] = devices.first + i * devices.stride;
  }
  const GroupLayout layout = platform_.layout(members);
  const auto same = std::find(layouts_.begin(), layouts_.end(), layout);
  known->second = static_cast<int>(same - layouts_.begin());
  if (same == layouts_.end()) layouts_.push_back(layout);
  return known->second;
}

std::uint32_t Groups::collective(GroupKind group, int rank, CollectiveKind kind, Bytes bytes,
                                 Dtype dtype, bool copy_engine) {
  const int where = layout(group, rank);
  const auto key = std::make_tuple(group, where, kind, bytes.si(), dtype, copy_engine);
  const auto found = known_.find(key);
  if (found != known_.end()) return found->second;
  tables_.collectives.push_back({.request = {.kind = kind,
                                             .bytes = bytes,
                                             .dtype = dtype,
                                             .layout = layouts_[static_cast<std::size_t>(where)],
                                             .copy_engine = copy_engine},
                                 .who = name_of(group),
                                 .group = static_cast<int>(group)});
  const auto index = static_cast<std::uint32_t>(tables_.collectives.size() - 1);
  known_.emplace(key, index);
  return index;
}

}  // namespace orrery::workload
