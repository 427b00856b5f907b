// A layer's experts with the exchange of tokens.
#include "workload/chunk_builder.hpp"
#include "workload/kernel_shapes.hpp"

namespace orrery::workload {

// Copies of tokens between the ranks that hold a layer's experts. Returns the step to wait for
// before its result is used, or -1 where it held the device.
int ChunkBuilder::exchange(Sequence& sequence, Dtype dtype, bool beside) {
  if (recipe_.parallelism.expert == 1) return -1;
  const ExpertCopies copies{Shapes(recipe_)};
  const auto collective =
      groups_.collective(GroupKind::Expert, rank_, CollectiveKind::AllToAll,
                         copies.received * recipe_.model.hidden * size_of(dtype), dtype);
  if (beside) return sequence.beside(collective, Stream::TensorComm, Tile::ExpertComm);
  sequence.blocking(collective, Tile::ExpertComm);
  return -1;
}

// The ranks that split an expert need one another's copies, and sum their results.
void ChunkBuilder::split_experts(Sequence& sequence, CollectiveKind kind, Dtype dtype) {
  if (recipe_.parallelism.expert_tensor == 1) return;
  const ExpertCopies copies{Shapes(recipe_)};
  sequence.blocking(groups_.collective(GroupKind::Tensor, rank_, kind,
                                       copies.held * recipe_.model.hidden * size_of(dtype), dtype),
                    Tile::TensorComm);
}

// From the device's tokens to its experts and back. With overlap.expert the first exchange is
// waited for only when the second is issued, and that one not at all: what it runs beside stands
// for the kernels of another microbatch.
void ChunkBuilder::exchanged(Sequence& sequence, const Block& experts,
                             const std::function<void()>& meanwhile) {
  const Overlap& overlap = recipe_.software.overlap;
  const Dtype sent = recipe_.dispatch_type(), activation = recipe_.activation_type();
  if (!overlap.shared_expert) meanwhile();
  const int arrived = exchange(sequence, sent, overlap.expert || overlap.shared_expert);
  if (overlap.shared_expert) meanwhile();
  if (!overlap.expert) sequence.wait(arrived);
  split_experts(sequence, CollectiveKind::AllGather, sent);
  sequence.compute(experts);
  split_experts(sequence, CollectiveKind::ReduceScatter, activation);
  if (overlap.expert) sequence.wait(arrived);
  exchange(sequence, activation, overlap.expert);
}

void ChunkBuilder::forward_experts(Sequence& sequence, const LayerKernels& layer) {
  sequence.compute(layer.experts->route);
  exchanged(sequence, layer.experts->experts, [&] {
    if (!layer.fc1.empty()) forward_mlp(sequence, layer);
  });
  sequence.compute(layer.experts->combine);
}

void ChunkBuilder::backward_experts(Sequence& sequence, const LayerKernels& layer) {
  sequence.compute(layer.experts->combine_grad);
  exchanged(sequence, layer.experts->experts_grad, [&] {
    if (!layer.fc1.empty()) backward_mlp(sequence, layer);
  });
  sequence.compute(layer.experts->route_grad);
}

}  // namespace orrery::workload
