#include "workload/recipe_checks.hpp"

#include <cmath>

#include <fmt/format.h>

namespace orrery::workload {
namespace {

void refuse(Reader& reader, const Recipe& recipe, const std::string& what) {
  reader.diagnostics().error(recipe.where_parallelism, what);
}

void check_heads(Reader& reader, const Recipe& recipe) {
  const ModelSpec& model = recipe.model;
  const int tensor = recipe.parallelism.tensor;
  const auto divides = [&](double value, const char* what) {
    if (std::fmod(value, tensor) == 0) return;
    reader.diagnostics().error(
        recipe.where_parallelism,
        fmt::format("tensor: {} does not divide the {} {} of {}", tensor, value, what, model.name));
  };
  divides(model.heads, "attention heads");
  if (model.kv_heads < model.heads && std::fmod(tensor, model.kv_heads) != 0) {
    divides(model.kv_heads, "key/value heads");
  }
  if (model.expert_layers() < model.layers) divides(model.feed_forward, "feed-forward columns");
  if (model.moe && model.moe->shared > 0)
    divides(model.moe->shared * model.moe->feed_forward, "columns of the shared experts");
  if (recipe.parallelism.sequence && reader.has("sequence_length") &&
      std::fmod(recipe.sequence_length, tensor) != 0) {
    reader.error(
        "sequence_length",
        fmt::format("sequence parallelism splits the sequence over the tensor ranks; expected a "
                    "multiple of tensor {}; got {}",
                    tensor, recipe.sequence_length));
  }
}

void check_layers(Reader& reader, const Recipe& recipe) {
  const Parallelism& layout = recipe.parallelism;
  const int chunks = layout.pipeline * layout.interleave;
  if (layout.layers_per_stage.empty()) {
    if (std::fmod(recipe.model.layers, chunks) == 0) return;
    reader.diagnostics().error(
        recipe.where_parallelism,
        fmt::format("{} layers do not divide evenly into pipeline {} x interleave {} = {} chunks; "
                    "expected a divisor, or layers_per_stage",
                    recipe.model.layers, layout.pipeline, layout.interleave, chunks));
    return;
  }
  for (std::size_t part = 1; part + 1 < layout.layers_per_stage.size(); ++part) {
    if (layout.layers_per_stage[part] > 0) continue;
    refuse(
        reader, recipe,
        fmt::format("layers_per_stage: only the first and the last part, which have embedding and "
                    "head, can be without layers; got 0 in entry {}",
                    part + 1));
  }
  double sum = 0;
  for (const auto layers : layout.layers_per_stage) sum += static_cast<double>(layers);
  if (static_cast<int>(layout.layers_per_stage.size()) != chunks || sum != recipe.model.layers) {
    reader.diagnostics().error(
        recipe.where_parallelism,
        fmt::format("layers_per_stage needs {} entries (pipeline x interleave) that sum to the {} "
                    "layers; got {} entries that sum to {}",
                    chunks, recipe.model.layers, layout.layers_per_stage.size(), sum));
  }
}

void check_experts(Reader& reader, const Recipe& recipe) {
  const Parallelism& layout = recipe.parallelism;
  const ModelSpec& model = recipe.model;
  if (!model.moe) {
    if (layout.expert == 1 && layout.capacity == 0 && layout.imbalance == 1) return;
    refuse(
        reader, recipe,
        fmt::format("expert, capacity_factor and imbalance are for models with experts; {} has no "
                    "moe",
                    model.name));
    return;
  }
  if (std::fmod(model.moe->experts, layout.expert) != 0) {
    refuse(reader, recipe,
           fmt::format("expert: {} does not divide the {} experts of {}", layout.expert,
                       model.moe->experts, model.name));
  }
  if (std::fmod(model.moe->feed_forward, layout.expert_tensor) != 0) {
    refuse(reader, recipe,
           fmt::format("expert_tensor: {} does not divide the {} columns of an expert of {}",
                       layout.expert_tensor, model.moe->feed_forward, model.name));
  }
  if (layout.tensor > 1 && !layout.sequence) {
    refuse(reader, recipe,
           "experts with tensor parallelism get the tokens that sequence parallelism splits; "
           "expected sequence: true");
  }
  if (layout.imbalance > layout.expert) {
    refuse(reader, recipe,
           fmt::format("imbalance: the fullest of {} expert ranks has at most {} times the mean; "
                       "got {}",
                       layout.expert, layout.expert, layout.imbalance));
  }
  if (layout.sharding == Sharding::Hybrid && layout.expert > 1) {
    refuse(reader, recipe,
           "hybrid sharding with expert ranks is not modelled; expected none, zero1, zero2 or "
           "zero3");
  }
}

void check_ulysses(Reader& reader, const Recipe& recipe) {
  const Parallelism& layout = recipe.parallelism;
  const double ways = static_cast<double>(layout.tensor) * layout.context;
  const auto divides = [&](double heads, const char* what) {
    if (std::fmod(heads, ways) == 0) return;
    refuse(
        reader, recipe,
        fmt::format("context_style: ulysses splits heads; tensor {} x context {} does not divide "
                    "the {} {} of {}; expected ring",
                    layout.tensor, layout.context, heads, what, recipe.model.name));
  };
  divides(recipe.model.heads, "attention heads");
  divides(recipe.model.kv_heads, "key/value heads");
}

void check_context(Reader& reader, const Recipe& recipe) {
  const Parallelism& layout = recipe.parallelism;
  if (layout.context == 1) return;
  const bool ulysses = layout.context_style == ContextStyle::Ulysses;
  if (ulysses) check_ulysses(reader, recipe);
  const int parts = ulysses ? layout.context : 2 * layout.context;
  if (reader.has("sequence_length") && std::fmod(recipe.sequence_length, parts) != 0) {
    reader.error("sequence_length",
                 fmt::format("context parallelism gives every rank {}; expected a "
                             "multiple of {}; got {}",
                             ulysses ? "a part of the sequence"
                                     : "two parts of the sequence, to balance the causal mask",
                             parts, recipe.sequence_length));
  }
  if (recipe.software.attention == AttentionKind::Unfused) {
    refuse(reader, recipe,
           "context parallelism is modelled with fused attention only; expected another "
           "software.attention");
  }
}

void check_latent(Reader& reader, const Recipe& recipe) {
  if (recipe.model.mla && recipe.software.attention == AttentionKind::Unfused) {
    reader.error("software",
                 "latent attention is modelled with fused kernels only; expected another "
                 "software.attention");
  }
  if (recipe.recompute == Recompute::Operator && (recipe.model.mla || recipe.model.moe)) {
    reader.error("recompute",
                 "recompute: operator is not modelled for experts and latent attention; expected "
                 "none, selective or full");
  }
}

}  // namespace

void check(Reader& reader, const Recipe& recipe) {
  check_heads(reader, recipe);
  check_layers(reader, recipe);
  check_experts(reader, recipe);
  check_context(reader, recipe);
  check_latent(reader, recipe);
}

}  // namespace orrery::workload
