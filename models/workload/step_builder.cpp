#include "workload/step_builder.hpp"

#include <algorithm>

#include <fmt/format.h>

#include <orrery/error.hpp>

#include "workload/step_parts.hpp"

namespace orrery::workload {
namespace {

// Microbatches that show a pipeline's start, its steady state and its end: it is steady when every
// stage has run what is in flight, and repeats with every `stages` microbatches.
int microbatches_to_show(int stages, int microbatches, bool shorten) {
  const int enough = stages == 1 ? 3 : 2 * stages;
  if (!shorten || microbatches <= enough) return microbatches;
  return enough + (microbatches - enough) % (stages == 1 ? 1 : stages);
}

}  // namespace

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
  return groups_.collective(GroupKind::NextStage, rank, CollectiveKind::SendRecv,
                            message_bytes(recipe_), recipe_.activation_type());
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

std::uint32_t StepBuilder::tail(Builders& with, int rank) {
  const int stage = groups_.stage_of(rank);
  const auto known = with.tails.find(stage);
  if (known != with.tails.end()) return known->second;
  Sequence sequence(outline_);
  add_tail(recipe_, groups_, with.data, rank, sequence);
  const std::uint32_t made = outline_.add(sequence.finish());
  with.tails.emplace(stage, made);
  return made;
}

}  // namespace orrery::workload
