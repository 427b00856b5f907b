#pragma once
/// Device memory of a training step, itemised.

#include <orrery/workload.hpp>

#include "workload/recipe.hpp"

namespace orrery::workload {

/// What a pipeline stage holds.
struct StageShape {
  double layers = 0;        ///< transformer layers on this stage
  double chunk_layers = 0;  ///< in its largest chunk
  bool embedding = false;
  bool head = false;
  double in_flight_chunks = 1;  ///< chunks whose activations are kept at once
  int data_ranks = 1;           ///< that share the sharded state
  int shard_ranks = 1;          ///< over which gathered parameters are split (zero3, hybrid)
};

/// Bytes kept per layer and microbatch until its backward, on one device (Korthikanti et al. 2022,
/// eq. 1–6, by tensor instead of in sum, so that gated and grouped-query layers are right too).
Bytes layer_activations(const Recipe& recipe);
/// Parameters that a device of the stage multiplies with (after tensor parallelism, before
/// sharding).
double stage_parameters(const Recipe& recipe, const StageShape& stage);
MemoryUse stage_memory(const Recipe& recipe, const StageShape& stage);

}  // namespace orrery::workload
