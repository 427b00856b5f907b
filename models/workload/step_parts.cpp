#include "workload/step_parts.hpp"

#include <numeric>

#include "workload/pipeline_schedule.hpp"

namespace orrery::workload {
namespace {

// Adds a part of the model to the stage that holds it.
void add_part(const Recipe& recipe, int part, int first_layer, StageShape& stage) {
  const int layers = part_layers(recipe, part);
  const int experts = recipe.model.moe ? recipe.model.expert_layers(first_layer, layers) : 0;
  stage.layers += layers;
  stage.expert_layers += experts;
  if (layers > stage.chunk_layers) {
    stage.chunk_layers = layers;
    stage.chunk_expert_layers = experts;
  }
  const int parts = recipe.parallelism.pipeline * recipe.parallelism.interleave;
  stage.embedding = stage.embedding || part == 0;
  stage.head = stage.head || part == parts - 1;
}

// Parameters whose state this device keeps.
double held_parameters(const Recipe& recipe, const Groups& groups, const DeviceParameters& all) {
  const Sharding sharding = recipe.parallelism.sharding;
  if (sharding == Sharding::None) return all.all();
  if (sharding == Sharding::Hybrid) return all.all() / groups.size(GroupKind::Shard);
  return all.dense / groups.reduction_ranks() + all.expert / groups.expert_replicas();
}

}  // namespace

int part_layers(const Recipe& recipe, int part) {
  const auto& uneven = recipe.parallelism.layers_per_stage;
  if (!uneven.empty()) return static_cast<int>(uneven[static_cast<std::size_t>(part)]);
  return static_cast<int>(recipe.model.layers) /
         (recipe.parallelism.pipeline * recipe.parallelism.interleave);
}

ChunkShape chunk_shape(const Recipe& recipe, int stage, int chunk) {
  const int part = chunk * recipe.parallelism.pipeline + stage;
  const int parts = recipe.parallelism.pipeline * recipe.parallelism.interleave;
  const auto& uneven = recipe.parallelism.layers_per_stage;
  const int layers = part_layers(recipe, part);
  const int before = uneven.empty() ? part * layers
                                    : static_cast<int>(std::accumulate(
                                          uneven.begin(), uneven.begin() + part, std::int64_t{0}));
  return {
      .first_layer = before, .layers = layers, .embedding = part == 0, .head = part == parts - 1};
}

void fill_stage_shapes(const Recipe& recipe, const Groups& groups,
                       std::vector<StageShape>& shapes) {
  const int stages = recipe.parallelism.pipeline;
  const int chunks = recipe.parallelism.interleave;
  shapes.assign(static_cast<std::size_t>(stages), StageShape{});
  int first_layer = 0;
  for (int part = 0; part < stages * chunks; ++part) {
    add_part(recipe, part, first_layer, shapes[static_cast<std::size_t>(part % stages)]);
    first_layer += part_layers(recipe, part);
  }
  for (int stage = 0; stage < stages; ++stage) {
    StageShape& shape = shapes[static_cast<std::size_t>(stage)];
    shape.in_flight_chunks = in_flight(stages, stage, chunks, groups.microbatches());
    shape.data_ranks = groups.reduction_ranks();
    shape.expert_data_ranks = groups.expert_replicas();
    shape.shard_ranks = groups.size(GroupKind::Shard);
  }
}

std::vector<StageShape> stage_shapes(const Recipe& recipe, const Groups& groups) {
  std::vector<StageShape> shapes;
  fill_stage_shapes(recipe, groups, shapes);
  return shapes;
}

Bytes message_bytes(const Recipe& recipe) {
  const bool split = recipe.parallelism.sequence || recipe.software.scatter_gather;
  const double ways = split ? recipe.parallelism.tensor : 1;
  return device_tokens(recipe) * recipe.model.hidden / ways * size_of(recipe.activation_type());
}

void add_tail(const Recipe& recipe, Groups& groups, DataParallel& data, int rank,
              Sequence& sequence) {
  const int stages = recipe.parallelism.pipeline;
  const int stage = groups.stage_of(rank);
  StageShape shape;
  for (int chunk = 0; chunk < recipe.parallelism.interleave; ++chunk) {
    add_part(recipe, chunk * stages + stage, chunk_shape(recipe, stage, chunk).first_layer, shape);
  }
  const DeviceParameters parameters = stage_parameters(recipe, shape);
  if (!data.reduces_beside()) data.reduce(sequence, parameters);
  const bool ends_apart = stages > 1 && recipe.model.tied_embeddings;
  if (ends_apart && (stage == 0 || stage == stages - 1)) {
    const double table =
        recipe.padded_vocabulary() * recipe.model.hidden / recipe.parallelism.tensor;
    const Dtype gradient = recipe.software.gradient;
    sequence.blocking(groups.collective(GroupKind::EmbeddingTie, rank, CollectiveKind::AllReduce,
                                        table * size_of(gradient), gradient),
                      Tile::PipelineComm);
  }
  const double held = held_parameters(recipe, groups, parameters);
  sequence.compute(optimizer_kernels(recipe, held, data.gathers_layers() ? held : parameters.all()),
                   Tile::Optimizer);
  data.gather(sequence, parameters);
  sequence.host(recipe.software.step_overhead);
}

}  // namespace orrery::workload
