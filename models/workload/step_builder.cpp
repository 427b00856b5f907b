#include "workload/step_builder.hpp"

#include <algorithm>
#include <numeric>

#include <fmt/format.h>

#include <orrery/error.hpp>

namespace orrery::workload {
namespace {

// Microbatches that show a pipeline's start, its steady state and its end: it is steady when every
// stage has run what is in flight, and repeats with every `stages` microbatches.
int microbatches_to_show(int stages, int microbatches, bool shorten) {
  const int enough = stages == 1 ? 3 : 2 * stages;
  if (!shorten || microbatches <= enough) return microbatches;
  return enough + (microbatches - enough) % (stages == 1 ? 1 : stages);
}

// Chunk `chunk` of stage `stage` is the (chunk * stages + stage)-th part of the model.
ChunkShape chunk_shape(const Recipe& recipe, int stage, int chunk) {
  const int stages = recipe.parallelism.pipeline;
  const int part = chunk * stages + stage;
  const int parts = stages * recipe.parallelism.interleave;
  const auto& uneven = recipe.parallelism.layers_per_stage;
  const int even = static_cast<int>(recipe.model.layers) / parts;
  int before = part * even;
  if (!uneven.empty()) {
    before =
        static_cast<int>(std::accumulate(uneven.begin(), uneven.begin() + part, std::int64_t{0}));
  }
  return {
      .first_layer = before,
      .layers = uneven.empty() ? even : static_cast<int>(uneven[static_cast<std::size_t>(part)]),
      .embedding = part == 0,
      .head = part == parts - 1};
}

StageShape stage_shape(const Recipe& recipe, const Groups& groups, int stage) {
  StageShape result;
  const int chunks = recipe.parallelism.interleave;
  for (int chunk = 0; chunk < chunks; ++chunk) {
    const ChunkShape part = chunk_shape(recipe, stage, chunk);
    result.layers += part.layers;
    const int experts = recipe.model.expert_layers(part.first_layer, part.layers);
    result.expert_layers += experts;
    if (part.layers > result.chunk_layers) {
      result.chunk_layers = part.layers;
      result.chunk_expert_layers = experts;
    }
    result.embedding = result.embedding || part.embedding;
    result.head = result.head || part.head;
  }
  result.in_flight_chunks =
      in_flight(recipe.parallelism.pipeline, stage, chunks, groups.microbatches());
  result.data_ranks = groups.reduction_ranks();
  result.expert_data_ranks = groups.expert_replicas();
  result.shard_ranks = groups.size(GroupKind::Shard);
  return result;
}

}  // namespace

std::vector<StageShape> stage_shapes(const Recipe& recipe, const Groups& groups) {
  std::vector<StageShape> shapes;
  for (int stage = 0; stage < recipe.parallelism.pipeline; ++stage) {
    shapes.push_back(stage_shape(recipe, groups, stage));
  }
  return shapes;
}

StepBuilder::StepBuilder(const Recipe& recipe, const FoldedJob& job, const LowerOptions& options)
    : recipe_(recipe),
      job_(job),
      groups_(recipe, job, outline_),
      stages_(recipe.parallelism.pipeline),
      chunks_(recipe.parallelism.interleave),
      microbatches_(microbatches_to_show(stages_, groups_.microbatches(), options.shorten)) {
  ORRERY_CHECK(stages_ >= 1 && chunks_ >= 1);
  outline_.microbatches_left_out = groups_.microbatches() - microbatches_;
  outline_.period = stages_;
}

Outline StepBuilder::build() {
  const std::size_t classes = job_.classes().size();
  passes_.resize(slot(static_cast<int>(classes), false, 0, 0));
  outline_.passes.reserve(passes_.size() + classes);
  for (int index = 0; index < static_cast<int>(job_.classes().size()); ++index) {
    build_class(index);
  }
  connect();
  return std::move(outline_);
}

StepBuilder::Builders& StepBuilder::builders(int rank) {
  std::vector<int> key;
  for (const GroupKind kind : groups_.meeting()) {
    // All stages go by the links of the ends: only their embeddings are tied.
    const int member = kind == GroupKind::EmbeddingTie ? rank % groups_.devices_per_stage() : rank;
    const bool alone = groups_.span(kind, member).count == 1;
    key.push_back(alone ? -1 : groups_.links(kind, member));
  }
  std::unique_ptr<Builders>& known = builders_[key];
  if (!known) known = std::make_unique<Builders>(recipe_, groups_, outline_, rank);
  return *known;
}

std::uint32_t StepBuilder::routine(Builders& with, const ChunkShape& part, bool backward,
                                   bool special) {
  std::vector<LayerKind> layers;
  for (int layer = 0; layer < part.layers; ++layer) {
    layers.push_back(recipe_.model.kind(part.first_layer + layer));
  }
  const auto key = std::make_tuple(layers, part.embedding, part.head, backward, special);
  const auto known = with.routines.find(key);
  if (known != with.routines.end()) return known->second;
  const std::uint32_t made = backward
                                 ? with.chunks.backward(part, with.data.backward(part, special))
                                 : with.chunks.forward(part, with.data.forward(part, special));
  with.routines.emplace(key, made);
  return made;
}

StepBuilder::PassKind StepBuilder::pass_kind(Builders& with, int rank, int chunk, bool backward) {
  const int stage = groups_.stage_of(rank);
  const ChunkShape shape = chunk_shape(recipe_, stage, chunk);
  const bool differs = backward ? with.data.last_differs() : with.data.first_differs();
  PassKind kind;
  kind.routine = routine(with, shape, backward, false);
  kind.special = differs ? routine(with, shape, backward, true) : kind.routine;
  return kind;
}

// The last part's forward and the first part's backward stay where they are; others are sent.
bool StepBuilder::sends(int stage, int chunk, bool backward) const {
  const int part = chunk * stages_ + stage;
  return stages_ > 1 && (backward ? part > 0 : part < stages_ * chunks_ - 1);
}

void StepBuilder::build_class(int index) {
  const int rank = job_.classes()[static_cast<std::size_t>(index)].rank;
  const int stage = groups_.stage_of(rank);
  Builders& with = builders(rank);
  std::vector<PassKind> kinds;  // forward of every chunk, then backward
  const int before = (rank + groups_.devices() - groups_.devices_per_stage()) % groups_.devices();
  for (const bool backward : {false, true}) {
    const auto carrier =
        stages_ > 1 ? static_cast<std::int32_t>(message(backward ? before : rank)) : -1;
    for (int chunk = 0; chunk < chunks_; ++chunk) {
      kinds.push_back(pass_kind(with, rank, chunk, backward));
      if (sends(stage, chunk, backward)) kinds.back().message = carrier;
    }
  }
  for (const StagePass& pass : pipeline_order(stages_, stage, chunks_, microbatches_)) {
    const int nth = pass.chunk + (pass.backward ? chunks_ : 0);
    const PassKind& kind = kinds[static_cast<std::size_t>(nth)];
    const bool special = pass.microbatch == (pass.backward ? microbatches_ - 1 : 0);
    passes_[slot(index, pass.backward, pass.chunk, pass.microbatch)] =
        static_cast<std::int32_t>(outline_.passes.size());
    outline_.passes.push_back(
        {.rank = static_cast<std::uint32_t>(index),
         .routine = special ? kind.special : kind.routine,
         .microbatch = pass.microbatch,
         .host_sync = stages_ > 1 && recipe_.software.blocking_p2p,
         .message = kind.message,
         .message_stream = recipe_.software.overlap.p2p ? Stream::Send : Stream::Compute});
  }
  outline_.passes.push_back(
      {.rank = static_cast<std::uint32_t>(index), .routine = tail(with, rank), .joins = true});
}

// Between `rank` and its peer in the next stage.
std::uint32_t StepBuilder::message(int rank) {
  const bool split = recipe_.parallelism.sequence || recipe_.software.scatter_gather;
  const double ways = split ? recipe_.parallelism.tensor : 1;
  const Bytes bytes =
      device_tokens(recipe_) * recipe_.model.hidden / ways * size_of(recipe_.activation_type());
  return groups_.collective(GroupKind::NextStage, rank, CollectiveKind::SendRecv, bytes,
                            recipe_.activation_type());
}

// The class that holds the part of stage `stage` for the microbatches of class `index`.
int StepBuilder::peer(int index, int stage) const {
  const int rank = job_.classes()[static_cast<std::size_t>(index)].rank;
  const int per_stage = groups_.devices_per_stage();
  return job_.class_of(stage * per_stage + rank % per_stage);
}

// A part's forward needs that of the part before, its backward that of the part after. The loss
// turns round on the last part, whose rank runs the forward before the backward anyway.
void StepBuilder::connect() {
  if (stages_ == 1) return;
  const int parts = stages_ * chunks_;
  for (int index = 0; index < static_cast<int>(job_.classes().size()); ++index) {
    const int stage = groups_.stage_of(job_.classes()[static_cast<std::size_t>(index)].rank);
    for (const bool backward : {false, true}) {
      const int other = peer(index, (stage + (backward ? 1 : stages_ - 1)) % stages_);
      for (int chunk = 0; chunk < chunks_; ++chunk) {
        const int from = chunk * stages_ + stage + (backward ? 1 : -1);
        if (from < 0 || from == parts) continue;
        for (int microbatch = 0; microbatch < microbatches_; ++microbatch) {
          const auto pass =
              static_cast<std::size_t>(passes_[slot(index, backward, chunk, microbatch)]);
          outline_.passes[pass].after = passes_[slot(other, backward, from / stages_, microbatch)];
        }
      }
    }
  }
}

// Those whose state this device keeps.
double StepBuilder::held_parameters(const DeviceParameters& all) const {
  const Sharding sharding = recipe_.parallelism.sharding;
  if (sharding == Sharding::None) return all.all();
  if (sharding == Sharding::Hybrid) return all.all() / groups_.size(GroupKind::Shard);
  return all.dense / groups_.reduction_ranks() + all.expert / groups_.expert_replicas();
}

// After the last backward: what is left to reduce, the optimizer, and what is left to gather.
std::uint32_t StepBuilder::tail(Builders& with, int rank) {
  const int stage = groups_.stage_of(rank);
  const auto known = with.tails.find(stage);
  if (known != with.tails.end()) return known->second;
  const DeviceParameters parameters =
      stage_parameters(recipe_, stage_shape(recipe_, groups_, stage));
  Sequence sequence(outline_);
  if (!with.data.reduces_beside()) with.data.reduce(sequence, parameters);
  const bool ends_apart = stages_ > 1 && recipe_.model.tied_embeddings;
  if (ends_apart && (stage == 0 || stage == stages_ - 1)) {
    const double table =
        recipe_.padded_vocabulary() * recipe_.model.hidden / recipe_.parallelism.tensor;
    sequence.blocking(
        groups_.collective(GroupKind::EmbeddingTie, rank, CollectiveKind::AllReduce,
                           table * size_of(recipe_.software.gradient), recipe_.software.gradient),
        Tile::PipelineComm);
  }
  const double held = held_parameters(parameters);
  sequence.compute(
      optimizer_kernels(recipe_, held, with.data.gathers_layers() ? held : parameters.all()),
      Tile::Optimizer);
  with.data.gather(sequence, parameters);
  sequence.host(recipe_.software.step_overhead);
  const std::uint32_t made = outline_.add(sequence.finish());
  with.tails.emplace(stage, made);
  return made;
}

}  // namespace orrery::workload
