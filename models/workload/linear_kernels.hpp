#pragma once
/// Linear layers on one device: their products in the three passes, and the casts they need.

#include "workload/kernel_shapes.hpp"

namespace orrery::workload {

/// Who wrote a product's input: a norm can write fp8 itself, others leave 16 bits to cast; what
/// came over the network in fp8 only lacks its transpose.
enum class Input { Norm, Other, Fp8 };

/// y = x W of `batch` independent members.
struct LinearShape {
  const char* name = "";
  double rows = 0;  ///< of x, in each member
  double outputs = 0;
  double inputs = 0;
  Input input = Input::Other;
  double batch = 1;
  bool biases = false;
  bool fp8_gradient = false;  ///< the gradient of y comes in fp8
};

struct Linear {
  Block forward, input_grad, weight_grad;
};

Linear linear(const Shapes& s, const LinearShape& shape);
/// Both layers, one after the other.
Linear join(Linear first, const Linear& second);
/// A product of the recipe's precision.
Work gemm_work(const char* name, const Recipe& recipe, double m, double n, double k,
               double batch = 1);

}  // namespace orrery::workload
