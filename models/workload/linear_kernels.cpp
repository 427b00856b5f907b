#include "workload/linear_kernels.hpp"

namespace orrery::workload {
namespace {

// fp8 products read operands in both layouts: transposed copies are made with the cast, or later.
void add_fp8_casts(const Shapes& s, const LinearShape& shape, Linear& result) {
  if (!s.fp8) return;
  const double x = shape.batch * shape.rows * shape.inputs;
  const double y = shape.batch * shape.rows * shape.outputs;
  const bool cast_by_norm = shape.input == Input::Norm && s.recipe.software.fused_fp8_cast;
  if (cast_by_norm || shape.input == Input::Fp8) {
    add_memory(result.weight_grad, "fp8_transpose", x * 2);
  } else {
    add_memory(result.forward, "fp8_cast", x * (s.element + 2));
  }
  if (shape.fp8_gradient) {
    add_memory(result.weight_grad, "fp8_transpose", y * 2);
  } else {
    add_memory(result.input_grad, "fp8_grad_cast", y * (s.element + 2));
  }
}

}  // namespace

Work gemm_work(const char* name, const Recipe& recipe, double m, double n, double k, double batch) {
  return {.name = name,
          .shape = Gemm{.m = m,
                        .n = n,
                        .k = k,
                        .batch = batch,
                        .dtype = recipe.precision,
                        .output_size = size_of(recipe.activation_type())}};
}

Linear linear(const Shapes& s, const LinearShape& shape) {
  const double n = shape.outputs, k = shape.inputs;
  Linear result;
  add_fp8_casts(s, shape, result);
  // Autocast keeps weights in fp32 and casts them at every use.
  if (size_of(s.recipe.software.gathered) > size_of(s.recipe.activation_type())) {
    add_memory(result.forward, "weight_cast", shape.batch * n * k * (4 + s.element));
  }
  result.forward.push_back(gemm_work(shape.name, s.recipe, shape.rows, n, k, shape.batch));
  result.input_grad.push_back(gemm_work(shape.name, s.recipe, shape.rows, k, n, shape.batch));
  if (shape.biases && !s.fp8) {
    add_memory(result.weight_grad, "bias_grad", shape.rows * n * s.element);
  }
  add_weight_gradient(
      s, shape.name,
      {.m = n, .n = k, .k = shape.rows, .batch = shape.batch, .dtype = s.recipe.precision},
      result.weight_grad);
  return result;
}

Linear join(Linear first, const Linear& second) {
  append(first.forward, second.forward);
  append(first.input_grad, second.input_grad);
  append(first.weight_grad, second.weight_grad);
  return first;
}

}  // namespace orrery::workload
