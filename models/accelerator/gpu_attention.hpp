#pragma once
/// Flash attention on a GPU, forward or backward alone.

#include "accelerator/gpu_parameters.hpp"
#include "accelerator/gpu_power.hpp"

namespace orrery::accelerator {

/// O(1). Key/value heads change the bytes only; a causal mask halves the blocks, also where queries
/// and keys differ in length (a balanced ring of a context-parallel group).
Cost attention_cost(const Spec& spec, const GpuPower& power, const Available& available,
                    const FlashAttention& attention);

}  // namespace orrery::accelerator
