#pragma once
/// What the kernels of a layer and of the model's ends share: shapes on one device, and the kernels
/// both have.

#include "workload/layer_kernels.hpp"

namespace orrery::workload {

// Bytes of a softmax-dropout mask element and of a dropout mask element.
inline constexpr double kMask = 1;

// Shapes on one device and the sizes of what is stored, in bytes per element.
struct Shapes {
  explicit Shapes(const Recipe& r)
      : recipe(r),
        tensor(r.parallelism.tensor),
        tokens(device_tokens(r)),
        split_tokens(r.parallelism.sequence ? tokens / tensor : tokens),
        query(r.model.attention_width() / tensor),
        key_value(r.model.kv_heads >= tensor ? r.model.kv_width() / tensor : r.model.head_dim),
        columns_in(r.model.feed_forward_in() / tensor),
        columns(r.model.feed_forward / tensor),
        element(size_of(r.activation_type()).si()),
        residual(size_of(r.software.residual).si()),
        fp8(r.precision == Dtype::Fp8) {}

  const Recipe& recipe;
  double tensor;
  double tokens;        // of a microbatch that this device multiplies
  double split_tokens;  // of a microbatch that this device normalises and adds
  double query;         // columns of the queries here
  double key_value;     // columns of the keys (and of the values) here
  double columns_in;    // of the first feed-forward product
  double columns;       // of the feed-forward activation
  double element;
  double residual;
  bool fp8;
};

Work memory_work(const char* name, double bytes);
/// Adds a kernel that moves `bytes`, unless they are none.
void add_memory(Block& block, const char* name, double bytes);
/// The gradient of n x k weights, in the product or added afterwards.
void add_weight_gradient(const Shapes& s, const char* name, double n, double k, Dtype dtype,
                         Block& block);
Block norm_forward(const Shapes& s, const char* name);
Block norm_backward(const Shapes& s, const char* name);

}  // namespace orrery::workload
