// Attention across context ranks.
#include <algorithm>

#include "workload/chunk_builder.hpp"

namespace orrery::workload {

std::uint32_t ChunkBuilder::context(CollectiveKind kind, double elements, double element) {
  return groups_.collective(GroupKind::Context, rank_, kind, Bytes(elements * element),
                            recipe_.activation_type());
}

// Of the tokens on this device, for its tensor rank.
double ChunkBuilder::keys_and_values() const {
  const ModelSpec& model = recipe_.model;
  const double heads = std::max(1.0, model.kv_heads / recipe_.parallelism.tensor);
  return device_tokens(recipe_) * heads * (model.head_dim + model.value_dim());
}

void ChunkBuilder::attention(Sequence& sequence, const LayerKernels& layer, bool backward) {
  const Block& core = backward ? layer.core_grad : layer.core;
  if (recipe_.parallelism.context == 1) {
    sequence.compute(core);
  } else if (recipe_.parallelism.context_style == ContextStyle::Ring) {
    ring(sequence, layer, backward);
  } else if (recipe_.parallelism.context_style == ContextStyle::AllGather) {
    const double all = recipe_.parallelism.context * keys_and_values();
    const double element = size_of(recipe_.activation_type()).si();
    sequence.blocking(context(CollectiveKind::AllGather, all, element), Tile::ContextComm);
    sequence.compute(core);
    if (!backward) return;
    sequence.blocking(context(CollectiveKind::ReduceScatter, all, element), Tile::ContextComm);
  } else {
    ulysses(sequence, core, backward);
  }
}

// Keys and values of the other context ranks come one rank at a time, each while the block before
// it is used. In backward their gradients go round behind them, and home at the end.
void ChunkBuilder::ring(Sequence& sequence, const LayerKernels& layer, bool backward) {
  const Block& first = backward ? layer.core_grad : layer.core;
  const std::vector<Block>& others = backward ? layer.ring_grad : layer.ring;
  const double element = size_of(recipe_.activation_type()).si();
  const double summed = recipe_.software.fused_merge ? element : size_of(Dtype::Fp32).si();
  const auto message = [&](double size) {
    return context(CollectiveKind::SendRecv, keys_and_values(), size);
  };
  const auto beside = [&](double size) {
    return sequence.beside(message(size), Stream::TensorComm, Tile::ContextComm);
  };
  for (std::size_t step = 0; step <= others.size(); ++step) {
    const int next = step < others.size() ? beside(element) : -1;
    const int gradient = backward && step > 0 ? beside(summed) : -1;
    sequence.compute(step == 0 ? first : others[step - 1]);
    sequence.wait(next);
    sequence.wait(gradient);
  }
  if (backward) sequence.blocking(message(summed), Tile::ContextComm);
}

// A part of the sequence with all heads becomes the sequence with a part of the heads, and back.
void ChunkBuilder::ulysses(Sequence& sequence, const Block& core, bool backward) {
  const double element = size_of(recipe_.activation_type()).si();
  const double heads = recipe_.model.heads / recipe_.parallelism.tensor;
  const double tokens = device_tokens(recipe_);
  const double inputs = tokens * heads * recipe_.model.head_dim + keys_and_values();
  const double output = tokens * heads * recipe_.model.value_dim();
  const auto exchange = [&](double elements) {
    sequence.blocking(context(CollectiveKind::AllToAll, elements, element), Tile::ContextComm);
  };
  exchange(backward ? output : inputs);
  sequence.compute(core);
  exchange(backward ? inputs : output);
}

}  // namespace orrery::workload
