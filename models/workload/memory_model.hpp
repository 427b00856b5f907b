#pragma once
/// Device memory of a training step, itemised.

#include <orrery/workload.hpp>

#include "workload/recipe.hpp"

namespace orrery::workload {

/// What a pipeline stage holds.
struct StageShape {
  double layers = 0;               ///< transformer layers on this stage
  double expert_layers = 0;        ///< of them, with experts
  double chunk_layers = 0;         ///< in its largest chunk
  double chunk_expert_layers = 0;  ///< of them, with experts
  bool embedding = false;
  bool head = false;
  double in_flight_chunks = 1;  ///< chunks whose activations are kept at once
  int data_ranks = 1;           ///< that share the sharded state
  int expert_data_ranks = 1;    ///< that share the sharded state of experts
  int shard_ranks = 1;          ///< over which gathered parameters are split (zero3, hybrid)
};

/// Parameters on one device, after tensor and expert parallelism and before sharding. Those of
/// routed experts have replicas of their own.
struct DeviceParameters {
  double dense = 0;
  double expert = 0;
  [[nodiscard]] double all() const { return dense + expert; }
  DeviceParameters& operator+=(const DeviceParameters& more) {
    dense += more.dense;
    expert += more.expert;
    return *this;
  }
};

/// Bytes kept per layer and microbatch until its backward, on one device (Korthikanti et al. 2022,
/// eq. 1–6, by tensor instead of in sum, so that gated and grouped-query layers are right too).
Bytes layer_activations(const Recipe& recipe, LayerKind kind = LayerKind::Dense);
DeviceParameters layer_parameters(const Recipe& recipe, LayerKind kind);
/// Of the embedding before and the head after the layers, multi-token prediction included.
DeviceParameters end_parameters(const Recipe& recipe, bool embedding, bool head);
/// What of a stage's memory does not depend on how the model is cut into stages. A search keeps it
/// for the recipes that share it. Arrays are by LayerKind; those of experts are empty without them.
struct LayerMemory {
  Bytes kept[2]{};   ///< activations of a layer until its backward
  Bytes whole[2]{};  ///< of a layer that is being recomputed; zero where none is
  Bytes head{};      ///< at the turn of the microbatch
  Bytes exchange{};  ///< copies of tokens on their way to experts
  DeviceParameters parameters[2];
  DeviceParameters ends[2][2];  ///< by embedding and head
  double gathered[2] = {0, 0};  ///< parameters that are gathered at a time
};
LayerMemory layer_memory(const Recipe& recipe);

/// Parameters that a device of the stage multiplies with.
DeviceParameters stage_parameters(const Recipe& recipe, const StageShape& stage);
/// `layers` as layer_memory() of the recipe.
MemoryUse stage_memory(const Recipe& recipe, const LayerMemory& layers, const StageShape& stage);
inline MemoryUse stage_memory(const Recipe& recipe, const StageShape& stage) {
  return stage_memory(recipe, layer_memory(recipe), stage);
}

}  // namespace orrery::workload
