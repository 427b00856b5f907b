#include "workload/model_spec.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

namespace orrery::workload {
namespace {

using namespace schema;

/// What `attention` says. Multi-head and grouped-query attention are what heads and kv_heads say.
struct AttentionEntry {
  enum class Kind { Heads, Latent };
  Kind kind = Kind::Heads;
  LatentSpec latent;
};

const Schema<AttentionEntry>& attention_entry_schema() {
  using A = AttentionEntry;
  using L = LatentSpec;
  static const std::vector<Binding<A>> latent = inlined(
      &A::latent,
      std::vector{
          required("kv_lora_rank", &L::kv_rank, whole(), "width of the latent of keys and values"),
          required("rope_head_dim", &L::rope_dim, whole(),
                   "of queries and keys, with positions; shared by all heads"),
          required("nope_head_dim", &L::nope_dim, whole(), "of them, without positions"),
          required("value_head_dim", &L::value_dim, whole(), "of values"),
          optional("q_lora_rank", &L::q_rank, whole(0),
                   "width of the latent of queries; 0: projected directly")});
  static const Schema<A> result("attention", [] {
    std::vector<Binding<A>> fields = {
        optional("kind", &A::kind,
                 Choices<A::Kind>{
                     {"mha", A::Kind::Heads}, {"gqa", A::Kind::Heads}, {"mla", A::Kind::Latent}},
                 "mha and gqa are the same, `heads` and `kv_heads` decide; mla: multi-head latent "
                 "attention, without `head_dim` and `kv_heads`")};
    for (const Binding<A>& one : latent) {
      fields.push_back(
          when<A>("kind: mla", [](const A& a) { return a.kind == A::Kind::Latent; }, one));
    }
    return fields;
  }());
  return result;
}

const Schema<ExpertSpec>& expert_schema() {
  using E = ExpertSpec;
  static const Schema<E> result(
      "moe",
      {required("experts", &E::experts, whole(2), "routed ones, in a layer"),
       required("experts_per_token", &E::per_token, whole(), "of them, chosen for each token"),
       optional("shared_experts", &E::shared, whole(0), "beside them, for every token"),
       required("expert_feed_forward", &E::feed_forward, whole(), "columns of one expert"),
       optional("dense_layers", &E::dense_layers, whole(0), "the first layers have no experts"),
       optional("every", &E::every, whole(), "of the others every n-th has")},
      [](Reader& reader, const E& spec) {
        if (spec.per_token <= spec.experts) return;
        reader.error(
            "experts_per_token",
            fmt::format("experts_per_token: a token cannot go to more experts than there are; "
                        "expected at most {}; got {}",
                        spec.experts, spec.per_token));
      });
  return result;
}

void complete_head_dim(Reader& reader, ModelSpec& spec) {
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
  if (reader.has("head_dim")) return;
  spec.head_dim = spec.hidden / spec.heads;
  if (spec.head_dim == std::floor(spec.head_dim)) return;
  reader.error("heads",
               fmt::format("{} heads do not divide hidden {}; expected a divisor, or give head_dim",
                           spec.heads, spec.hidden));
}

// Shapes that follow from others, and what does not go together.
void complete_model(Reader& reader, ModelSpec& spec) {
  if (!reader.has("kv_heads")) spec.kv_heads = spec.heads;
  if (!reader.has("feed_forward")) spec.feed_forward = 4 * spec.hidden;
  complete_head_dim(reader, spec);
  if (spec.position == Position::Learned && spec.max_sequence == 0 && !reader.keys().empty()) {
    reader.error("max_sequence", "learned positions need max_sequence, the rows of their table");
  }
  if (static_cast<long>(spec.heads) % static_cast<long>(spec.kv_heads) != 0) {
    reader.error("kv_heads", fmt::format("{} kv_heads do not divide {} heads; expected a divisor",
                                         spec.kv_heads, spec.heads));
  }
}

void read_attention_entry(Reader& reader, ModelSpec& spec) {
  const AttentionEntry entry = attention_entry_schema().read(reader.child("attention", false));
  if (entry.kind == AttentionEntry::Kind::Latent) spec.mla = entry.latent;
}

// Weights of one expert.
double expert_matrix(const ModelSpec& model) {
  return model.hidden * model.moe->feed_forward * (model.gated_mlp ? 3 : 2);
}

}  // namespace

const Schema<ModelSpec>& ModelSpec::schema() {
  using M = ModelSpec;
  static const Schema<M> result(
      "ai-models",
      {optional("name", &M::name, "in messages"),
       required("layers", &M::layers, whole(), "of the transformer"),
       required("hidden", &M::hidden, whole(), "width of the stream between layers"),
       required("heads", &M::heads, whole(), "of queries"),
       otherwise("`heads`", optional("kv_heads", &M::kv_heads, whole(), "of keys and values")),
       otherwise("`hidden` / `heads`", optional("head_dim", &M::head_dim, whole(), "of a head")),
       custom<M>({.key = "attention",
                  .kind = Field::Kind::Map,
                  .required = false,
                  .doc = "how queries, keys and values are made"},
                 read_attention_entry,
                 []() -> const Table& { return attention_entry_schema().table(); }),
       otherwise("4 `hidden`", optional("feed_forward", &M::feed_forward, whole(),
                                        "columns of the feed-forward network")),
       optional("gated_mlp", &M::gated_mlp, "three matrices: gate, up, down"),
       optional("moe", &M::moe, &expert_schema(), "layers with experts"),
       optional("mtp_layers", &M::mtp_layers, whole(0), "that predict further tokens in training"),
       required("vocabulary", &M::vocabulary, whole(), "tokens"),
       optional("norm", &M::norm, Choices<Norm>{{"layernorm", Norm::Layer}, {"rmsnorm", Norm::Rms}},
                "before attention and feed-forward"),
       optional("position", &M::position,
                Choices<Position>{{"learned", Position::Learned},
                                  {"rope", Position::Rope},
                                  {"alibi", Position::Alibi}},
                "how tokens know their place"),
       otherwise("", optional("max_sequence", &M::max_sequence, whole(0),
                              "rows of the table of learned positions")),
       optional("tied_embeddings", &M::tied_embeddings, "the head is the embedding's matrix"),
       optional("biases", &M::biases, "of the products of a layer"),
       optional("dropout", &M::dropout, "after attention and feed-forward")},
      complete_model);
  return result;
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
