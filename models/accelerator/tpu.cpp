#include "accelerator/tpu.hpp"

#include <utility>
#include <variant>

#include <orrery/error.hpp>

#include "accelerator/tpu_kernels.hpp"

namespace orrery::accelerator {
namespace tpu {
namespace {

class Tpu final : public Accelerator {
 public:
  explicit Tpu(Spec spec)
      : spec_(std::move(spec)), power_(spec_.power, spec_.clock.frequency, spec_.clock.spread) {}

  [[nodiscard]] const std::string& name() const override { return spec_.name; }
  [[nodiscard]] std::string caveat() const override { return spec_.caveat; }
  [[nodiscard]] Bytes memory_capacity() const override { return spec_.memory.capacity; }
  [[nodiscard]] FlopsPerSecond peak(Dtype dtype) const override { return spec_.peak[dtype]; }
  [[nodiscard]] bool supports(Dtype dtype) const override {
    return spec_.peak[dtype] > FlopsPerSecond(0);
  }
  [[nodiscard]] BytesPerSecond memory_bandwidth() const override { return spec_.memory.bandwidth; }
  /// Collectives run on engines of their own: no kernel takes a core.
  // A program has the whole chip.
  [[nodiscard]] int multiprocessors() const override { return 1; }

  [[nodiscard]] Cost cost(const Work& work, const OperatingPoint& point) const override {
    const Available left = available(spec_, point);
    Cost cost = std::visit([&](const auto& shape) { return cost_of(shape, left); }, work.shape);
    const auto* gemm = std::get_if<Gemm>(&work.shape);
    power_.note(cost, point, gemm != nullptr && size_of(gemm->dtype) == Bytes(1));
    return cost;
  }
  [[nodiscard]] const PowerModel* power() const override { return &power_; }

 private:
  [[nodiscard]] Cost cost_of(const Gemm& gemm, const Available& left) const {
    ORRERY_CHECK(supports(gemm.dtype));
    return gemm_cost(spec_, left, gemm);
  }
  [[nodiscard]] Cost cost_of(const FlashAttention& attention, const Available& left) const {
    ORRERY_CHECK(supports(attention.dtype));
    return attention_cost(spec_, left, attention);
  }
  [[nodiscard]] Cost cost_of(const MemoryBound& kernel, const Available& left) const {
    return memory_cost(spec_, left, kernel);
  }

  Spec spec_;
  TpuPower power_;
};

}  // namespace
}  // namespace tpu

std::unique_ptr<const Accelerator> make_tpu(Reader& reader) {
  return std::make_unique<const tpu::Tpu>(tpu::Spec::read(reader));
}

const Table& tpu_table() { return tpu::Spec::schema().table(); }

}  // namespace orrery::accelerator
