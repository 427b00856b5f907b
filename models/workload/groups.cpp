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

Groups::Groups(const Recipe& recipe, const Platform& platform)
    : recipe_(recipe), devices_per_server_(platform.devices_per_server()) {
  data_ = data_ranks(recipe, platform);
  microbatches_ = microbatch_count(recipe, data_);
  check_expert_ranks(recipe, data_);
  check_shards(recipe, platform, data_);
  check_slices(recipe, platform, size(GroupKind::Replica));
}

Groups::Groups(const Recipe& recipe, const FoldedJob& job, WorkTables& tables)
    : Groups(recipe, job.platform()) {
  collectives_.emplace(job, tables);
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

ProcessGroups Groups::formula(GroupKind group) const {
  const Parallelism& p = recipe_.parallelism;
  const int shards = shard_ranks(p, reduction_ranks(), devices_per_server_);
  const int split = p.expert_tensor * p.expert;
  const char* name = name_of(group);
  switch (group) {
    case GroupKind::Tensor:
      return {.name = name, .count = p.tensor, .stride = 1};
    case GroupKind::Context:
      return {.name = name, .count = p.context, .stride = p.tensor};
    case GroupKind::Data:
      return {.name = name, .count = reduction_ranks(), .stride = p.tensor};
    case GroupKind::Shard:
      return {.name = name, .count = shards, .stride = p.tensor};
    case GroupKind::Replica:
      return {.name = name, .count = reduction_ranks() / shards, .stride = p.tensor * shards};
    case GroupKind::NextStage:
      return {.name = name,
              .count = p.pipeline > 1 ? 2 : 1,
              .stride = devices_per_stage(),
              .shape = ProcessGroups::Shape::Ring};
    case GroupKind::EmbeddingTie:
      return {.name = name,
              .count = p.pipeline > 1 ? 2 : 1,
              .stride = std::max(1, p.pipeline - 1) * devices_per_stage()};
    case GroupKind::Expert:
      return {.name = name, .count = p.expert, .stride = p.expert_tensor};
    case GroupKind::ExpertData:
      return {.name = name, .count = expert_replicas(), .stride = split};
  }
  return {};
}

JobLayout Groups::layout() const {
  JobLayout layout{.ranks = devices(), .programs = recipe_.parallelism.pipeline};
  layout.groups.resize(kGroupKinds);
  std::vector<GroupKind> kinds = meeting();
  kinds.push_back(GroupKind::NextStage);
  for (const GroupKind kind : kinds) layout.groups[static_cast<std::size_t>(kind)] = formula(kind);
  return layout;
}

JobLayout Groups::layer_layout() const {
  JobLayout layout{.ranks = devices()};
  layout.groups.resize(kGroupKinds);
  for (const GroupKind kind : {GroupKind::Tensor, GroupKind::Context, GroupKind::Expert}) {
    layout.groups[static_cast<std::size_t>(kind)] = formula(kind);
  }
  return layout;
}

RankSpan Groups::span(GroupKind group, int rank) const {
  return group_of(formula(group), rank, devices());
}

int Groups::links(GroupKind group, int rank) const {
  return collectives_->job().links(static_cast<std::size_t>(group), rank);
}

std::uint32_t Groups::collective(GroupKind group, int rank, CollectiveKind kind, Bytes bytes,
                                 Dtype dtype, bool copy_engine) {
  return collectives_->add(
      static_cast<std::size_t>(group), rank,
      {.kind = kind, .bytes = bytes, .dtype = dtype, .layout = {}, .copy_engine = copy_engine});
}

}  // namespace orrery::workload
