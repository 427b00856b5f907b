// What a layer keeps for its backward.
#include <algorithm>

#include "workload/expert_kernels.hpp"
#include "workload/memory_model.hpp"

namespace orrery::workload {
namespace {

// Bytes of saved inputs of products.
double operand(const Shapes& s) { return s.fp8 ? 1 : s.element; }

// Inputs of a norm and of the product after it, and a dropout mask.
double kept_entry(const Shapes& s) {
  const ModelSpec& model = s.recipe.model;
  if (s.recipe.recompute == Recompute::Operator) return s.split_tokens * model.hidden * s.residual;
  const double normed = s.recipe.recomputes(&RecomputeModules::norm) ? 0 : operand(s);
  return s.split_tokens * model.hidden * (s.residual + normed + (model.dropout ? kMask : 0));
}

double attention(const Shapes& s) {
  const Recipe& recipe = s.recipe;
  const ModelSpec& model = recipe.model;
  const double e = s.element;
  double kept = kept_entry(s);
  if (recipe.recompute != Recompute::Operator && !recipe.recomputes(&RecomputeModules::latent_up)) {
    const double values = s.key / model.head_dim * model.value_dim();
    kept += s.tokens * (s.query + s.key + values) * e;
  }
  kept += s.tokens * s.output * e;  // input of the projection
  if (model.mla) {                  // latents before and after their norms
    const double columns = model.mla->q_rank + model.mla->kv_rank;
    kept += s.split_tokens * columns * (e + operand(s));
  }
  if (recipe.software.attention != AttentionKind::Unfused) {
    return kept + s.tokens * s.heads() * 4;  // log-sum-exp
  }
  if (recipe.recomputes(&RecomputeModules::attention)) return kept;
  const double scores =
      recipe.microbatch * s.heads() * recipe.sequence_length * recipe.sequence_length;
  return kept + scores * (e + (model.dropout ? kMask + e : 0));
}

// Between the two products: the first one's output, and what the second reads unless it is made
// again.
double kept_between(const Shapes& s, double rows, double columns, bool again = false) {
  const double kept = again ? 0.0 : rows * columns * operand(s);
  if (s.recipe.recompute == Recompute::Operator) return kept;
  return kept + rows * columns * (s.recipe.model.gated_mlp ? 2 : 1) * s.element;
}

double experts(const Shapes& s) {
  const ExpertSpec& moe = *s.recipe.model.moe;
  const ExpertCopies copies(s);
  // Logits and probabilities in fp32, and where each copy came from.
  double kept = s.split_tokens * moe.experts * 8 + copies.sent * 8;
  kept += copies.held * s.recipe.model.hidden * operand(s);
  kept += kept_between(s, copies.held, moe.feed_forward / s.recipe.parallelism.expert_tensor,
                       s.recipe.recomputes(&RecomputeModules::expert_activation));
  if (moe.shared > 0) kept += kept_between(s, s.tokens, moe.shared * moe.feed_forward / s.tensor);
  return kept;
}

}  // namespace

Bytes layer_activations(const Recipe& recipe, LayerKind kind) {
  const Shapes s(recipe);
  const double input = s.split_tokens * recipe.model.hidden * s.residual;
  if (recipe.recomputes_layers() && recipe.recompute_fraction >= 1) return Bytes(input);
  double kept = attention(s) + kept_entry(s);
  kept += kind == LayerKind::Expert
              ? experts(s)
              : kept_between(s, s.tokens, recipe.model.feed_forward / s.tensor);
  if (recipe.recomputes_layers()) {
    kept = recipe.recompute_fraction * input + (1 - recipe.recompute_fraction) * kept;
  }
  return Bytes(kept);
}

}  // namespace orrery::workload
