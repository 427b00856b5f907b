#pragma once
/// A transformer as its configuration file describes it.

#include <memory>
#include <optional>
#include <string>

#include <orrery/schema.hpp>

namespace orrery::workload {

enum class Norm { Layer, Rms };
enum class Position { Learned, Rope, Alibi };

/// What follows a layer's attention: one feed-forward network, or experts of which a router
/// chooses.
enum class LayerKind { Dense, Expert };

/// A mixture of experts (Shazeer et al. 2017, arXiv:1701.06538; shared experts: DeepSeekMoE,
/// arXiv:2401.06066).
struct ExpertSpec {
  double experts = 0;       ///< routed ones, in a layer
  double per_token = 0;     ///< of them, chosen for each token
  double shared = 0;        ///< beside them, for every token
  double feed_forward = 0;  ///< columns of one expert
  int dense_layers = 0;     ///< the first layers have no experts
  int every = 1;            ///< of the others every n-th has, the first n - 1 not
};

/// Multi-head latent attention (DeepSeek-V2, arXiv:2405.04434, section 2.1): queries, and keys with
/// values, are made of low-rank latents; one key part with rotary positions is shared by all heads.
struct LatentSpec {
  double q_rank = 0;  ///< 0: queries are projected directly
  double kv_rank = 0;
  double rope_dim = 0;   ///< of queries and keys, with positions
  double nope_dim = 0;   ///< without
  double value_dim = 0;  ///< of values

  /// Columns of the products that make the latents, the shared key part included.
  [[nodiscard]] double width() const { return q_rank + kv_rank + rope_dim; }
};

/// Shapes are in elements. Immutable after reading.
struct ModelSpec {
  std::string name = "transformer";
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
  std::optional<ExpertSpec> moe{};
  std::optional<LatentSpec> mla{};
  /// Layers that predict tokens further ahead while training (DeepSeek-V3, arXiv:2412.19437,
  /// section 2.2): each with a projection of two hidden states and a pass through the head.
  int mtp_layers = 0;

  /// The keys of `ai-models/`.
  static const Schema<ModelSpec>& schema();
  static ModelSpec read(Reader& reader) { return schema().read(reader); }

  [[nodiscard]] double attention_width() const { return heads * head_dim; }
  [[nodiscard]] double kv_width() const { return kv_heads * head_dim; }
  [[nodiscard]] double value_dim() const { return mla ? mla->value_dim : head_dim; }
  /// Columns that attention gives to its output projection.
  [[nodiscard]] double value_width() const { return heads * value_dim(); }
  /// Columns of the first feed-forward product.
  [[nodiscard]] double feed_forward_in() const { return feed_forward * (gated_mlp ? 2 : 1); }
  /// Of layer `layer`, counted from 0; the layers of multi-token prediction follow the last one.
  [[nodiscard]] LayerKind kind(int layer) const;
  /// Layers with experts among the `count` from `first` on.
  [[nodiscard]] int expert_layers(int first, int count) const;
  [[nodiscard]] int expert_layers() const { return expert_layers(0, static_cast<int>(layers)); }
  /// Weights of one layer that are multiplied with activations, whichever expert they belong to.
  [[nodiscard]] double layer_matrix_parameters(LayerKind kind = LayerKind::Dense) const;
  /// Those that one token is multiplied with.
  [[nodiscard]] double active_matrix_parameters(LayerKind kind) const;
  /// Their sum over all layers, those of multi-token prediction included.
  [[nodiscard]] double active_layer_matrices() const;
  /// Weights of one layer that every tensor rank holds whole: the router's and those of latents.
  [[nodiscard]] double replicated_parameters(LayerKind kind) const;
  /// Weights of one layer between latents and heads; none without latent attention.
  [[nodiscard]] double latent_up_parameters() const;
  /// Weights of the routed experts of one layer.
  [[nodiscard]] double routed_parameters() const;
  /// Weights of one normalisation.
  [[nodiscard]] double norm_parameters() const;
  /// All weights of one layer, biases and norms included.
  [[nodiscard]] double layer_parameters(LayerKind kind = LayerKind::Dense) const;
  /// Token table (vocabulary padded by `padded`), and the position table if learned.
  [[nodiscard]] double embedding_parameters(double padded_vocabulary) const;
  /// Weights of one module of multi-token prediction, without the embedding and head it shares.
  [[nodiscard]] double mtp_parameters() const;
  /// All weights; those of multi-token prediction, which are no part of the model that is served,
  /// do not count.
  [[nodiscard]] double parameters() const;
  /// Those that one token uses: without the experts it is not routed to.
  [[nodiscard]] double active_parameters() const;
  /// Floating-point work of forward and backward for one token of a sequence of `sequence` tokens,
  /// by the convention of Megatron-LM: 6 per matrix weight that the token uses and 12·L·width·s for
  /// attention, unmasked. Copies that pad experts are no work of the model; multi-token prediction
  /// is.
  [[nodiscard]] Flops training_flops_per_token(double sequence, double padded_vocabulary) const;

 private:
  [[nodiscard]] double attention_matrix_parameters() const;
};

}  // namespace orrery::workload
