#pragma once
/// Forward and backward of a model chunk on one stage, tensor- and context-parallel communication
/// included.

#include <functional>
#include <optional>

#include <orrery/sdk/sequence.hpp>

#include "workload/groups.hpp"
#include "workload/layer_kernels.hpp"

namespace orrery::workload {

/// A part of the model: consecutive layers, with the embedding before or the head after.
struct ChunkShape {
  int first_layer = 0;  ///< of the model
  int layers = 0;
  bool embedding = false;
  bool head = false;
};

/// What data parallelism does around a chunk; layers are numbered in forward order and -1 stands
/// for the embedding and the head, whose parameters are treated as one.
struct ChunkHooks {
  std::function<void(Sequence&)> begin;
  std::function<void(Sequence&, int layer)> before;
  std::function<void(Sequence&, int layer)> after;
  std::function<void(Sequence&)> end;
};

class ChunkBuilder {
 public:
  /// For `rank` and all whose tensor and context groups talk over equal links.
  ChunkBuilder(const Recipe& recipe, Groups& groups, Outline& outline, int rank);

  /// Adds a routine to the outline and returns its index. Those of the layers are shared.
  std::uint32_t forward(const ChunkShape& chunk, const ChunkHooks& hooks = {});
  std::uint32_t backward(const ChunkShape& chunk, const ChunkHooks& hooks = {});
  /// One layer alone, for measuring layers.
  void forward_layer(Sequence& sequence, LayerKind kind, bool projects_qkv = true);
  void backward_layer(Sequence& sequence, LayerKind kind, bool recompute);

 private:
  // Routine of a layer, made at its first use.
  std::uint32_t layer_forward(LayerKind kind);
  std::uint32_t layer_backward(LayerKind kind, bool recompute);
  // Of the layers of multi-token prediction.
  [[nodiscard]] LayerKind ahead_kind() const;
  [[nodiscard]] const LayerKernels& kernels(LayerKind kind) const;
  // A product whose input is spread over the tensor ranks, or whose output is summed over them.
  // `share`: columns of the input by those of the hidden state.
  void gather_then(Sequence& sequence, const Block& product, double share = 1);
  void then_reduce(Sequence& sequence, const Block& product);
  void input_and_weight_grad(Sequence& sequence, const Block& input_grad, const Block& weight_grad,
                             double share = 1);
  [[nodiscard]] double latent_share() const;
  void forward_mlp(Sequence& sequence, const LayerKernels& layer);
  void backward_mlp(Sequence& sequence, const LayerKernels& layer);
  // In context_attention.cpp.
  void attention(Sequence& sequence, const LayerKernels& layer, bool backward);
  void ring(Sequence& sequence, const LayerKernels& layer, bool backward);
  void ulysses(Sequence& sequence, const Block& core, bool backward);
  std::uint32_t context(CollectiveKind kind, double elements, double element);
  [[nodiscard]] double keys_and_values() const;
  // In expert_layer.cpp.
  void forward_experts(Sequence& sequence, const LayerKernels& layer);
  void backward_experts(Sequence& sequence, const LayerKernels& layer);
  void exchanged(Sequence& sequence, const Block& experts, const std::function<void()>& meanwhile);
  int exchange(Sequence& sequence, Dtype dtype, bool beside);
  void split_experts(Sequence& sequence, CollectiveKind kind, Dtype dtype);
  void embed(Sequence& sequence);
  void head_forward(Sequence& sequence);
  void head_backward(Sequence& sequence);
  // Loss of one predicted token.
  void token_forward(Sequence& sequence);
  void token_backward(Sequence& sequence);
  // A tensor-parallel collective on the activations of a microbatch; `share` of the bytes.
  std::uint32_t tensor(CollectiveKind kind, double share = 1, bool copy_engine = false);

  const Recipe& recipe_;
  Groups& groups_;
  Outline& outline_;
  int rank_;
  LayerKernels dense_, expert_;
  EndKernels ends_;
  bool parallel_;  // more than one tensor rank
  bool sequence_;  // sequence-parallel
  bool chunked_;   // collectives run in chunks with their product
  // By layer kind, and whether the layer is recomputed.
  std::optional<std::uint32_t> layer_forward_[2], layer_backward_[2][2];
};

}  // namespace orrery::workload
