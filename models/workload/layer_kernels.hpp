#pragma once
/// The kernels of a transformer on one device, grouped between communication points.

#include <orrery/work.hpp>

#include "workload/recipe.hpp"

namespace orrery::workload {

/// One layer, in the order of execution. `_grad` blocks are of the backward pass; a linear layer's
/// input gradient and weight gradient are apart because communication can run beside the second.
struct LayerKernels {
  Block norm1, qkv, core, projection, add1, norm2, fc1, activation, fc2, add2;
  Block add2_grad, fc2_input_grad, fc2_weight_grad, activation_grad, fc1_input_grad,
      fc1_weight_grad, norm2_grad, add1_grad, projection_input_grad, projection_weight_grad,
      core_grad, qkv_input_grad, qkv_weight_grad, norm1_grad;
};

/// The ends of the model.
struct EndKernels {
  Block embedding, embedding_grad;
  Block final_norm, logits, loss;
  Block loss_grad, logits_input_grad, logits_weight_grad, final_norm_grad;
};

/// @pre the recipe's checks passed (heads and columns divide).
LayerKernels layer_kernels(const Recipe& recipe);
EndKernels end_kernels(const Recipe& recipe);
/// What recomputation runs again in backward, for one layer (communication not included).
Block selective_recompute(const LayerKernels& layer);
Block operator_recompute(const Recipe& recipe, const LayerKernels& layer);
/// The optimizer over `held` parameters whose state this device keeps and `gradients` held in full:
/// norm, clipping, update, and the casts of weights that the next step needs.
Block optimizer_kernels(const Recipe& recipe, double held, double gradients);

/// Tokens of a microbatch on one device.
double device_tokens(const Recipe& recipe);

/// The products of a block in `chunks` parts of their rows, one after the other.
Block in_chunks(const Block& block, double chunks);
void append(Block& block, const Block& more);

}  // namespace orrery::workload
