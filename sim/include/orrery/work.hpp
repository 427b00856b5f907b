#pragma once
/// What a device is asked to do: the kernels of a training step, by shape. Pure data.

#include <string>
#include <variant>
#include <vector>

#include <orrery/quantity.hpp>

namespace orrery {

/// Number formats of operands. `tf32` is stored in four bytes.
enum class Dtype { Fp32, Tf32, Fp16, Bf16, Fp8, Int8 };

constexpr Bytes size_of(Dtype dtype) {
  switch (dtype) {
    case Dtype::Fp32:
    case Dtype::Tf32:
      return Bytes(4);
    case Dtype::Fp16:
    case Dtype::Bf16:
      return Bytes(2);
    case Dtype::Fp8:
    case Dtype::Int8:
      return Bytes(1);
  }
  return Bytes(0);
}
const char* to_text(Dtype dtype);

/// `batch` independent products C[m,n] = A[m,k] B[k,n].
struct Gemm {
  double m = 0;
  double n = 0;
  double k = 0;
  double batch = 1;
  Dtype dtype = Dtype::Bf16;  ///< of A and B; accumulation is in fp32
  Bytes output_size{2};       ///< per element of C
  bool accumulate = false;    ///< C is read and added to (gradient accumulation fused in)

  [[nodiscard]] Flops flops() const { return Flops(2.0 * batch * m * n * k); }
  /// Operands and result once each: the least traffic to memory.
  [[nodiscard]] Bytes bytes() const {
    return batch *
           ((m * k + k * n) * size_of(dtype) + m * n * (accumulate ? 2.0 : 1.0) * output_size);
  }
};

/// Tiled attention that never stores the score matrix.
struct FlashAttention {
  /// Triton is the Triton kernel of the first generation (2022).
  enum class Version { Flash1, Triton, Flash2, Flash3, Cudnn };
  Version version = Version::Flash2;
  bool backward = false;
  bool causal = true;
  double batch = 1;
  double heads = 1;     ///< query heads on this device
  double kv_heads = 1;  ///< key/value heads on this device
  double query_length = 0;
  double key_length = 0;
  double head_dim = 128;
  double value_dim = 0;  ///< of a head's values and output; 0: as head_dim
  Dtype dtype = Dtype::Bf16;

  [[nodiscard]] double values() const { return value_dim > 0 ? value_dim : head_dim; }
  /// Useful work: masked scores do not count. Forward does a product of width head_dim (scores) and
  /// one of width values(); backward three of the first and two of the second.
  [[nodiscard]] Flops flops() const {
    const double widths = backward ? 3.0 * head_dim + 2.0 * values() : head_dim + values();
    return Flops(2.0 * batch * heads * query_length * key_length * widths * (causal ? 0.5 : 1.0));
  }
  [[nodiscard]] Bytes bytes() const {
    const double rows = batch * (heads * query_length + kv_heads * key_length);
    return (backward ? 2.0 : 1.0) * rows * (head_dim + values()) * size_of(dtype);
  }
};

/// A kernel bound by memory bandwidth: normalisation, activation, dropout, softmax, copy,
/// optimizer.
struct MemoryBound {
  Bytes bytes{};  ///< read and written together
  Flops flops{};  ///< vector work, for power; never the bound
};

/// One kernel launched `repeat` times.
struct Work {
  std::string name;  ///< what the user knows it as: "qkv", "softmax", "adam"
  std::variant<Gemm, FlashAttention, MemoryBound> shape;
  int repeat = 1;

  [[nodiscard]] Flops flops() const;
  [[nodiscard]] Bytes bytes() const;
};

/// Kernels that run one after the other on a stream, with nothing else between them.
using Block = std::vector<Work>;

}  // namespace orrery
