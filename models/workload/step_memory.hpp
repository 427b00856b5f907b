#pragma once
/// The fullest stage of a step, and what would make it fit.

#include <string>
#include <vector>

#include "workload/memory_model.hpp"

namespace orrery::workload {

struct StepMemory {
  MemoryUse fullest;
  std::string advice;  ///< empty when it fits
};

/// Of the fullest stage. `layers` as layer_memory() of the recipe.
MemoryUse fullest(const Recipe& recipe, const LayerMemory& layers,
                  const std::vector<StageShape>& stages);
MemoryUse fullest(const Recipe& recipe, const std::vector<StageShape>& stages);
StepMemory step_memory(const Recipe& recipe, const std::vector<StageShape>& stages, Bytes capacity);
/// Forward work that the recipe's recomputation adds per token.
Flops recompute_flops_per_token(const Recipe& recipe);

}  // namespace orrery::workload
