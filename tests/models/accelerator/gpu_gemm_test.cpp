#include <gtest/gtest.h>

#include <string>

#include "models/accelerator/gpu_support.hpp"

namespace orrery::accelerator::test {
namespace {

TEST(GpuGemm, IsNeverFasterThanMatrixUnitsAtBoostOrMemory) {
  for (const char* entry : {"a100-sxm-80gb", "a100-sxm-40gb", "h100-sxm-80gb",
                            "h100-sxm-96gb-hbm2e", "h200-sxm", "b200-sxm", "gb200"}) {
    const auto device = gpu(std::string("use: accelerators/") + entry);
    const Spec parameters = spec(entry);
    for (const double m : {1.0, 17.0, 300.0, 4096.0, 40000.0}) {
      for (const double k : {64.0, 1000.0, 16384.0}) {
        for (const Dtype dtype : {Dtype::Fp32, Dtype::Tf32, Dtype::Fp16, Dtype::Bf16}) {
          const Gemm gemm = product(m, 5120, k, dtype);
          const FlopsPerSecond fastest = parameters.multiprocessors *
                                         parameters.flops_per_cycle[dtype] * parameters.clock.boost;
          const Seconds time = cost(*device, gemm, kBurst).time;
          EXPECT_GT(time, gemm.flops() / fastest) << entry;
          EXPECT_GT(time, gemm.bytes() / device->memory_bandwidth()) << entry;
        }
      }
    }
  }
}

// 108 tiles of 256x128 are one wave on an A100: 12 rows of 9. With one row of tiles more, no
// assignment of tiles to multiprocessors fits one wave.
TEST(GpuGemm, TakesAnotherWaveWhenOneTileDoesNotFit) {
  const auto device = gpu("{use: accelerators/a100-sxm-80gb, gemm: {tiles: [256x128]}}");
  const double k = 512;  // too short to split
  const Seconds full = cost(*device, product(12 * 256, 9 * 128, k)).time;
  const Seconds more = cost(*device, product(12 * 256 + 1, 9 * 128, k)).time;
  const Seconds same = cost(*device, product(12 * 256 - 1, 9 * 128, k)).time;
  EXPECT_GT(more / full, 1.2);  // half as long again, less launch and start
  // One row fewer changes the traffic only: at most a thousandth.
  EXPECT_NEAR(same / full, 1.0, 1e-3);
}

TEST(GpuGemm, GrowsWithEveryDimension) {
  const auto device = h100();
  const auto grows = [&](auto shape_of) {
    Seconds last{};
    for (const double size : {512., 1024., 2048., 4096., 8192., 16384.}) {
      const Seconds time = cost(*device, shape_of(size)).time;
      EXPECT_GT(time, last) << size;
      last = time;
    }
  };
  grows([](double k) { return product(4096, 4096, k); });
  grows([](double m) { return product(m, 4096, 4096); });
  grows([](double n) { return product(4096, n, 4096); });
}

TEST(GpuGemm, TakesAboutTwiceAsLongWithHalfOfTheMultiprocessors) {
  const auto device = h100();
  const Gemm large = product(16384, 16384, 8192);
  // In a burst: under a power cap half of the multiprocessors take a higher clock.
  const double slower =
      cost(*device, large, {.regime = OperatingPoint::Regime::Burst, .compute_share = 0.5}).time /
      cost(*device, large, kBurst).time;
  // Waves round differently on 66 and 132 multiprocessors, and memory is less of a limit.
  EXPECT_NEAR(slower, 2.0, 0.1);
}

TEST(GpuGemm, KeepsOneMultiprocessorAtTheSmallestShare) {
  const auto device = h100();
  const Cost least = cost(*device, product(1024, 1024, 1024), {.compute_share = 1e-6});
  // 2 x 1024^3 flop on one multiprocessor: 4096 flop a cycle at no more than 1.98 GHz.
  EXPECT_GT(least.time, Seconds(2.0 * 1024 * 1024 * 1024 / (4096 * 1.98e9)));
  EXPECT_LE(least.activity.active_fraction, 1.0 / 132);
}

TEST(GpuGemm, ReadsAndWritesAnAccumulatedResult) {
  const auto device = h100();
  // 16 columns of k: nearly all traffic is the result.
  Gemm gemm{.m = 16384, .n = 16384, .k = 16};
  const BytesPerSecond reach =
      device->memory_bandwidth() * spec("h100-sxm-80gb").gemm.memory_efficiency;
  const Seconds half = cost(*device, gemm).time;
  gemm.output_size = Bytes(4);
  gemm.accumulate = true;
  const Cost fused = cost(*device, gemm);
  // 2 B become 4 B read and 4 B written; compute overlaps both, so a tenth is left open.
  const Seconds extra = 6.0 * 16384.0 * 16384.0 * Bytes(1) / reach;
  EXPECT_NEAR((fused.time - half) / extra, 1.0, 0.1);
  EXPECT_EQ(fused.bound, Bound::Memory);
}

TEST(GpuGemm, SharesTheRateOfSixteenBitFormatsAndOrdersTheOthers) {
  const auto device = h100();
  const auto time = [&](Dtype dtype) {
    return cost(*device, product(8192, 8192, 8192, dtype)).time;
  };
  EXPECT_EQ(time(Dtype::Fp16), time(Dtype::Bf16));
  EXPECT_LT(time(Dtype::Fp8), time(Dtype::Bf16));
  EXPECT_LT(time(Dtype::Bf16), time(Dtype::Tf32));
  EXPECT_LT(time(Dtype::Tf32), time(Dtype::Fp32));
}

TEST(GpuGemm, RunsFasterInABurstThanSustained) {
  const auto device = h100();
  const Gemm gemm = product(8192, 8192, 8192);
  EXPECT_LT(cost(*device, gemm, kBurst).time, cost(*device, gemm).time);
}

TEST(GpuGemm, SaysWhatItDoesToTheDevice) {
  const auto device = h100();
  const Gemm gemm = product(8192, 8192, 8192);
  const Cost large = cost(*device, gemm);
  EXPECT_EQ(large.bound, Bound::Compute);
  EXPECT_DOUBLE_EQ(large.activity.tensor.si(), (gemm.flops() / large.time).si());
  EXPECT_EQ(large.activity.vector.si(), 0.0);
  EXPECT_GE(large.activity.memory, gemm.bytes() / large.time);
  EXPECT_GT(large.activity.active_fraction, 0.9);
  EXPECT_LE(large.activity.active_fraction, 1.0);
  EXPECT_EQ(cost(*device, product(16, 65536, 16384)).bound, Bound::Memory);
  EXPECT_EQ(cost(*device, product(16, 64, 64)).bound, Bound::Latency);
  EXPECT_GT(cost(*device, product(512, 512, 512, Dtype::Fp32)).activity.vector.si(), 0.0);
}

TEST(GpuGemm, OfNothingIsALaunch) {
  EXPECT_DOUBLE_EQ(cost(*h100(), product(0, 4096, 4096)).time.si(),
                   spec("h100-sxm-80gb").gemm.launch.si());
}

}  // namespace
}  // namespace orrery::accelerator::test
