#pragma once
/// What the kernels of a layer and of the model's ends share: shapes on one device, and the kernels
/// both have.

#include <orrery/work.hpp>

#include "workload/recipe.hpp"

namespace orrery::workload {

// Bytes of a softmax-dropout mask element and of a dropout mask element.
inline constexpr double kMask = 1;

/// Tokens of a microbatch on one device.
double device_tokens(const Recipe& recipe);

// Shapes on one device and the sizes of what is stored, in bytes per element.
struct Shapes {
  explicit Shapes(const Recipe& r)
      : recipe(r),
        tensor(r.parallelism.tensor),
        tokens(device_tokens(r)),
        split_tokens(r.parallelism.sequence ? tokens / tensor : tokens),
        query(r.model.attention_width() / tensor),
        key(r.model.kv_heads >= tensor ? r.model.kv_width() / tensor : r.model.head_dim),
        output(r.model.value_width() / tensor),
        element(size_of(r.activation_type()).si()),
        residual(size_of(r.software.residual).si()),
        fp8(r.precision == Dtype::Fp8) {}

  [[nodiscard]] double heads() const { return query / recipe.model.head_dim; }

  const Recipe& recipe;
  double tensor;
  double tokens;        // of a microbatch that this device multiplies
  double split_tokens;  // of a microbatch that this device normalises and adds
  double query;         // columns of the queries here
  double key;           // columns of the keys here
  double output;        // columns of attention's output here
  double element;
  double residual;
  bool fp8;
};

void append(Block& block, const Block& more);
Work memory_work(const char* name, double bytes);
/// Adds a kernel that moves `bytes`, unless they are none.
void add_memory(Block& block, const char* name, double bytes);
/// The gradient of m x n weights by `product`, to which it is added in the product or afterwards.
void add_weight_gradient(const Shapes& s, const char* name, Gemm product, Block& block);
Block norm_forward(const Shapes& s, const char* name);
Block norm_backward(const Shapes& s, const char* name);
/// The activation of `rows` tokens with `columns` columns, and their gates.
Block activation_forward(const Shapes& s, double rows, double columns);
Block activation_backward(const Shapes& s, double rows, double columns);

}  // namespace orrery::workload
