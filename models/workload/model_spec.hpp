#pragma once
/// A transformer as its configuration file describes it.

#include <memory>
#include <string>

#include <orrery/reader.hpp>

namespace orrery::workload {

enum class Norm { Layer, Rms };
enum class Position { Learned, Rope, Alibi };

/// Shapes are in elements. Immutable after reading.
struct ModelSpec {
  std::string name;
  double layers = 1;
  double hidden = 1;
  double heads = 1;
  double kv_heads = 1;
  double head_dim = 1;
  double feed_forward = 1;
  bool gated_mlp = false;  ///< three matrices: gate, up, down
  double vocabulary = 1;
  Norm norm = Norm::Layer;
  Position position = Position::Learned;
  double max_sequence = 0;  ///< rows of the learned position table
  bool tied_embeddings = true;
  bool biases = true;
  bool dropout = false;

  static ModelSpec read(Reader& reader);

  [[nodiscard]] double attention_width() const { return heads * head_dim; }
  [[nodiscard]] double kv_width() const { return kv_heads * head_dim; }
  /// Columns of the first feed-forward product.
  [[nodiscard]] double feed_forward_in() const { return feed_forward * (gated_mlp ? 2 : 1); }
  /// Weights of one layer that are multiplied with activations.
  [[nodiscard]] double layer_matrix_parameters() const;
  /// Weights of one normalisation.
  [[nodiscard]] double norm_parameters() const;
  /// All weights of one layer, biases and norms included.
  [[nodiscard]] double layer_parameters() const;
  /// Token table (vocabulary padded by `padded`), and the position table if learned.
  [[nodiscard]] double embedding_parameters(double padded_vocabulary) const;
  [[nodiscard]] double parameters() const;
  /// Floating-point work of forward and backward for one token of a sequence of `sequence` tokens,
  /// by the convention of Megatron-LM: 6 per matrix weight and 12·L·width·s for attention,
  /// unmasked.
  [[nodiscard]] Flops training_flops_per_token(double sequence, double padded_vocabulary) const;
};

}  // namespace orrery::workload
