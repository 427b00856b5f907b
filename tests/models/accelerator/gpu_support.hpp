#pragma once
/// Devices and kernels that the tests of gpu.tiled share.

#include <filesystem>
#include <memory>
#include <string>

#include <orrery/accelerator.hpp>
#include <orrery/node.hpp>
#include <orrery/reader.hpp>

#include "accelerator/gpu.hpp"
#include "accelerator/gpu_parameters.hpp"

namespace orrery::accelerator::test {

/// A map written as YAML, with the entries of configs/.
inline Node resolved(const std::string& yaml) {
  const Library library({std::filesystem::path(ORRERY_SOURCE_DIR) / "configs"});
  return library.resolve(parse_yaml(yaml, "test.yaml"));
}

/// @throws ConfigError with every mistake.
inline std::unique_ptr<const Accelerator> gpu(const std::string& yaml) {
  Diagnostics diagnostics;
  Reader reader(resolved(yaml), "accelerator", diagnostics);
  auto device = make_gpu(reader);
  diagnostics.throw_if_any();
  return device;
}

inline Spec spec(const std::string& entry) {
  Diagnostics diagnostics;
  Reader reader(resolved("use: accelerators/" + entry), "accelerator", diagnostics);
  Spec result = Spec::read(reader);
  diagnostics.throw_if_any();
  return result;
}

inline std::unique_ptr<const Accelerator> a100() { return gpu("use: accelerators/a100-sxm-80gb"); }
inline std::unique_ptr<const Accelerator> h100() { return gpu("use: accelerators/h100-sxm-80gb"); }

constexpr OperatingPoint kSustained{};
constexpr OperatingPoint kBurst{.regime = OperatingPoint::Regime::Burst};

template <class Shape>
Cost cost(const Accelerator& device, const Shape& shape, const OperatingPoint& point = kSustained) {
  return device.cost(Work{.name = "kernel", .shape = shape}, point);
}

inline Gemm product(double m, double n, double k, Dtype dtype = Dtype::Bf16) {
  return {.m = m, .n = n, .k = k, .dtype = dtype};
}

/// Self-attention: as many key/value heads as query heads, as many keys as queries.
inline FlashAttention attention(double batch, double heads, double length, double head_dim) {
  return {.batch = batch,
          .heads = heads,
          .kv_heads = heads,
          .query_length = length,
          .key_length = length,
          .head_dim = head_dim};
}

}  // namespace orrery::accelerator::test
