#pragma once
/// The kernels of a transformer on one device, grouped between communication points.

#include <optional>
#include <vector>

#include "workload/expert_kernels.hpp"

namespace orrery::workload {

/// One layer, in the order of execution. `_grad` blocks are of the backward pass; a linear layer's
/// input gradient and weight gradient are apart because communication can run beside the second.
///
/// `latent` is for latent attention only. `core` is attention, or its first step around a ring of
/// context ranks, whose other steps are in `ring`. In a layer with experts fc1 to fc2 are of the
/// shared ones and may be empty.
struct LayerKernels {
  Block norm1, latent, qkv, core, projection, add1, norm2, fc1, activation, fc2, add2;
  Block add2_grad, fc2_input_grad, fc2_weight_grad, activation_grad, fc1_input_grad,
      fc1_weight_grad, norm2_grad, add1_grad, projection_input_grad, projection_weight_grad,
      core_grad, qkv_input_grad, qkv_weight_grad, latent_grad, norm1_grad;
  Block latent_up_again;  // by recomputation
  std::vector<Block> ring, ring_grad;
  std::optional<ExpertKernels> experts;
};

/// The ends of the model.
struct EndKernels {
  Block embedding, embedding_grad;
  Block final_norm, logits, loss;
  Block loss_grad, logits_input_grad, logits_weight_grad, final_norm_grad;
  // Multi-token prediction: two norms, then the product that joins a hidden state with the
  // embedding of the next token.
  Block join_norms, join, join_input_grad, join_weight_grad, join_norms_grad;
};

/// @pre the recipe's checks passed (heads and columns divide).
/// @pre for LayerKind::Expert the model has experts.
LayerKernels layer_kernels(const Recipe& recipe, LayerKind kind = LayerKind::Dense);
EndKernels end_kernels(const Recipe& recipe);
/// What operator recomputation runs again in backward, for one dense layer.
Block operator_recompute(const Recipe& recipe, const LayerKernels& layer);
/// The optimizer over `held` parameters whose state this device keeps and `gradients` held in full:
/// norm, clipping, update, and the casts of weights that the next step needs.
Block optimizer_kernels(const Recipe& recipe, double held, double gradients);

/// The products of a block in `chunks` parts of their rows, one after the other.
Block in_chunks(const Block& block, double chunks);

}  // namespace orrery::workload
