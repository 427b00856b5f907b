#pragma once
/// Dense products on a GPU: the best of the library's tiles and splits, as a BLAS would choose.

#include <vector>

#include "accelerator/gpu_parameters.hpp"
#include "accelerator/gpu_power.hpp"

namespace orrery::accelerator {

class GemmModel {
 public:
  /// `spec` and `power` must outlive the model.
  GemmModel(const Spec& spec, const GpuPower& power);
  /// O(tiles), about a microsecond; the device must have a rate for `gemm.dtype`.
  [[nodiscard]] Cost cost(const Gemm& gemm, const Available& available) const;

 private:
  // A tile and what it costs, whatever the shape of the product.
  struct Kernel {
    double rows, columns;
    double cycles_per_k;  // tensor issue against operand feed
    double tile_cycles;
    double aspect;  // columns per row, for a square wave
  };
  struct Problem;
  struct Plan;

  [[nodiscard]] Problem problem(const Gemm& gemm, const Available& available) const;
  [[nodiscard]] Plan best_plan(const Problem& problem, const std::vector<Kernel>& kernels) const;
  void consider(const Problem& problem, const Kernel& kernel, double tiles, double traffic,
                double split, Plan& best) const;
  [[nodiscard]] Cost cost_of(const Plan& plan, const Gemm& gemm, const Available& available) const;

  const Spec& spec_;
  const GpuPower& power_;
  PerDtype<std::vector<Kernel>> kernels_;
};

}  // namespace orrery::accelerator
