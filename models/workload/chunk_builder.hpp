#pragma once
/// Forward and backward of a model chunk on one stage, tensor- and context-parallel communication
/// included.

#include <functional>

#include "workload/groups.hpp"
#include "workload/layer_kernels.hpp"
#include "workload/sequence.hpp"

namespace orrery::workload {

/// A part of the model: consecutive layers, with the embedding before or the head after.
struct ChunkShape {
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
  ChunkBuilder(const Recipe& recipe, Groups& groups, Program& program, int stage);

  [[nodiscard]] Sequence forward(const ChunkShape& chunk, const ChunkHooks& hooks = {});
  [[nodiscard]] Sequence backward(const ChunkShape& chunk, const ChunkHooks& hooks = {});
  /// One layer alone, for measuring layers.
  void forward_layer(Sequence& sequence, bool projects_qkv = true);
  void backward_layer(Sequence& sequence, bool recompute);

 private:
  // A product whose input is spread over the tensor ranks, or whose output is summed over them.
  void gather_then(Sequence& sequence, const Block& product);
  void then_reduce(Sequence& sequence, const Block& product);
  void input_and_weight_grad(Sequence& sequence, const Block& input_grad, const Block& weight_grad);
  void attention(Sequence& sequence, const Block& core, bool backward);
  void embed(Sequence& sequence);
  void head_forward(Sequence& sequence);
  void head_backward(Sequence& sequence);
  // A tensor-parallel collective on the activations of a microbatch; `share` of the bytes.
  std::uint32_t tensor(CollectiveKind kind, double share = 1, bool copy_engine = false);

  const Recipe& recipe_;
  Groups& groups_;
  Program& program_;
  int stage_;
  LayerKernels layer_;
  EndKernels ends_;
  bool parallel_;  // more than one tensor rank
  bool sequence_;  // sequence-parallel
  bool chunked_;   // collectives run in chunks with their product
};

}  // namespace orrery::workload
