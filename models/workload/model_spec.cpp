#include "workload/model_spec.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

namespace orrery::workload {
namespace {

double whole(Reader& reader, const char* key, std::int64_t minimum = 1) {
  return static_cast<double>(reader.integer(key, minimum));
}

// `attention: {kind: mla, …}` sets head_dim, so it is read before the shapes that follow from it.
std::optional<LatentSpec> read_latent(Reader reader) {
  enum class Kind { Heads, Latent };
  // Multi-head and grouped-query attention are what heads and kv_heads say.
  const Kind kind = reader.choice<Kind>(
      "kind", {{"mha", Kind::Heads}, {"gqa", Kind::Heads}, {"mla", Kind::Latent}}, Kind::Heads);
  if (kind == Kind::Heads) {
    reader.finish();
    return std::nullopt;
  }
  LatentSpec latent{.q_rank = static_cast<double>(reader.integer_or("q_lora_rank", 0, 0)),
                    .kv_rank = whole(reader, "kv_lora_rank"),
                    .rope_dim = whole(reader, "rope_head_dim"),
                    .nope_dim = whole(reader, "nope_head_dim"),
                    .value_dim = whole(reader, "value_head_dim")};
  reader.finish();
  return latent;
}

void read_head_dim(Reader& reader, ModelSpec& spec) {
  if (spec.mla) {
    spec.head_dim = spec.mla->nope_dim + spec.mla->rope_dim;
    for (const char* key : {"kv_heads", "head_dim"}) {
      if (!reader.has(key)) continue;
      reader.error(key,
                   fmt::format("latent attention has keys of nope_head_dim + rope_head_dim for "
                               "every head; expected no {}",
                               key));
    }
    return;
  }
  if (reader.has("head_dim")) {
    spec.head_dim = whole(reader, "head_dim");
    return;
  }
  spec.head_dim = spec.hidden / spec.heads;
  if (spec.head_dim == std::floor(spec.head_dim)) return;
  reader.error("heads",
               fmt::format("{} heads do not divide hidden {}; expected a divisor, or give head_dim",
                           spec.heads, spec.hidden));
}

// Weights of one expert.
double expert_matrix(const ModelSpec& model) {
  return model.hidden * model.moe->feed_forward * (model.gated_mlp ? 3 : 2);
}

}  // namespace

ExpertSpec ExpertSpec::read(Reader reader) {
  ExpertSpec spec{.experts = whole(reader, "experts", 2),
                  .per_token = whole(reader, "experts_per_token"),
                  .shared = static_cast<double>(reader.integer_or("shared_experts", 0, 0)),
                  .feed_forward = whole(reader, "expert_feed_forward"),
                  .dense_layers = static_cast<int>(reader.integer_or("dense_layers", 0, 0)),
                  .every = static_cast<int>(reader.integer_or("every", 1))};
  if (spec.per_token > spec.experts) {
    reader.error("experts_per_token",
                 fmt::format("experts_per_token: a token cannot go to more experts than there are; "
                             "expected at most {}; got {}",
                             spec.experts, spec.per_token));
  }
  reader.finish();
  return spec;
}

ModelSpec ModelSpec::read(Reader& reader) {
  ModelSpec spec;
  const auto number = [&](const char* key, double fallback = 0) {
    return fallback > 0
               ? static_cast<double>(reader.integer_or(key, static_cast<std::int64_t>(fallback)))
               : static_cast<double>(reader.integer(key));
  };
  spec.name = reader.text_or("name", "transformer");
  reader.ignore("source");
  reader.ignore("notes");
  reader.ignore("activation");
  spec.layers = number("layers");
  spec.hidden = number("hidden");
  spec.heads = number("heads");
  spec.kv_heads = number("kv_heads", spec.heads);
  spec.mla = read_latent(reader.child("attention", false));
  read_head_dim(reader, spec);
  if (reader.has("moe")) spec.moe = ExpertSpec::read(reader.child("moe"));
  spec.mtp_layers = static_cast<int>(reader.integer_or("mtp_layers", 0, 0));
  spec.feed_forward = number("feed_forward", 4 * spec.hidden);
  spec.gated_mlp = reader.boolean_or("gated_mlp", false);
  spec.vocabulary = number("vocabulary");
  spec.norm = reader.choice<Norm>("norm", {{"layernorm", Norm::Layer}, {"rmsnorm", Norm::Rms}},
                                  Norm::Layer);
  spec.position = reader.choice<Position>(
      "position",
      {{"learned", Position::Learned}, {"rope", Position::Rope}, {"alibi", Position::Alibi}},
      Position::Learned);
  spec.max_sequence = static_cast<double>(reader.integer_or("max_sequence", 0, 0));
  if (spec.position == Position::Learned && spec.max_sequence == 0 && !reader.keys().empty()) {
    reader.error("max_sequence", "learned positions need max_sequence, the rows of their table");
  }
  spec.tied_embeddings = reader.boolean_or("tied_embeddings", true);
  spec.biases = reader.boolean_or("biases", true);
  spec.dropout = reader.boolean_or("dropout", false);
  if (static_cast<long>(spec.heads) % static_cast<long>(spec.kv_heads) != 0) {
    reader.error("kv_heads", fmt::format("{} kv_heads do not divide {} heads; expected a divisor",
                                         spec.kv_heads, spec.heads));
  }
  reader.finish();
  return spec;
}

LayerKind ModelSpec::kind(int layer) const {
  if (!moe || layer < moe->dense_layers) return LayerKind::Dense;
  const int last = static_cast<int>(layers) - 1;  // what follows is as the last layer
  return (std::min(layer, last) - moe->dense_layers + 1) % moe->every == 0 ? LayerKind::Expert
                                                                           : LayerKind::Dense;
}

int ModelSpec::expert_layers(int first, int count) const {
  int sum = 0;
  for (int layer = first; layer < first + count; ++layer) sum += kind(layer) == LayerKind::Expert;
  return sum;
}

double ModelSpec::latent_up_parameters() const {
  if (!mla) return 0;
  const double queries = (mla->q_rank > 0 ? mla->q_rank : hidden) * attention_width();
  return queries + mla->kv_rank * heads * (mla->nope_dim + mla->value_dim);
}

double ModelSpec::attention_matrix_parameters() const {
  if (mla) return hidden * mla->width() + latent_up_parameters() + value_width() * hidden;
  return hidden * (attention_width() + 2 * kv_width()) + attention_width() * hidden;
}

double ModelSpec::routed_parameters() const {
  return moe ? moe->experts * expert_matrix(*this) : 0.0;
}

double ModelSpec::replicated_parameters(LayerKind kind) const {
  return (mla ? hidden * mla->width() : 0.0) +
         (kind == LayerKind::Expert ? hidden * moe->experts : 0.0);
}

double ModelSpec::layer_matrix_parameters(LayerKind kind) const {
  if (kind == LayerKind::Dense)
    return attention_matrix_parameters() + hidden * feed_forward_in() + feed_forward * hidden;
  return attention_matrix_parameters() + hidden * moe->experts +
         (moe->experts + moe->shared) * expert_matrix(*this);
}

double ModelSpec::active_matrix_parameters(LayerKind kind) const {
  const double all = layer_matrix_parameters(kind);
  if (kind == LayerKind::Dense) return all;
  return all - (moe->experts - moe->per_token) * expert_matrix(*this);
}

double ModelSpec::norm_parameters() const { return hidden * (norm == Norm::Layer ? 2 : 1); }

double ModelSpec::layer_parameters(LayerKind kind) const {
  const double in = kind == LayerKind::Dense ? feed_forward_in() : 0;  // experts have no biases
  const double bias = biases ? attention_width() + 2 * kv_width() + hidden + in + hidden : 0;
  const double latent_norms = mla ? mla->q_rank + mla->kv_rank : 0;
  return layer_matrix_parameters(kind) + 2 * norm_parameters() + latent_norms + bias;
}

double ModelSpec::embedding_parameters(double padded_vocabulary) const {
  return (padded_vocabulary + (position == Position::Learned ? max_sequence : 0)) * hidden;
}

double ModelSpec::mtp_parameters() const {
  return 2 * hidden * hidden + 3 * norm_parameters() +
         layer_parameters(kind(static_cast<int>(layers)));
}

double ModelSpec::parameters() const {
  const double experts = expert_layers();
  return (layers - experts) * layer_parameters() +
         (experts > 0 ? experts * layer_parameters(LayerKind::Expert) : 0.0) + norm_parameters() +
         embedding_parameters(vocabulary) + (tied_embeddings ? 0 : vocabulary * hidden);
}

double ModelSpec::active_parameters() const {
  if (!moe) return parameters();
  return parameters() - expert_layers() * (moe->experts - moe->per_token) * expert_matrix(*this);
}

double ModelSpec::active_layer_matrices() const {
  const int all = static_cast<int>(layers) + mtp_layers;
  const int experts = expert_layers(0, all);
  const double dense = (all - experts) * active_matrix_parameters(LayerKind::Dense);
  return experts > 0 ? dense + experts * active_matrix_parameters(LayerKind::Expert) : dense;
}

Flops ModelSpec::training_flops_per_token(double sequence, double padded_vocabulary) const {
  const double ends =
      (1 + mtp_layers) * padded_vocabulary * hidden + mtp_layers * 2 * hidden * hidden;
  const double widths = attention_width() + value_width();
  return Flops(6 * (active_layer_matrices() + ends) +
               6 * (layers + mtp_layers) * widths * sequence);
}

}  // namespace orrery::workload
