#include <orrery/accelerator.hpp>
#include <orrery/work.hpp>

namespace orrery {

const char* to_text(Dtype dtype) {
  switch (dtype) {
    case Dtype::Fp32:
      return "fp32";
    case Dtype::Tf32:
      return "tf32";
    case Dtype::Fp16:
      return "fp16";
    case Dtype::Bf16:
      return "bf16";
    case Dtype::Fp8:
      return "fp8";
    case Dtype::Int8:
      return "int8";
  }
  return "?";
}

const char* to_text(Bound bound) {
  switch (bound) {
    case Bound::Compute:
      return "compute";
    case Bound::Memory:
      return "memory";
    case Bound::Latency:
      return "latency";
  }
  return "?";
}

namespace {
Flops flops_of(const MemoryBound& kernel) { return kernel.flops; }
Bytes bytes_of(const MemoryBound& kernel) { return kernel.bytes; }
template <class Shape>
Flops flops_of(const Shape& shape) {
  return shape.flops();
}
template <class Shape>
Bytes bytes_of(const Shape& shape) {
  return shape.bytes();
}
}  // namespace

Flops Work::flops() const {
  return std::visit([](const auto& s) { return flops_of(s); }, shape) * repeat;
}
Bytes Work::bytes() const {
  return std::visit([](const auto& s) { return bytes_of(s); }, shape) * repeat;
}

}  // namespace orrery
