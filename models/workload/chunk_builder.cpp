#include "workload/chunk_builder.hpp"

namespace orrery::workload {
namespace {

template <class Hook, class... Arguments>
void call(const Hook& hook, Arguments&&... arguments) {
  if (hook) hook(std::forward<Arguments>(arguments)...);
}

}  // namespace

ChunkBuilder::ChunkBuilder(const Recipe& recipe, Groups& groups, Program& program, int stage)
    : recipe_(recipe),
      groups_(groups),
      program_(program),
      stage_(stage),
      layer_(layer_kernels(recipe)),
      ends_(end_kernels(recipe)),
      parallel_(recipe.parallelism.tensor > 1),
      sequence_(recipe.parallelism.sequence),
      chunked_(recipe.parallelism.sequence && recipe.software.overlap.tensor) {}

std::uint32_t ChunkBuilder::tensor(CollectiveKind kind, double share, bool copy_engine) {
  const Bytes bytes =
      device_tokens(recipe_) * recipe_.model.hidden * share * size_of(recipe_.activation_type());
  return groups_.collective(GroupKind::Tensor, stage_, kind, bytes, recipe_.activation_type(),
                            copy_engine);
}

void ChunkBuilder::gather_then(Sequence& sequence, const Block& product) {
  if (!sequence_) {
    sequence.compute(product);
  } else if (chunked_) {
    // The product starts on the chunk that is here; each of the others comes while the one before
    // is multiplied.
    const int rest = sequence.beside(tensor(CollectiveKind::AllGather, 1, true), Stream::TensorComm,
                                     Tile::TensorComm);
    sequence.compute(in_chunks(product, recipe_.parallelism.tensor));
    sequence.wait(rest);
  } else {
    sequence.blocking(tensor(CollectiveKind::AllGather), Tile::TensorComm);
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
                                         const Block& weight_grad) {
  if (!parallel_) {
    sequence.compute(input_grad);
    sequence.compute(weight_grad);
    return;
  }
  const bool beside = recipe_.software.overlap.tensor_backward || chunked_;
  // Sequence-parallel inputs were kept split: gather them again for the weight gradient.
  int again = -1;
  if (sequence_) {
    const auto gather = tensor(CollectiveKind::AllGather);
    if (beside) {
      again = sequence.beside(gather, Stream::TensorComm, Tile::TensorComm);
    } else {
      sequence.blocking(gather, Tile::TensorComm);
    }
  }
  sequence.compute(input_grad);
  const auto reduce = tensor(sequence_ ? CollectiveKind::ReduceScatter : CollectiveKind::AllReduce);
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

// Ring attention: keys and values of the other context ranks arrive while those at hand are used.
void ChunkBuilder::attention(Sequence& sequence, const Block& core, bool backward) {
  if (recipe_.parallelism.context == 1) {
    sequence.compute(core);
    return;
  }
  const Bytes bytes = recipe_.microbatch * recipe_.sequence_length * 2.0 *
                      (recipe_.model.kv_width() / recipe_.parallelism.tensor) *
                      size_of(recipe_.activation_type());
  const auto ring = [&](CollectiveKind kind) {
    return sequence.beside(
        groups_.collective(GroupKind::Context, stage_, kind, bytes, recipe_.activation_type()),
        Stream::TensorComm, Tile::ContextComm);
  };
  const int gathered = ring(CollectiveKind::AllGather);
  const int reduced = backward ? ring(CollectiveKind::ReduceScatter) : -1;
  sequence.compute(core);
  sequence.wait(gathered);
  sequence.wait(reduced);
}

void ChunkBuilder::forward_layer(Sequence& sequence, bool projects_qkv) {
  sequence.compute(layer_.norm1);
  if (projects_qkv) gather_then(sequence, layer_.qkv);
  attention(sequence, layer_.core, false);
  then_reduce(sequence, layer_.projection);
  sequence.compute(layer_.add1);
  sequence.compute(layer_.norm2);
  gather_then(sequence, layer_.fc1);
  sequence.compute(layer_.activation);
  then_reduce(sequence, layer_.fc2);
  sequence.compute(layer_.add2);
}

void ChunkBuilder::backward_layer(Sequence& sequence, bool recompute) {
  if (recompute && recipe_.recomputes_layers()) {
    forward_layer(sequence, recipe_.recompute == Recompute::Full);
  }
  if (recipe_.recompute == Recompute::Operator)
    sequence.compute(operator_recompute(recipe_, layer_));
  sequence.compute(layer_.add2_grad);
  gather_then(sequence, layer_.fc2_input_grad);
  sequence.compute(layer_.fc2_weight_grad);
  sequence.compute(layer_.activation_grad);
  input_and_weight_grad(sequence, layer_.fc1_input_grad, layer_.fc1_weight_grad);
  sequence.compute(layer_.norm2_grad);
  sequence.compute(layer_.add1_grad);
  gather_then(sequence, layer_.projection_input_grad);
  sequence.compute(layer_.projection_weight_grad);
  if (recipe_.recompute == Recompute::Selective) sequence.compute(selective_recompute(layer_));
  attention(sequence, layer_.core_grad, true);
  input_and_weight_grad(sequence, layer_.qkv_input_grad, layer_.qkv_weight_grad);
  sequence.compute(layer_.norm1_grad);
}

void ChunkBuilder::embed(Sequence& sequence) {
  sequence.compute(ends_.embedding);
  if (parallel_) {
    sequence.blocking(tensor(sequence_ ? CollectiveKind::ReduceScatter : CollectiveKind::AllReduce),
                      Tile::TensorComm);
  }
}

void ChunkBuilder::head_forward(Sequence& sequence) {
  sequence.compute(ends_.final_norm);
  gather_then(sequence, ends_.logits);
  sequence.compute(ends_.loss);
  if (!parallel_) return;
  // The vocabulary is split: maximum, target logit and sum are reduced, four bytes a token each.
  const auto scalar = groups_.collective(GroupKind::Tensor, stage_, CollectiveKind::AllReduce,
                                         Bytes(device_tokens(recipe_) * 4), Dtype::Fp32);
  for (int i = 0; i < 3; ++i) sequence.blocking(scalar, Tile::TensorComm);
}

void ChunkBuilder::head_backward(Sequence& sequence) {
  sequence.compute(ends_.loss_grad);
  input_and_weight_grad(sequence, ends_.logits_input_grad, ends_.logits_weight_grad);
  sequence.compute(ends_.final_norm_grad);
}

Sequence ChunkBuilder::forward(const ChunkShape& chunk, const ChunkHooks& hooks) {
  Sequence sequence(program_);
  call(hooks.begin, sequence);
  if (chunk.embedding) {
    call(hooks.before, sequence, -1);
    embed(sequence);
  }
  for (int layer = 0; layer < chunk.layers; ++layer) {
    call(hooks.before, sequence, layer);
    forward_layer(sequence);
    call(hooks.after, sequence, layer);
  }
  if (chunk.head) {
    if (!chunk.embedding) call(hooks.before, sequence, -1);
    head_forward(sequence);
  }
  call(hooks.end, sequence);
  return sequence;
}

Sequence ChunkBuilder::backward(const ChunkShape& chunk, const ChunkHooks& hooks) {
  Sequence sequence(program_);
  call(hooks.begin, sequence);
  if (chunk.head) {
    call(hooks.before, sequence, -1);
    head_backward(sequence);
    if (!chunk.embedding) call(hooks.after, sequence, -1);
  }
  for (int layer = chunk.layers - 1; layer >= 0; --layer) {
    call(hooks.before, sequence, layer);
    backward_layer(sequence, layer < recipe_.recompute_fraction * chunk.layers);
    call(hooks.after, sequence, layer);
  }
  if (chunk.embedding) {
    if (sequence_) sequence.blocking(tensor(CollectiveKind::AllGather), Tile::TensorComm);
    sequence.compute(ends_.embedding_grad);
    call(hooks.after, sequence, -1);
  }
  call(hooks.end, sequence);
  return sequence;
}

}  // namespace orrery::workload
