#include "workload/chunk_builder.hpp"

#include "workload/attention_kernels.hpp"

namespace orrery::workload {
namespace {

template <class Hook, class... Arguments>
void call(const Hook& hook, Arguments&&... arguments) {
  if (hook) hook(std::forward<Arguments>(arguments)...);
}

}  // namespace

ChunkBuilder::ChunkBuilder(const Recipe& recipe, Groups& groups, Outline& outline, int rank)
    : recipe_(recipe),
      groups_(groups),
      outline_(outline),
      rank_(rank),
      dense_(layer_kernels(recipe)),
      expert_(recipe.model.moe ? layer_kernels(recipe, LayerKind::Expert) : LayerKernels{}),
      ends_(end_kernels(recipe)),
      parallel_(recipe.parallelism.tensor > 1),
      sequence_(recipe.parallelism.sequence),
      chunked_(recipe.parallelism.sequence && recipe.software.overlap.tensor) {}

std::uint32_t ChunkBuilder::tensor(CollectiveKind kind, double share, bool copy_engine) {
  const Bytes bytes =
      device_tokens(recipe_) * recipe_.model.hidden * share * size_of(recipe_.activation_type());
  return groups_.collective(GroupKind::Tensor, rank_, kind, bytes, recipe_.activation_type(),
                            copy_engine);
}

void ChunkBuilder::gather_then(Sequence& sequence, const Block& product, double share) {
  if (!sequence_) {
    sequence.compute(product);
  } else if (chunked_) {
    // The product starts on the chunk that is here; each of the others comes while the one before
    // is multiplied.
    const int rest = sequence.beside(tensor(CollectiveKind::AllGather, share, true),
                                     Stream::TensorComm, Tile::TensorComm);
    sequence.compute(in_chunks(product, recipe_.parallelism.tensor));
    sequence.wait(rest);
  } else {
    sequence.blocking(tensor(CollectiveKind::AllGather, share), Tile::TensorComm);
    sequence.compute(product);
  }
}

void ChunkBuilder::then_reduce(Sequence& sequence, const Block& product) {
  if (!parallel_) {
    sequence.compute(product);
  } else if (chunked_) {
    // All but the last chunk leave while later ones are multiplied.
    const double last = 1.0 / recipe_.parallelism.tensor;
    const int rest = sequence.beside(tensor(CollectiveKind::ReduceScatter, 1 - last, true),
                                     Stream::TensorComm, Tile::TensorComm);
    sequence.compute(in_chunks(product, recipe_.parallelism.tensor));
    sequence.wait(rest);
    sequence.blocking(tensor(CollectiveKind::ReduceScatter, last, true), Tile::TensorComm);
  } else {
    sequence.compute(product);
    sequence.blocking(tensor(sequence_ ? CollectiveKind::ReduceScatter : CollectiveKind::AllReduce),
                      Tile::TensorComm);
  }
}

void ChunkBuilder::input_and_weight_grad(Sequence& sequence, const Block& input_grad,
                                         const Block& weight_grad, double share) {
  if (!parallel_) {
    sequence.compute(input_grad);
    sequence.compute(weight_grad);
    return;
  }
  const bool beside = recipe_.software.overlap.tensor_backward || chunked_;
  // Sequence-parallel inputs were kept split: gather them again for the weight gradient.
  int again = -1;
  if (sequence_) {
    const auto gather = tensor(CollectiveKind::AllGather, share);
    if (beside) {
      again = sequence.beside(gather, Stream::TensorComm, Tile::TensorComm);
    } else {
      sequence.blocking(gather, Tile::TensorComm);
    }
  }
  sequence.compute(input_grad);
  const auto reduce =
      tensor(sequence_ ? CollectiveKind::ReduceScatter : CollectiveKind::AllReduce, share);
  if (!beside) {
    sequence.blocking(reduce, Tile::TensorComm);
    sequence.compute(weight_grad);
    return;
  }
  const int reduced = sequence.beside(reduce, Stream::TensorComm, Tile::TensorComm);
  sequence.wait(again);
  sequence.compute(weight_grad);
  sequence.wait(reduced);
}

const LayerKernels& ChunkBuilder::kernels(LayerKind kind) const {
  return kind == LayerKind::Expert ? expert_ : dense_;
}

double ChunkBuilder::latent_share() const {
  return query_key_value_inputs(recipe_.model) / recipe_.model.hidden;
}

void ChunkBuilder::forward_mlp(Sequence& sequence, const LayerKernels& layer) {
  gather_then(sequence, layer.fc1);
  sequence.compute(layer.activation);
  then_reduce(sequence, layer.fc2);
}

void ChunkBuilder::backward_mlp(Sequence& sequence, const LayerKernels& layer) {
  gather_then(sequence, layer.fc2_input_grad);
  sequence.compute(layer.fc2_weight_grad);
  sequence.compute(layer.activation_grad);
  input_and_weight_grad(sequence, layer.fc1_input_grad, layer.fc1_weight_grad);
}

void ChunkBuilder::forward_layer(Sequence& sequence, LayerKind kind, bool projects_qkv) {
  const LayerKernels& layer = kernels(kind);
  sequence.compute(layer.norm1);
  sequence.compute(layer.latent);
  if (projects_qkv) gather_then(sequence, layer.qkv, latent_share());
  attention(sequence, layer, false);
  then_reduce(sequence, layer.projection);
  sequence.compute(layer.add1);
  sequence.compute(layer.norm2);
  if (kind == LayerKind::Expert) {
    forward_experts(sequence, layer);
  } else {
    forward_mlp(sequence, layer);
  }
  sequence.compute(layer.add2);
}

void ChunkBuilder::backward_layer(Sequence& sequence, LayerKind kind, bool recompute) {
  const LayerKernels& layer = kernels(kind);
  if (recompute && recipe_.recomputes_layers()) {
    forward_layer(sequence, kind, recipe_.recompute == Recompute::Full);
  }
  if (recipe_.recompute == Recompute::Operator)
    sequence.compute(operator_recompute(recipe_, layer));
  if (recipe_.recomputes(&RecomputeModules::norm)) {
    sequence.compute(layer.norm1);
    sequence.compute(layer.norm2);
  }
  sequence.compute(layer.add2_grad);
  if (kind == LayerKind::Expert) {
    backward_experts(sequence, layer);
  } else {
    backward_mlp(sequence, layer);
  }
  sequence.compute(layer.norm2_grad);
  sequence.compute(layer.add1_grad);
  gather_then(sequence, layer.projection_input_grad);
  sequence.compute(layer.projection_weight_grad);
  sequence.compute(layer.latent_up_again);
  if (recipe_.recomputes(&RecomputeModules::attention)) attention(sequence, layer, false);
  attention(sequence, layer, true);
  input_and_weight_grad(sequence, layer.qkv_input_grad, layer.qkv_weight_grad, latent_share());
  sequence.compute(layer.latent_grad);
  sequence.compute(layer.norm1_grad);
}

void ChunkBuilder::embed(Sequence& sequence) {
  sequence.compute(ends_.embedding);
  if (parallel_) {
    sequence.blocking(tensor(sequence_ ? CollectiveKind::ReduceScatter : CollectiveKind::AllReduce),
                      Tile::TensorComm);
  }
}

void ChunkBuilder::token_forward(Sequence& sequence) {
  sequence.compute(ends_.final_norm);
  gather_then(sequence, ends_.logits);
  sequence.compute(ends_.loss);
  if (!parallel_) return;
  // The vocabulary is split: maximum, target logit and sum are reduced, four bytes a token each.
  const auto scalar = groups_.collective(GroupKind::Tensor, rank_, CollectiveKind::AllReduce,
                                         Bytes(device_tokens(recipe_) * 4), Dtype::Fp32);
  for (int i = 0; i < 3; ++i) sequence.blocking(scalar, Tile::TensorComm);
}

void ChunkBuilder::token_backward(Sequence& sequence) {
  sequence.compute(ends_.loss_grad);
  input_and_weight_grad(sequence, ends_.logits_input_grad, ends_.logits_weight_grad);
  sequence.compute(ends_.final_norm_grad);
}

std::uint32_t ChunkBuilder::layer_forward(LayerKind kind) {
  std::optional<std::uint32_t>& known = layer_forward_[kind == LayerKind::Expert ? 1 : 0];
  if (!known) {
    Sequence layer(outline_);
    forward_layer(layer, kind);
    known = outline_.add(layer.finish());
  }
  return *known;
}

std::uint32_t ChunkBuilder::layer_backward(LayerKind kind, bool recompute) {
  std::optional<std::uint32_t>& known =
      layer_backward_[kind == LayerKind::Expert ? 1 : 0][recompute ? 1 : 0];
  if (!known) {
    Sequence layer(outline_);
    backward_layer(layer, kind, recompute);
    known = outline_.add(layer.finish());
  }
  return *known;
}

LayerKind ChunkBuilder::ahead_kind() const {
  return recipe_.model.kind(static_cast<int>(recipe_.model.layers));
}

// The head, and with multi-token prediction a layer and the head again for every token further
// ahead.
void ChunkBuilder::head_forward(Sequence& sequence) {
  token_forward(sequence);
  for (int ahead = 0; ahead < recipe_.model.mtp_layers; ++ahead) {
    embed(sequence);
    sequence.compute(ends_.join_norms);
    then_reduce(sequence, ends_.join);
    sequence.run(layer_forward(ahead_kind()));
    token_forward(sequence);
  }
}

void ChunkBuilder::head_backward(Sequence& sequence) {
  for (int ahead = recipe_.model.mtp_layers - 1; ahead >= 0; --ahead) {
    token_backward(sequence);
    sequence.run(layer_backward(ahead_kind(), recipe_.recompute == Recompute::Full));
    gather_then(sequence, ends_.join_input_grad);
    sequence.compute(ends_.join_weight_grad);
    sequence.compute(ends_.join_norms_grad);
    sequence.compute(ends_.embedding_grad);
  }
  token_backward(sequence);
}

std::uint32_t ChunkBuilder::forward(const ChunkShape& chunk, const ChunkHooks& hooks) {
  Sequence sequence(outline_);
  call(hooks.begin, sequence);
  if (chunk.embedding) {
    call(hooks.before, sequence, -1);
    embed(sequence);
  }
  for (int layer = 0; layer < chunk.layers; ++layer) {
    call(hooks.before, sequence, layer);
    sequence.run(layer_forward(recipe_.model.kind(chunk.first_layer + layer)));
    call(hooks.after, sequence, layer);
  }
  if (chunk.head) {
    if (!chunk.embedding) call(hooks.before, sequence, -1);
    head_forward(sequence);
  }
  call(hooks.end, sequence);
  return outline_.add(sequence.finish());
}

std::uint32_t ChunkBuilder::backward(const ChunkShape& chunk, const ChunkHooks& hooks) {
  Sequence sequence(outline_);
  call(hooks.begin, sequence);
  if (chunk.head) {
    call(hooks.before, sequence, -1);
    head_backward(sequence);
    if (!chunk.embedding) call(hooks.after, sequence, -1);
  }
  for (int layer = chunk.layers - 1; layer >= 0; --layer) {
    call(hooks.before, sequence, layer);
    const bool recomputed = layer < recipe_.recompute_fraction * chunk.layers;
    sequence.run(layer_backward(recipe_.model.kind(chunk.first_layer + layer),
                                recomputed && recipe_.recomputes_layers()));
    call(hooks.after, sequence, layer);
  }
  if (chunk.embedding) {
    if (sequence_) sequence.blocking(tensor(CollectiveKind::AllGather), Tile::TensorComm);
    sequence.compute(ends_.embedding_grad);
    call(hooks.after, sequence, -1);
  }
  call(hooks.end, sequence);
  return outline_.add(sequence.finish());
}

}  // namespace orrery::workload
