#include "workload/recipe_checks.hpp"

#include <cmath>

#include <fmt/format.h>

namespace orrery::workload {
namespace {

using Problems = std::vector<RecipeProblem>;

void refuse(Problems& found, const std::string& what, const char* key = RecipeProblem::kLayout) {
  found.push_back({.key = key, .what = what});
}

void check_heads(const Recipe& recipe, Problems& found) {
  const ModelSpec& model = recipe.model;
  const int tensor = recipe.parallelism.tensor;
  const auto divides = [&](double value, const char* what) {
    if (std::fmod(value, tensor) == 0) return;
    refuse(found, fmt::format("tensor: {} does not divide the {} {} of {}", tensor, value, what,
                              model.name));
  };
  divides(model.heads, "attention heads");
  if (model.kv_heads < model.heads && std::fmod(tensor, model.kv_heads) != 0) {
    divides(model.kv_heads, "key/value heads");
  }
  if (model.expert_layers() < model.layers) divides(model.feed_forward, "feed-forward columns");
  if (model.moe && model.moe->shared > 0)
    divides(model.moe->shared * model.moe->feed_forward, "columns of the shared experts");
  if (recipe.parallelism.sequence && std::fmod(recipe.sequence_length, tensor) != 0) {
    refuse(found,
           fmt::format("sequence parallelism splits the sequence over the tensor ranks; expected a "
                       "multiple of tensor {}; got {}",
                       tensor, recipe.sequence_length),
           "sequence_length");
  }
}

void check_layers(const Recipe& recipe, Problems& found) {
  const Parallelism& layout = recipe.parallelism;
  const int chunks = layout.pipeline * layout.interleave;
  if (layout.layers_per_stage.empty()) {
    if (std::fmod(recipe.model.layers, chunks) == 0) return;
    refuse(
        found,
        fmt::format("{} layers do not divide evenly into pipeline {} x interleave {} = {} chunks; "
                    "expected a divisor, or layers_per_stage",
                    recipe.model.layers, layout.pipeline, layout.interleave, chunks));
    return;
  }
  for (std::size_t part = 1; part + 1 < layout.layers_per_stage.size(); ++part) {
    if (layout.layers_per_stage[part] > 0) continue;
    refuse(
        found,
        fmt::format("layers_per_stage: only the first and the last part, which have embedding and "
                    "head, can be without layers; got 0 in entry {}",
                    part + 1));
  }
  double sum = 0;
  for (const auto layers : layout.layers_per_stage) sum += static_cast<double>(layers);
  if (static_cast<int>(layout.layers_per_stage.size()) != chunks || sum != recipe.model.layers) {
    refuse(
        found,
        fmt::format("layers_per_stage needs {} entries (pipeline x interleave) that sum to the {} "
                    "layers; got {} entries that sum to {}",
                    chunks, recipe.model.layers, layout.layers_per_stage.size(), sum));
  }
}

void check_experts(const Recipe& recipe, Problems& found) {
  const Parallelism& layout = recipe.parallelism;
  const ModelSpec& model = recipe.model;
  if (!model.moe) {
    if (layout.expert == 1 && layout.capacity == 0 && layout.imbalance == 1) return;
    refuse(
        found,
        fmt::format("expert, capacity_factor and imbalance are for models with experts; {} has no "
                    "moe",
                    model.name));
    return;
  }
  if (std::fmod(model.moe->experts, layout.expert) != 0) {
    refuse(found, fmt::format("expert: {} does not divide the {} experts of {}", layout.expert,
                              model.moe->experts, model.name));
  }
  if (std::fmod(model.moe->feed_forward, layout.expert_tensor) != 0) {
    refuse(found, fmt::format("expert_tensor: {} does not divide the {} columns of an expert of {}",
                              layout.expert_tensor, model.moe->feed_forward, model.name));
  }
  if (layout.tensor > 1 && !layout.sequence) {
    refuse(found,
           "experts with tensor parallelism get the tokens that sequence parallelism splits; "
           "expected sequence: true");
  }
  if (layout.imbalance > layout.expert) {
    refuse(found,
           fmt::format("imbalance: the fullest of {} expert ranks has at most {} times the mean; "
                       "got {}",
                       layout.expert, layout.expert, layout.imbalance));
  }
  if (layout.sharding == Sharding::Hybrid && layout.expert > 1) {
    refuse(found,
           "hybrid sharding with expert ranks is not modelled; expected none, zero1, zero2 or "
           "zero3");
  }
}

void check_ulysses(const Recipe& recipe, Problems& found) {
  const Parallelism& layout = recipe.parallelism;
  const double ways = static_cast<double>(layout.tensor) * layout.context;
  const auto divides = [&](double heads, const char* what) {
    if (std::fmod(heads, ways) == 0) return;
    refuse(found, fmt::format(
                      "context_style: ulysses splits heads; tensor {} x context {} does not divide "
                      "the {} {} of {}; expected ring",
                      layout.tensor, layout.context, heads, what, recipe.model.name));
  };
  divides(recipe.model.heads, "attention heads");
  divides(recipe.model.kv_heads, "key/value heads");
}

void check_context(const Recipe& recipe, Problems& found) {
  const Parallelism& layout = recipe.parallelism;
  if (layout.context == 1) return;
  const bool ulysses = layout.context_style == ContextStyle::Ulysses;
  if (ulysses) check_ulysses(recipe, found);
  const int parts = ulysses ? layout.context : 2 * layout.context;
  if (std::fmod(recipe.sequence_length, parts) != 0) {
    refuse(found,
           fmt::format("context parallelism gives every rank {}; expected a "
                       "multiple of {}; got {}",
                       ulysses ? "a part of the sequence"
                               : "two parts of the sequence, to balance the causal mask",
                       parts, recipe.sequence_length),
           "sequence_length");
  }
  if (recipe.software.attention == AttentionKind::Unfused) {
    refuse(found,
           "context parallelism is modelled with fused attention only; expected another "
           "software.attention");
  }
}

void check_latent(const Recipe& recipe, Problems& found) {
  if (recipe.model.mla && recipe.software.attention == AttentionKind::Unfused) {
    refuse(found,
           "latent attention is modelled with fused kernels only; expected another "
           "software.attention",
           "software");
  }
  if (recipe.recompute == Recompute::Operator && (recipe.model.mla || recipe.model.moe)) {
    refuse(found,
           "recompute: operator is not modelled for experts and latent attention; expected "
           "none, selective or full",
           "recompute");
  }
}

}  // namespace

std::vector<RecipeProblem> problems_of(const Recipe& recipe) {
  Problems found;
  check_heads(recipe, found);
  check_layers(recipe, found);
  check_experts(recipe, found);
  check_context(recipe, found);
  check_latent(recipe, found);
  return found;
}

void check(Reader& reader, const Recipe& recipe) {
  for (const RecipeProblem& problem : problems_of(recipe)) {
    const std::string key = problem.key;
    if (key == RecipeProblem::kLayout) {
      reader.diagnostics().error(recipe.where_parallelism, problem.what);
    } else if (key != "sequence_length" || reader.has(key)) {  // a missing one is reported already
      reader.error(key, problem.what);
    }
  }
}

}  // namespace orrery::workload
