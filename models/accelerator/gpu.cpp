#include "accelerator/gpu.hpp"

#include <utility>
#include <variant>

#include <orrery/error.hpp>

#include "accelerator/gpu_attention.hpp"
#include "accelerator/gpu_gemm.hpp"
#include "accelerator/gpu_memory.hpp"
#include "accelerator/gpu_parameters.hpp"
#include "accelerator/gpu_power.hpp"

namespace orrery::accelerator {
namespace {

class Gpu final : public Accelerator {
 public:
  explicit Gpu(Spec spec) : spec_(std::move(spec)), power_(spec_.power), gemm_(spec_, power_) {}
  Gpu(const Gpu&) = delete;
  Gpu& operator=(const Gpu&) = delete;

  [[nodiscard]] const std::string& name() const override { return spec_.name; }
  [[nodiscard]] std::string caveat() const override { return spec_.caveat; }
  [[nodiscard]] Bytes memory_capacity() const override { return spec_.memory.capacity; }
  [[nodiscard]] FlopsPerSecond peak(Dtype dtype) const override { return spec_.peak[dtype]; }
  [[nodiscard]] bool supports(Dtype dtype) const override { return has_rate(dtype); }
  [[nodiscard]] BytesPerSecond memory_bandwidth() const override { return spec_.memory.bandwidth; }
  [[nodiscard]] int multiprocessors() const override {
    return static_cast<int>(spec_.multiprocessors);
  }

  [[nodiscard]] const PowerModel* power() const override { return &power_; }
  [[nodiscard]] Cost cost(const Work& work, const OperatingPoint& point) const override {
    const Available left = available(spec_, point);
    return std::visit([&](const auto& shape) { return cost_of(shape, left); }, work.shape);
  }

 private:
  [[nodiscard]] bool has_rate(Dtype dtype) const { return spec_.flops_per_cycle[dtype] > Flops(0); }
  [[nodiscard]] Cost cost_of(const Gemm& gemm, const Available& left) const {
    ORRERY_CHECK(has_rate(gemm.dtype));
    return gemm_.cost(gemm, left);
  }
  [[nodiscard]] Cost cost_of(const FlashAttention& attention, const Available& left) const {
    ORRERY_CHECK(has_rate(attention.dtype));
    return attention_cost(spec_, power_, left, attention);
  }
  [[nodiscard]] Cost cost_of(const MemoryBound& kernel, const Available& left) const {
    return memory_cost(spec_, power_, left, kernel);
  }

  Spec spec_;
  GpuPower power_;
  GemmModel gemm_;  // refers to both
};

}  // namespace

std::unique_ptr<const Accelerator> make_gpu(Reader& reader) {
  return std::make_unique<const Gpu>(Spec::read(reader));
}

const Table& gpu_table() { return Spec::schema().table(); }

}  // namespace orrery::accelerator
