#include "workload/data_parallel.hpp"

#include <map>
#include <memory>

namespace orrery::workload {

DataParallel::DataParallel(const Recipe& recipe, Groups& groups, int stage)
    : recipe_(recipe),
      groups_(groups),
      stage_(stage),
      sharding_(recipe.parallelism.sharding),
      full_(sharding_ == Sharding::Zero3 || sharding_ == Sharding::Hybrid),
      active_(groups.reduction_ranks() > 1) {}

DataParallel::Unit DataParallel::unit(double parameters) {
  const Software& software = recipe_.software;
  const Bytes gathered = parameters * size_of(software.gathered);
  const Bytes reduced = parameters * size_of(software.gradient);
  const bool hybrid = sharding_ == Sharding::Hybrid;
  const GroupKind group = hybrid ? GroupKind::Shard : GroupKind::Data;
  const auto make = [&](GroupKind who, CollectiveKind kind, Bytes bytes, Dtype dtype) {
    return groups_.collective(who, stage_, kind, bytes, dtype);
  };
  Unit result;
  const bool split = sharding_ != Sharding::None;
  if (split) result.gather = make(group, CollectiveKind::AllGather, gathered, software.gathered);
  result.reduce = make(group, split ? CollectiveKind::ReduceScatter : CollectiveKind::AllReduce,
                       reduced, software.gradient);
  if (hybrid) {
    result.replicas =
        make(GroupKind::Replica, CollectiveKind::AllReduce,
             reduced / static_cast<double>(groups_.size(GroupKind::Shard)), software.gradient);
  }
  return result;
}

double DataParallel::parameters(const ChunkShape& chunk, int layer) const {
  const double tensor = recipe_.parallelism.tensor;
  if (layer >= 0) return recipe_.model.layer_parameters() / tensor;
  const double table = recipe_.padded_vocabulary() * recipe_.model.hidden / tensor;
  double sum = 0;
  if (chunk.embedding)
    sum += recipe_.model.embedding_parameters(recipe_.padded_vocabulary()) / tensor;
  if (chunk.head && !(chunk.embedding && recipe_.model.tied_embeddings)) sum += table;
  return sum;
}

bool DataParallel::reduces_beside() const {
  return active_ && (gathers_layers() || recipe_.software.overlap.grad_reduce);
}

void DataParallel::reduce_beside(Sequence& sequence, const Unit& unit) {
  if (!recipe_.software.overlap.grad_reduce) {
    sequence.blocking(unit.reduce, Tile::DataComm);
    if (sharding_ == Sharding::Hybrid) sequence.blocking(unit.replicas, Tile::DataComm);
    return;
  }
  sequence.beside(unit.reduce, Stream::DataComm, Tile::DataComm);
  if (sharding_ == Sharding::Hybrid) {
    sequence.detached(unit.replicas, Stream::DataComm, Tile::DataComm);  // after it in the stream
  }
}

void DataParallel::reduce(Sequence& sequence, double parameters) {
  if (!active_) return;
  sequence.blocking(unit(parameters).reduce, Tile::DataComm);
}

void DataParallel::gather(Sequence& sequence, double parameters) {
  if (!active_ || sharding_ != Sharding::Zero1 || recipe_.software.overlap.param_gather) return;
  sequence.blocking(unit(parameters).gather, Tile::DataComm);
}

ChunkHooks DataParallel::forward(const ChunkShape& chunk, bool first_microbatch) {
  if (!active_) return {};
  if (gathers_layers()) return layer_gathering(chunk, false);
  if (sharding_ == Sharding::Zero1 && recipe_.software.overlap.param_gather && first_microbatch) {
    return bucket_gathering(chunk);
  }
  return {};
}

ChunkHooks DataParallel::backward(const ChunkShape& chunk, bool last_microbatch) {
  if (!active_) return {};
  if (gathers_layers()) return layer_gathering(chunk, true);
  if (recipe_.software.overlap.grad_reduce && last_microbatch) return bucket_reduction(chunk);
  return {};
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
  const Unit layer_unit = unit(parameters(chunk, 0));
  const int layers = chunk.layers;
  const auto nth = [=](int i) { return backward ? layers - 1 - i : i; };
  const auto issue = [=](Sequence& sequence, int upto) {
    for (; regathers && state->issued < std::min(upto, layers); ++state->issued) {
      const int now = sequence.mark();
      state->gathered[nth(state->issued)] =
          sequence.detached(layer_unit.gather, Stream::DataComm, Tile::DataComm,
                            now >= 0 ? std::vector{now} : std::vector<int>{});
    }
  };
  ChunkHooks hooks;
  hooks.begin = [=, this](Sequence& sequence) {
    if (!backward) {
      state->gathered[-1] = sequence.detached(ends.gather, Stream::DataComm, Tile::DataComm);
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
      reduce_beside(sequence, layer >= 0 ? layer_unit : ends);
    };
  }
  return hooks;
}

// Buckets of layers whose parameters were split by the optimizer arrive in the order of use.
ChunkHooks DataParallel::bucket_gathering(const ChunkShape& chunk) {
  auto step_of = std::make_shared<std::map<int, int>>();  // first layer of a bucket -> step
  ChunkHooks hooks;
  hooks.begin = [=, this](Sequence& sequence) {
    double filled = parameters(chunk, -1);
    int first = chunk.embedding ? -1 : 0;
    for (int layer = 0; layer < chunk.layers; ++layer) {
      filled += parameters(chunk, layer);
      if (filled < recipe_.software.bucket_parameters && layer + 1 < chunk.layers) continue;
      (*step_of)[first] = sequence.detached(unit(filled).gather, Stream::ParamComm, Tile::DataComm);
      first = layer + 1;
      filled = 0;
    }
  };
  hooks.before = [=](Sequence& sequence, int layer) {
    const auto found = step_of->find(layer);
    if (found != step_of->end()) sequence.wait(found->second);
  };
  return hooks;
}

ChunkHooks DataParallel::bucket_reduction(const ChunkShape& chunk) {
  auto filled = std::make_shared<double>(0.0);
  ChunkHooks hooks;
  hooks.after = [=, this](Sequence& sequence, int layer) {
    *filled += parameters(chunk, layer);
    if (*filled < recipe_.software.bucket_parameters) return;
    reduce_beside(sequence, unit(*filled));
    *filled = 0;
  };
  hooks.end = [=, this](Sequence& sequence) {
    if (*filled > 0) reduce_beside(sequence, unit(*filled));
    *filled = 0;
  };
  return hooks;
}

}  // namespace orrery::workload
