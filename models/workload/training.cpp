#include "workload/training.hpp"

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "workload/data_parallel.hpp"
#include "workload/memory_model.hpp"
#include "workload/pipeline_schedule.hpp"
#include "workload/step_memory.hpp"

namespace orrery {
namespace workload {
namespace {

// Lowers the whole step. One represented rank per pipeline stage: its tensor, context and data
// peers run the same program on the same kind of device in the same place.
class StepBuilder {
 public:
  StepBuilder(const Recipe& recipe, const Platform& platform)
      : recipe_(recipe),
        platform_(platform),
        groups_(recipe, platform, lowered_.program),
        stages_(recipe.parallelism.pipeline),
        chunks_(recipe.parallelism.interleave) {
    ORRERY_CHECK(stages_ >= 1 && chunks_ >= 1);
    lowered_.program.ranks = static_cast<std::uint32_t>(stages_);
  }

  LoweredWorkload build() {
    for (int stage = 0; stage < stages_; ++stage) {
      lowered_.rank_names.push_back(stages_ > 1 ? fmt::format("stage {}", stage) : "every rank");
      build_stage(stage);
    }
    connect_stages();
    describe();
    return std::move(lowered_);
  }

 private:
  // Where a pass of a stage begins, and the operation after which its output is at the neighbour.
  struct PassOps {
    std::uint32_t first = 0;
    std::uint32_t output = 0;
  };
  using PassKey = std::tuple<int, bool, int, int>;  // stage, backward, microbatch, chunk

  // Chunk `chunk` of stage `stage` is the (chunk * stages + stage)-th part of the model.
  [[nodiscard]] ChunkShape shape(int stage, int chunk) const {
    const int part = chunk * stages_ + stage;
    const int parts = std::max(1, stages_ * chunks_);
    const auto& uneven = recipe_.parallelism.layers_per_stage;
    return {.layers = uneven.empty() ? static_cast<int>(recipe_.model.layers) / parts
                                     : static_cast<int>(uneven[static_cast<std::size_t>(part)]),
            .embedding = part == 0,
            .head = part == parts - 1};
  }

  // The sequences of one chunk. First and last microbatch differ where data parallelism hooks in.
  struct ChunkSequences {
    Sequence forward_first, forward, backward, backward_last;
  };

  void build_stage(int stage) {
    ChunkBuilder builder(recipe_, groups_, lowered_.program, stage);
    DataParallel data(recipe_, groups_, stage);
    std::vector<ChunkSequences> chunks;
    for (int chunk = 0; chunk < chunks_; ++chunk) {
      const ChunkShape part = shape(stage, chunk);
      chunks.push_back({builder.forward(part, data.forward(part, true)),
                        builder.forward(part, data.forward(part, false)),
                        builder.backward(part, data.backward(part, false)),
                        builder.backward(part, data.backward(part, true))});
    }
    const bool sync = stages_ > 1 && recipe_.software.blocking_p2p;
    for (ChunkSequences& c : chunks) {
      if (sync) {
        for (Sequence* s : {&c.forward_first, &c.forward, &c.backward, &c.backward_last}) {
          s->sync_first();
        }
      }
    }
    const int last = groups_.microbatches() - 1;
    std::vector<std::uint32_t> ends;
    for (const Pass& pass : pipeline_order(stages_, stage, chunks_, groups_.microbatches())) {
      ChunkSequences& c = chunks[static_cast<std::size_t>(pass.chunk)];
      Sequence& sequence = pass.backward ? (pass.microbatch == last ? c.backward_last : c.backward)
                                         : (pass.microbatch == 0 ? c.forward_first : c.forward);
      ends = place_pass(stage, pass, sequence);
    }
    finish_stage(stage, data, ends);
  }

  std::vector<std::uint32_t> place_pass(int stage, const Pass& pass, Sequence& sequence) {
    const auto rank = static_cast<std::uint32_t>(stage);
    const Sequence::Placed placed = sequence.place(rank);
    PassOps ops{placed.first, placed.last};
    if (sends(stage, pass)) {
      const bool beside = recipe_.software.overlap.p2p;
      const int towards = pass.backward ? (stage + stages_ - 1) % stages_ : stage;
      ops.output = lowered_.program.add({.kind = Op::Kind::Collective,
                                         .stream = beside ? Stream::Send : Stream::Compute,
                                         .tile = Tile::PipelineComm,
                                         .rank = rank,
                                         .work = message(towards)},
                                        {placed.last});
    }
    passes_[{stage, pass.backward, pass.microbatch, pass.chunk}] = ops;
    return placed.ends;
  }

  // The last part's forward and the first part's backward stay where they are.
  [[nodiscard]] bool sends(int stage, const Pass& pass) const {
    const int part = pass.chunk * stages_ + stage;
    return stages_ > 1 && (pass.backward ? part > 0 : part < stages_ * chunks_ - 1);
  }

  [[nodiscard]] bool splits_messages() const {
    return recipe_.parallelism.sequence || recipe_.software.scatter_gather;
  }

  std::uint32_t message(int stage) {
    const double ways = splits_messages() ? recipe_.parallelism.tensor : 1;
    const Bytes bytes =
        device_tokens(recipe_) * recipe_.model.hidden / ways * size_of(recipe_.activation_type());
    return groups_.collective(GroupKind::NextStage, stage, CollectiveKind::SendRecv, bytes,
                              recipe_.activation_type());
  }

  void connect_stages() {
    const int parts = stages_ * chunks_;
    for (const auto& [key, ops] : passes_) {
      const auto& [stage, backward, microbatch, chunk] = key;
      const int part = chunk * stages_ + stage;
      const int from = backward ? part + 1 : part - 1;
      if (from < 0) continue;
      if (from == parts) {  // the loss turns round on the last part
        lowered_.program.add_dependency(ops.first,
                                        passes_.at({stage, false, microbatch, chunk}).output);
        continue;
      }
      const PassKey before{from % stages_, backward, microbatch, from / stages_};
      if (stages_ > 1) lowered_.program.add_dependency(ops.first, passes_.at(before).output);
    }
  }

  // After the last backward: what is left to reduce, the optimizer, and what is left to gather.
  void finish_stage(int stage, DataParallel& data, const std::vector<std::uint32_t>& ends) {
    const StageShape shape = stage_shape(stage);
    const double parameters = stage_parameters(recipe_, shape);
    Sequence tail(lowered_.program);
    if (!data.reduces_beside()) data.reduce(tail, parameters);
    const bool ends_apart = stages_ > 1 && recipe_.model.tied_embeddings;
    if (ends_apart && (stage == 0 || stage == stages_ - 1)) {
      const double table =
          recipe_.padded_vocabulary() * recipe_.model.hidden / recipe_.parallelism.tensor;
      tail.blocking(
          groups_.collective(GroupKind::EmbeddingTie, 0, CollectiveKind::AllReduce,
                             table * size_of(recipe_.software.gradient), recipe_.software.gradient),
          Tile::PipelineComm);
    }
    const Sharding sharding = recipe_.parallelism.sharding;
    const double ways = sharding == Sharding::None     ? 1
                        : sharding == Sharding::Hybrid ? groups_.size(GroupKind::Shard)
                                                       : groups_.reduction_ranks();
    tail.compute(optimizer_kernels(recipe_, parameters / ways,
                                   data.gathers_layers() ? parameters / ways : parameters),
                 Tile::Optimizer);
    data.gather(tail, parameters);
    tail.host(recipe_.software.step_overhead);
    const Sequence::Placed placed = tail.place(static_cast<std::uint32_t>(stage));
    for (const std::uint32_t end : ends) {
      if (end != placed.first) lowered_.program.add_dependency(placed.first, end);
    }
  }

  [[nodiscard]] StageShape stage_shape(int stage) const {
    StageShape result;
    for (int chunk = 0; chunk < chunks_; ++chunk) {
      const ChunkShape part = shape(stage, chunk);
      result.layers += part.layers;
      result.chunk_layers = std::max(result.chunk_layers, static_cast<double>(part.layers));
      result.embedding = result.embedding || part.embedding;
      result.head = result.head || part.head;
    }
    result.in_flight_chunks =
        in_flight(pipeline_order(stages_, stage, chunks_, groups_.microbatches()));
    result.data_ranks = groups_.reduction_ranks();
    result.shard_ranks = groups_.size(GroupKind::Shard);
    return result;
  }

  void describe() {
    std::vector<StageShape> shapes;
    for (int stage = 0; stage < stages_; ++stage) shapes.push_back(stage_shape(stage));
    const StepMemory memory =
        step_memory(recipe_, shapes, platform_.accelerator().memory_capacity());
    lowered_.memory = memory.fullest;
    lowered_.memory_advice = memory.advice;
    const double tokens = recipe_.global_batch * recipe_.sequence_length;
    const Flops model = tokens * recipe_.model.training_flops_per_token(
                                     recipe_.sequence_length, recipe_.padded_vocabulary());
    lowered_.work = {.tokens = tokens,
                     .samples = recipe_.global_batch,
                     .model_flops = model,
                     .hardware_flops = model + tokens * recompute_flops_per_token(recipe_),
                     .dtype = recipe_.precision,
                     .devices = groups_.devices()};
    lowered_.launch_time = recipe_.software.cuda_graph ? Seconds(0) : recipe_.software.launch_time;
    const Dtype precision = recipe_.precision;
    if (!platform_.accelerator().supports(precision)) {
      throw ConfigError(fmt::format("{}: precision {} has no matrix units on {}",
                                    recipe_.where_precision.text(), to_text(precision),
                                    platform_.accelerator().name()));
    }
  }

  const Recipe& recipe_;
  const Platform& platform_;
  LoweredWorkload lowered_;
  Groups groups_;
  int stages_;
  int chunks_;
  std::map<PassKey, PassOps> passes_;
};

class Training final : public Workload {
 public:
  explicit Training(Recipe recipe) : recipe_(std::move(recipe)) {}
  LoweredWorkload lower(const Platform& platform) const override {
    return StepBuilder(recipe_, platform).build();
  }

 private:
  Recipe recipe_;
};

}  // namespace
}  // namespace workload

std::unique_ptr<const Workload> make_training(Reader& reader) {
  auto recipe = workload::Recipe::read(reader);
  reader.finish();
  return std::make_unique<workload::Training>(std::move(recipe));
}

}  // namespace orrery
