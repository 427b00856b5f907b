#include "workload/data_parallel.hpp"

#include <map>
#include <memory>
#include <utility>

namespace orrery::workload {

DataParallel::DataParallel(const Recipe& recipe, Groups& groups, int rank)
    : recipe_(recipe),
      groups_(groups),
      rank_(rank),
      sharding_(recipe.parallelism.sharding),
      full_(sharding_ == Sharding::Zero3 || sharding_ == Sharding::Hybrid),
      active_(groups.reduction_ranks() > 1 || (recipe.model.moe && groups.expert_replicas() > 1)) {}

void DataParallel::add(Unit& unit, GroupKind group, double parameters) {
  const Software& software = recipe_.software;
  const bool split = sharding_ != Sharding::None;
  if (split) {
    unit.gather.push_back(groups_.collective(group, rank_, CollectiveKind::AllGather,
                                             parameters * size_of(software.gathered),
                                             software.gathered));
  }
  unit.reduce.push_back(groups_.collective(
      group, rank_, split ? CollectiveKind::ReduceScatter : CollectiveKind::AllReduce,
      parameters * size_of(software.gradient), software.gradient));
}

// Experts have fewer replicas than the other parameters, in groups of their own.
DataParallel::Unit DataParallel::unit(const DeviceParameters& parameters) {
  Unit result;
  if (sharding_ == Sharding::Hybrid) {
    add(result, GroupKind::Shard, parameters.all());
    const Bytes reduced = parameters.all() * size_of(recipe_.software.gradient);
    result.replicas = groups_.collective(
        GroupKind::Replica, rank_, CollectiveKind::AllReduce,
        reduced / static_cast<double>(groups_.size(GroupKind::Shard)), recipe_.software.gradient);
    return result;
  }
  add(result, GroupKind::Data, parameters.dense);
  if (parameters.expert > 0) add(result, GroupKind::ExpertData, parameters.expert);
  return result;
}

DeviceParameters DataParallel::parameters(const ChunkShape& chunk, int layer) const {
  if (layer < 0) return end_parameters(recipe_, chunk.embedding, chunk.head);
  return layer_parameters(recipe_, recipe_.model.kind(chunk.first_layer + layer));
}

int DataParallel::gather_detached(Sequence& sequence, const Unit& unit, Stream stream,
                                  std::vector<int> after) {
  int step = -1;
  for (const std::uint32_t collective : unit.gather) {
    step = sequence.detached(collective, stream, Tile::DataComm, std::exchange(after, {}));
  }
  return step;
}

bool DataParallel::reduces_beside() const {
  return active_ && (gathers_layers() || recipe_.software.overlap.grad_reduce);
}

void DataParallel::reduce_beside(Sequence& sequence, const Unit& unit) {
  if (!recipe_.software.overlap.grad_reduce) {
    for (const std::uint32_t collective : unit.reduce) {
      sequence.blocking(collective, Tile::DataComm);
    }
    if (sharding_ == Sharding::Hybrid) sequence.blocking(unit.replicas, Tile::DataComm);
    return;
  }
  for (const std::uint32_t collective : unit.reduce) {
    sequence.beside(collective, Stream::DataComm, Tile::DataComm);
  }
  if (sharding_ == Sharding::Hybrid) {
    sequence.detached(unit.replicas, Stream::DataComm, Tile::DataComm);  // after it in the stream
  }
}

void DataParallel::reduce(Sequence& sequence, const DeviceParameters& parameters) {
  if (!active_) return;
  for (const std::uint32_t collective : unit(parameters).reduce) {
    sequence.blocking(collective, Tile::DataComm);
  }
}

void DataParallel::reduce_layer(Sequence& sequence, const DeviceParameters& parameters) {
  if (active_) reduce_beside(sequence, unit(parameters));
}

void DataParallel::gather(Sequence& sequence, const DeviceParameters& parameters) {
  if (!active_ || sharding_ != Sharding::Zero1 || recipe_.software.overlap.param_gather) return;
  for (const std::uint32_t collective : unit(parameters).gather) {
    sequence.blocking(collective, Tile::DataComm);
  }
}

ChunkHooks DataParallel::forward(const ChunkShape& chunk, bool first_microbatch) {
  if (!active_) return {};
  if (gathers_layers()) return layer_gathering(chunk, false);
  return first_differs() && first_microbatch ? bucket_gathering(chunk) : ChunkHooks{};
}

ChunkHooks DataParallel::backward(const ChunkShape& chunk, bool last_microbatch) {
  if (!active_) return {};
  if (gathers_layers()) return layer_gathering(chunk, true);
  return last_differs() && last_microbatch ? bucket_reduction(chunk) : ChunkHooks{};
}

// A layer is gathered while the one `prefetch - 1` before it computes, and freed after use; at most
// `prefetch` are on their way or in use. Gathering and reducing share a stream, as they share a
// communicator.
ChunkHooks DataParallel::layer_gathering(const ChunkShape& chunk, bool backward) {
  struct State {
    std::map<int, int> gathered;  // step of each layer's gathering
    int issued = 0;               // layers whose gathering is issued, in order of use
  };
  auto state = std::make_shared<State>();
  const bool regathers = full_ || !backward;  // zero2 keeps parameters from forward to backward
  const Unit ends = unit(parameters(chunk, -1));
  const int layers = chunk.layers;
  std::vector<Unit> layer_units;
  for (int layer = 0; layer < layers; ++layer)
    layer_units.push_back(unit(parameters(chunk, layer)));
  const auto nth = [=](int i) { return backward ? layers - 1 - i : i; };
  const auto issue = [=, this](Sequence& sequence, int upto) {
    for (; regathers && state->issued < std::min(upto, layers); ++state->issued) {
      const int now = sequence.mark();
      const int layer = nth(state->issued);
      state->gathered[layer] =
          gather_detached(sequence, layer_units[static_cast<std::size_t>(layer)], Stream::DataComm,
                          now >= 0 ? std::vector{now} : std::vector<int>{});
    }
  };
  ChunkHooks hooks;
  hooks.begin = [=, this](Sequence& sequence) {
    if (!backward) {
      state->gathered[-1] = gather_detached(sequence, ends, Stream::DataComm, {});
    }
    issue(sequence, recipe_.software.prefetch - 1);
  };
  hooks.before = [=, this](Sequence& sequence, int layer) {
    if (layer >= 0)
      issue(sequence, (backward ? layers - layer : layer + 1) + recipe_.software.prefetch - 1);
    const auto found = state->gathered.find(layer);
    if (found != state->gathered.end()) sequence.wait(found->second);
  };
  if (backward) {
    hooks.after = [=, this](Sequence& sequence, int layer) {
      reduce_beside(sequence, layer >= 0 ? layer_units[static_cast<std::size_t>(layer)] : ends);
    };
  }
  return hooks;
}

// Buckets of layers whose parameters were split by the optimizer arrive in the order of use.
ChunkHooks DataParallel::bucket_gathering(const ChunkShape& chunk) {
  auto step_of = std::make_shared<std::map<int, int>>();  // first layer of a bucket -> step
  ChunkHooks hooks;
  hooks.begin = [=, this](Sequence& sequence) {
    DeviceParameters filled = parameters(chunk, -1);
    if (chunk.layers == 0) {
      (*step_of)[-1] = gather_detached(sequence, unit(filled), Stream::ParamComm, {});
      return;
    }
    int first = chunk.embedding ? -1 : 0;
    for (int layer = 0; layer < chunk.layers; ++layer) {
      filled += parameters(chunk, layer);
      if (filled.all() < recipe_.software.bucket_parameters && layer + 1 < chunk.layers) continue;
      (*step_of)[first] = gather_detached(sequence, unit(filled), Stream::ParamComm, {});
      first = layer + 1;
      filled = {};
    }
  };
  hooks.before = [=](Sequence& sequence, int layer) {
    const auto found = step_of->find(layer);
    if (found != step_of->end()) sequence.wait(found->second);
  };
  return hooks;
}

ChunkHooks DataParallel::bucket_reduction(const ChunkShape& chunk) {
  auto filled = std::make_shared<DeviceParameters>();
  ChunkHooks hooks;
  hooks.after = [=, this](Sequence& sequence, int layer) {
    *filled += parameters(chunk, layer);
    if (filled->all() < recipe_.software.bucket_parameters) return;
    reduce_beside(sequence, unit(*filled));
    *filled = {};
  };
  hooks.end = [=, this](Sequence& sequence) {
    if (filled->all() > 0) reduce_beside(sequence, unit(*filled));
    *filled = {};
  };
  return hooks;
}

}  // namespace orrery::workload
