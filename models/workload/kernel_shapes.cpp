#include "workload/kernel_shapes.hpp"

namespace orrery::workload {

Work memory_work(const char* name, double bytes) {
  return {.name = name, .shape = MemoryBound{.bytes = Bytes(bytes)}};
}

void add_memory(Block& block, const char* name, double bytes) {
  if (bytes > 0) block.push_back(memory_work(name, bytes));
}

void add_weight_gradient(const Shapes& s, const char* name, double n, double k, Dtype dtype,
                         Block& block) {
  const Software& software = s.recipe.software;
  const double main_size = size_of(software.gradient).si();
  Gemm product{.m = n, .n = k, .k = s.tokens, .dtype = dtype};
  if (software.fused_weight_gradient) {
    product.output_size = size_of(software.gradient);
    product.accumulate = true;
    block.push_back({.name = name, .shape = product});
    return;
  }
  product.output_size = Bytes(s.element);
  block.push_back({.name = name, .shape = product});
  // Written in 16 bits, then read and added to the gradient that is held.
  add_memory(block, "grad_accumulate", n * k * (s.element + 2 * main_size));
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
double device_tokens(const Recipe& recipe) {
  return recipe.microbatch * recipe.sequence_length / recipe.parallelism.context;
}
Block in_chunks(const Block& block, double chunks) {
  Block split = block;
  for (Work& work : split) {
    if (auto* product = std::get_if<Gemm>(&work.shape)) {
      product->m /= chunks;
      work.repeat *= static_cast<int>(chunks);
    }
  }
  return split;
}
void append(Block& block, const Block& more) {
  block.insert(block.end(), more.begin(), more.end());
}
}  // namespace orrery::workload
