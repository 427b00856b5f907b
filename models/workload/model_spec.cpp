#include "workload/model_spec.hpp"

#include <fmt/format.h>

namespace orrery::workload {

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
  const bool derived = !reader.has("head_dim");
  spec.head_dim = derived ? spec.hidden / spec.heads : number("head_dim");
  if (derived && spec.head_dim != static_cast<double>(static_cast<long>(spec.head_dim))) {
    reader.error(
        "heads",
        fmt::format("{} heads do not divide hidden {}; expected a divisor, or give head_dim",
                    spec.heads, spec.hidden));
  }
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

double ModelSpec::layer_matrix_parameters() const {
  const double attention =
      hidden * (attention_width() + 2 * kv_width()) + attention_width() * hidden;
  return attention + hidden * feed_forward_in() + feed_forward * hidden;
}

double ModelSpec::norm_parameters() const { return hidden * (norm == Norm::Layer ? 2 : 1); }

double ModelSpec::layer_parameters() const {
  const double bias =
      biases ? attention_width() + 2 * kv_width() + hidden + feed_forward_in() + hidden : 0;
  return layer_matrix_parameters() + 2 * norm_parameters() + bias;
}

double ModelSpec::embedding_parameters(double padded_vocabulary) const {
  return (padded_vocabulary + (position == Position::Learned ? max_sequence : 0)) * hidden;
}

double ModelSpec::parameters() const {
  return layers * layer_parameters() + norm_parameters() + embedding_parameters(vocabulary) +
         (tied_embeddings ? 0 : vocabulary * hidden);
}

Flops ModelSpec::training_flops_per_token(double sequence, double padded_vocabulary) const {
  const double matrices = layers * layer_matrix_parameters() + padded_vocabulary * hidden;
  return Flops(6 * matrices + 12 * layers * attention_width() * sequence);
}

}  // namespace orrery::workload
