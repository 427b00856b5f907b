#include "workload/kernel_shapes.hpp"

namespace orrery::workload {

Work memory_work(const char* name, double bytes) {
  return {.name = name, .shape = MemoryBound{.bytes = Bytes(bytes)}};
}

void add_memory(Block& block, const char* name, double bytes) {
  if (bytes > 0) block.push_back(memory_work(name, bytes));
}

void add_weight_gradient(const Shapes& s, const char* name, Gemm product, Block& block) {
  const Software& software = s.recipe.software;
  const double main_size = size_of(software.gradient).si();
  if (software.fused_weight_gradient) {
    product.output_size = size_of(software.gradient);
    product.accumulate = true;
    block.push_back({.name = name, .shape = product});
    return;
  }
  product.output_size = Bytes(s.element);
  block.push_back({.name = name, .shape = product});
  // Written in 16 bits, then read and added to the gradient that is held.
  add_memory(block, "grad_accumulate",
             product.batch * product.m * product.n * (s.element + 2 * main_size));
}

namespace {

// Written by a norm for the product that follows.
double operand_size(const Shapes& s) {
  return s.fp8 && s.recipe.software.fused_fp8_cast ? 1 : s.element;
}

}  // namespace

Block norm_forward(const Shapes& s, const char* name) {
  const double e = s.element, r = s.residual, out = operand_size(s);
  Block block;
  if (s.recipe.software.compiled) {
    add_memory(block, name, s.split_tokens * s.recipe.model.hidden * out);  // read with the add
  } else if (s.recipe.software.fused_norm) {
    add_memory(block, name, s.split_tokens * s.recipe.model.hidden * (r + out));
  } else {
    // to fp32, square, mean, multiply, back, weight: one kernel each
    block.push_back(
        memory_work(name, s.split_tokens * s.recipe.model.hidden * (r + 28 + 3 * e) / 6));
    block.back().repeat = 6;
  }
  return block;
}

Block norm_backward(const Shapes& s, const char* name) {
  const double e = s.element, r = s.residual;
  const double elements = s.split_tokens * s.recipe.model.hidden;
  Block block;
  if (s.recipe.software.compiled) {
    add_memory(block, name, elements * (e + 3 * r));  // joined with the residual's gradient
  } else if (s.recipe.software.fused_norm) {
    add_memory(block, name, elements * (e + 2 * r));
    add_memory(block, "norm_weight_grad", elements * (e + r));
    add_memory(block, "residual_grad", elements * 3 * r);
  } else {
    block.push_back(memory_work(name, elements * (56 + 6 * e + 3 * r) / 12));
    block.back().repeat = 12;
    add_memory(block, "residual_grad", elements * 3 * r);
  }
  return block;
}

Block activation_forward(const Shapes& s, double rows, double columns) {
  const Software& software = s.recipe.software;
  const double e = s.element;
  const double columns_in = columns * (s.recipe.model.gated_mlp ? 2 : 1);
  Block block;
  if (software.compiled || software.fused_bias_activation) {
    add_memory(block, "activation", rows * (columns_in + columns) * e);
    return block;
  }
  if (s.recipe.model.biases) add_memory(block, "bias", rows * columns_in * 2 * e);
  add_memory(block, "activation", rows * columns * 2 * e);
  if (s.recipe.model.gated_mlp) add_memory(block, "gate", rows * columns * 3 * e);
  return block;
}

Block activation_backward(const Shapes& s, double rows, double columns) {
  const Software& software = s.recipe.software;
  const double e = s.element;
  const double columns_in = columns * (s.recipe.model.gated_mlp ? 2 : 1);
  Block block;
  if (s.recipe.model.gated_mlp && !software.compiled && !software.fused_bias_activation) {
    add_memory(block, "gate_grad", rows * columns * 6 * e);
    add_memory(block, "activation_grad", rows * columns * 3 * e);
    return block;
  }
  add_memory(block, "activation_grad", rows * (columns + 2 * columns_in) * e);
  return block;
}

double device_tokens(const Recipe& recipe) {
  return recipe.microbatch * recipe.sequence_length / recipe.parallelism.context;
}
void append(Block& block, const Block& more) {
  block.insert(block.end(), more.begin(), more.end());
}
}  // namespace orrery::workload
