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

Groups::Groups(const Recipe& recipe, const Platform& platform, Program& program)
    : recipe_(recipe), platform_(platform), program_(program) {
  data_ = data_ranks(recipe, platform);
  microbatches_ = microbatch_count(recipe, data_);
  check_slices(recipe, platform, size(GroupKind::Replica));
}

int Groups::size(GroupKind group) const { return static_cast<int>(members(group, 0).size()); }

std::vector<int> Groups::members(GroupKind group, int stage) const {
  const Parallelism& p = recipe_.parallelism;
  const int per_stage = p.tensor * p.context * data_;
  const int base = stage * per_stage;
  std::vector<int> devices;
  const auto every = [&](int count, int stride) {
    for (int i = 0; i < count; ++i) devices.push_back(base + i * stride);
  };
  // Under hybrid sharding a replica is the part of the data-parallel group that shares a server.
  const int shards =
      std::max(1, std::min(reduction_ranks(), platform_.devices_per_server() / p.tensor));
  switch (group) {
    case GroupKind::Tensor:
      every(p.tensor, 1);
      break;
    case GroupKind::Context:
      every(p.context, p.tensor);
      break;
    case GroupKind::Data:
      every(reduction_ranks(), p.tensor);
      break;
    case GroupKind::Shard:
      every(shards, p.tensor);
      break;
    case GroupKind::Replica:
      every(reduction_ranks() / shards, p.tensor * shards);
      break;
    case GroupKind::NextStage: {
      const int next = (stage + 1) % p.pipeline;
      devices = {std::min(base, next * per_stage), std::max(base, next * per_stage)};
      break;
    }
    case GroupKind::EmbeddingTie:
      devices = {0, (p.pipeline - 1) * per_stage};
      break;
  }
  return devices;
}

const GroupLayout& Groups::layout(GroupKind group, int stage) {
  const auto key = std::make_pair(group, stage);
  auto found = layouts_.find(key);
  if (found == layouts_.end()) {
    found = layouts_.emplace(key, platform_.layout(members(group, stage))).first;
  }
  return found->second;
}

std::uint32_t Groups::collective(GroupKind group, int stage, CollectiveKind kind, Bytes bytes,
                                 Dtype dtype, bool copy_engine) {
  const auto key = std::make_tuple(group, stage, kind, bytes.si(), dtype, copy_engine);
  const auto found = known_.find(key);
  if (found != known_.end()) return found->second;
  program_.collectives.push_back(
      {.request = {.kind = kind,
                   .bytes = bytes,
                   .dtype = dtype,
                   .layout = layout(group, stage),
                   .copy_engine = copy_engine},
       .label = fmt::format("{} {} {}", name_of(group), to_text(kind), to_text(bytes))});
  const auto index = static_cast<std::uint32_t>(program_.collectives.size() - 1);
  known_.emplace(key, index);
  return index;
}

}  // namespace orrery::workload
