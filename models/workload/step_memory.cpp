#include "workload/step_memory.hpp"

#include <fmt/format.h>

namespace orrery::workload {

namespace {

// Whether two stages differ in nothing but how much is in flight on them.
bool hold_the_same(const StageShape& a, const StageShape& b) {
  return a.layers == b.layers && a.expert_layers == b.expert_layers &&
         a.chunk_layers == b.chunk_layers && a.chunk_expert_layers == b.chunk_expert_layers &&
         a.embedding == b.embedding && a.head == b.head;
}

}  // namespace

MemoryUse fullest(const Recipe& recipe, const LayerMemory& layers,
                  const std::vector<StageShape>& stages) {
  MemoryUse most;
  const StageShape* before = nullptr;
  for (const StageShape& stage : stages) {
    // Later stages have no more in flight: of equal ones in a row the first is the fullest.
    const bool less = before != nullptr && hold_the_same(*before, stage) &&
                      stage.in_flight_chunks <= before->in_flight_chunks;
    before = &stage;
    if (less) continue;
    const MemoryUse use = stage_memory(recipe, layers, stage);
    if (most.total() < use.total()) most = use;
  }
  return most;
}

MemoryUse fullest(const Recipe& recipe, const std::vector<StageShape>& stages) {
  return fullest(recipe, layer_memory(recipe), stages);
}

namespace {

// The first single change, from cheap to dear, after which the step fits.
std::string advise(const Recipe& recipe, const std::vector<StageShape>& stages, Bytes capacity) {
  const auto fits = [&](const Recipe& changed) {
    return fullest(changed, stages).total() <= capacity;
  };
  Recipe changed = recipe;
  if (recipe.parallelism.tensor > 1 && !recipe.parallelism.sequence) {
    changed.parallelism.sequence = true;
    if (fits(changed)) return "parallelism.sequence: true";
    changed = recipe;
  }
  if (recipe.parallelism.sharding == Sharding::None && stages.front().data_ranks > 1) {
    changed.parallelism.sharding = Sharding::Zero1;
    if (fits(changed)) return "parallelism.sharding: zero1";
    changed = recipe;
  }
  if (recipe.recompute == Recompute::None) {
    changed.recompute = Recompute::Selective;
    if (fits(changed)) return "recompute: selective";
  }
  if (!recipe.recomputes_layers()) {
    changed.recompute = Recompute::Full;
    changed.recompute_fraction = 1;
    if (fits(changed)) return "recompute: full";
    changed = recipe;
  }
  for (int microbatch = static_cast<int>(recipe.microbatch) / 2; microbatch >= 1; microbatch /= 2) {
    changed.microbatch = microbatch;
    if (fits(changed)) return fmt::format("microbatch: {}", microbatch);
  }
  if (recipe.parallelism.pipeline == 1 && recipe.parallelism.sharding != Sharding::Zero3) {
    changed = recipe;
    changed.parallelism.sharding = Sharding::Zero3;
    if (fits(changed)) return "parallelism.sharding: zero3";
  }
  return "more tensor or pipeline parallelism, or a device with more memory";
}

}  // namespace

StepMemory step_memory(const Recipe& recipe, const std::vector<StageShape>& stages,
                       Bytes capacity) {
  StepMemory result{.fullest = fullest(recipe, stages), .advice = {}};
  if (result.fullest.total() > capacity) result.advice = advise(recipe, stages, capacity);
  return result;
}

Flops recompute_flops_per_token(const Recipe& recipe) {
  const ModelSpec& model = recipe.model;
  const double layers = model.layers + model.mtp_layers;
  const double attention =
      2 * layers * (model.attention_width() + model.value_width()) * recipe.sequence_length;
  switch (recipe.recompute) {
    case Recompute::None:
      return Flops(0);
    case Recompute::Selective: {
      const RecomputeModules& modules = recipe.recompute_modules;
      return Flops((modules.attention ? attention : 0) +
                   (modules.latent_up ? 2 * layers * model.latent_up_parameters() : 0));
    }
    case Recompute::Operator:
      return Flops(2 * model.layers * model.hidden *
                   (model.kv_width() + model.attention_width() + model.feed_forward_in() / 2));
    case Recompute::Full:
      return Flops(recipe.recompute_fraction * (attention + 2 * model.active_layer_matrices()));
    case Recompute::OffloadQkv:
      return Flops(
          recipe.recompute_fraction *
          (attention + 2 * model.active_layer_matrices() -
           2 * model.layers * model.hidden * (model.attention_width() + 2 * model.kv_width())));
  }
  return Flops(0);
}

}  // namespace orrery::workload
