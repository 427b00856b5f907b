#pragma once
/// Times of the kernels of `tpu.systolic`. Equations: README.md.

#include "accelerator/tpu_parameters.hpp"

namespace orrery::accelerator::tpu {

/// O(1).
Cost gemm_cost(const Spec& spec, const Available& available, const Gemm& gemm);
/// O(1). Every `version` is the same kernel here: there is one on TPUs. A causal mask skips blocks.
Cost attention_cost(const Spec& spec, const Available& available, const FlashAttention& attention);
Cost memory_cost(const Spec& spec, const Available& available, const MemoryBound& kernel);

/// Cycles in which the arrays take rows of C[m,n] = A[m,k] B[k,n], B in the arrays; without
/// `efficiency`.
double product_cycles(const MatrixUnits& units, double available_units, const Gemm& gemm);
/// Bytes to and from memory: blocks of C stay on chip while A and B stream past.
Bytes product_traffic(const MemorySpec& memory, const Gemm& gemm);

}  // namespace orrery::accelerator::tpu
