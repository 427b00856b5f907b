#pragma once
/// The kernels of attention: what makes queries, keys and values, and what uses them.

#include <vector>

#include "workload/linear_kernels.hpp"

namespace orrery::workload {

/// With latent attention, what makes the latents of queries, keys and values on the tokens that
/// this device normalises; their weights are whole on every tensor rank. Else empty.
struct LatentKernels {
  Block forward, backward;
};
LatentKernels latent_kernels(const Shapes& s);
/// What makes queries, keys and values, of the layer's input or of the latents.
Linear query_key_value(const Shapes& s);
/// Columns of what query_key_value() reads, on all tensor ranks together.
double query_key_value_inputs(const ModelSpec& model);

/// Rotary positions of queries and keys, either pass.
Block rotary(const Shapes& s);
/// Rotary positions, then the attention core, in the steps between which keys and values of other
/// context ranks must arrive: one, or with a ring one per context rank.
std::vector<Block> core_forward(const Shapes& s);
/// Its gradient, rotary last.
std::vector<Block> core_backward(const Shapes& s);

}  // namespace orrery::workload
