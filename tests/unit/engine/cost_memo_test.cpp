#include "engine/cost_memo.hpp"

#include <gtest/gtest.h>

namespace orrery {
namespace {

// Counts how often it is asked, and answers differently every time.
class Counter final : public Accelerator {
 public:
  const std::string& name() const override { return name_; }
  Bytes memory_capacity() const override { return Bytes(1); }
  FlopsPerSecond peak(Dtype) const override { return FlopsPerSecond(1); }
  bool supports(Dtype) const override { return true; }
  BytesPerSecond memory_bandwidth() const override { return BytesPerSecond(1); }
  int multiprocessors() const override { return 1; }
  Cost cost(const Work&, const OperatingPoint&) const override {
    return {.time = Seconds(++asked)};
  }
  mutable int asked = 0;

 private:
  std::string name_ = "counter";
};

// Kernels that differ in one number each, of every shape there is.
std::vector<Work> kernels() {
  std::vector<Work> all;
  const auto add = [&](auto shape) { all.push_back({.name = "kernel", .shape = shape}); };
  const Gemm gemm{.m = 2, .n = 3, .k = 5};
  add(gemm);
  for (double Gemm::* field : {&Gemm::m, &Gemm::n, &Gemm::k, &Gemm::batch}) {
    Gemm other = gemm;
    other.*field += 1;
    add(other);
  }
  add(Gemm{.m = 2, .n = 3, .k = 5, .dtype = Dtype::Fp8});
  add(Gemm{.m = 2, .n = 3, .k = 5, .output_size = Bytes(4)});
  add(Gemm{.m = 2, .n = 3, .k = 5, .accumulate = true});
  const FlashAttention flash{.query_length = 2, .key_length = 3};
  add(flash);
  for (double FlashAttention::* field :
       {&FlashAttention::batch, &FlashAttention::heads, &FlashAttention::kv_heads,
        &FlashAttention::query_length, &FlashAttention::key_length, &FlashAttention::head_dim,
        &FlashAttention::value_dim}) {
    FlashAttention other = flash;
    other.*field += 1;
    add(other);
  }
  for (bool FlashAttention::* field : {&FlashAttention::backward, &FlashAttention::causal}) {
    FlashAttention other = flash;
    other.*field = !(other.*field);
    add(other);
  }
  FlashAttention version = flash;
  version.version = FlashAttention::Version::Cudnn;
  add(version);
  FlashAttention dtype = flash;
  dtype.dtype = Dtype::Fp16;
  add(dtype);
  add(MemoryBound{.bytes = Bytes(2)});
  add(MemoryBound{.bytes = Bytes(3)});
  add(MemoryBound{.bytes = Bytes(2), .flops = Flops(1)});
  return all;
}

std::vector<OperatingPoint> points() {
  std::vector<OperatingPoint> all(9);
  all[1].regime = OperatingPoint::Regime::Burst;
  all[2].compute_share = 0.5;
  all[3].memory_share = 0.5;
  all[4].slowest_deviations = 1;
  all[5].clock = 0.5;
  all[6].temperature = Temperature::celsius(30);
  all[7].power_cap = Watts(300);
  all[8].beside = Watts(10);
  all.emplace_back().clock_limit = Hertz(1e9);
  return all;
}

TEST(CostMemo, AsksOnceForEveryKernelAndOperatingPoint) {
  const Counter device;
  const CostMemo memo(device);
  std::vector<double> first;
  for (int round = 0; round < 2; ++round) {
    std::size_t next = 0;
    for (const OperatingPoint& point : points()) {
      for (const Work& work : kernels()) {
        const double time = memo.cost(work, point).time.si();
        if (round == 0) first.push_back(time);
        EXPECT_EQ(time, first[next++]);
      }
    }
  }
  EXPECT_EQ(static_cast<std::size_t>(device.asked), points().size() * kernels().size());
}

// A name, and how often it is launched, are no part of what one launch costs.
TEST(CostMemo, LooksAtWhatALaunchCostsOnly) {
  const Counter device;
  const CostMemo memo(device);
  const Work work{.name = "a", .shape = MemoryBound{.bytes = Bytes(2)}};
  const Work again{.name = "b", .shape = MemoryBound{.bytes = Bytes(2)}, .repeat = 3};
  EXPECT_EQ(memo.cost(work, {}).time.si(), memo.cost(again, {}).time.si());
}

}  // namespace
}  // namespace orrery
