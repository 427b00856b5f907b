/// Memory-bound kernels, the clock, and reading.

#include <gtest/gtest.h>

#include <cmath>

#include <orrery/error.hpp>

#include "accelerator/gpu_clock.hpp"
#include "models/accelerator/gpu_support.hpp"

namespace orrery::accelerator::test {
namespace {

// The messages of a mistaken map, or "" when it was accepted.
std::string mistakes(const std::string& yaml) {
  try {
    gpu(yaml);
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "";
}

void expect_mistake(const std::string& override_yaml, const std::string& word) {
  const std::string found = mistakes("{use: accelerators/h100-sxm-80gb, " + override_yaml + "}");
  EXPECT_NE(found.find(word), std::string::npos) << "for " << override_yaml << " got: " << found;
}

TEST(GpuMemory, CopiesTwiceAsFastWithTwiceTheBandwidth) {
  const MemoryBound copy{.bytes = gigabytes(4), .flops = Flops(0)};
  const auto once = gpu("{use: accelerators/a100-sxm-80gb, memory: {bandwidth: 1 TB/s}}");
  const auto twice = gpu("{use: accelerators/a100-sxm-80gb, memory: {bandwidth: 2 TB/s}}");
  // 1.4 us fixed of 2.4 ms, and Little's law takes up to 0.4 % more at twice the bandwidth.
  EXPECT_NEAR(cost(*once, copy).time / cost(*twice, copy).time, 2.0, 0.01);
  const Seconds shared = cost(*twice, copy, {.memory_share = 0.5}).time;
  EXPECT_DOUBLE_EQ(shared.si(), cost(*once, copy).time.si());
}

TEST(GpuMemory, ReachesTheBandwidthOfACopy) {
  const MemoryBound copy{.bytes = gigabytes(10), .flops = Flops(1e9)};
  const Cost found = cost(*a100(), copy);
  // 2.039 TB/s x (0.863 - 0.05); Little's law and the fixed time take less than 0.5 %.
  EXPECT_NEAR(found.time.si(), 10e9 / (2.039e12 * 0.813), 0.005 * found.time.si());
  EXPECT_EQ(found.bound, Bound::Memory);
  EXPECT_DOUBLE_EQ(found.activity.memory.si(), 10e9 / found.time.si());
  EXPECT_DOUBLE_EQ(found.activity.vector.si(), 1e9 / found.time.si());
  EXPECT_GT(found.activity.active_fraction, 0.99);
}

TEST(GpuMemory, OfNothingIsAGapAndALatency) {
  const Cost found = cost(*a100(), MemoryBound{});
  EXPECT_DOUBLE_EQ(found.time.si(), 1.0e-6 + 405e-9);
  EXPECT_EQ(found.bound, Bound::Latency);
}

// Compute alone, for `duration` at the limited clock.
Hertz burst_clock(double duty, Seconds duration) {
  const Spec device = spec("h100-sxm-80gb");
  const GpuPower power(device.power);
  const KernelDemand demand = {
      .compute = duration, .reference = device.clock.bf16.limited, .burst = duration};
  return run_kernel(device, power, kBurst, demand, duty).clock;
}

TEST(GpuClock, FollowsTheCubeRootOfPowerInABurst) {
  // After ten seconds what is left of the burst is 1e-4 of its excess over the limit.
  EXPECT_NEAR(burst_clock(1.0, Seconds(10)).si(), 1516e6, 1e-4 * 1516e6);
  EXPECT_NEAR(burst_clock(0.5, Seconds(10)).si(), 1516e6 / std::cbrt(0.35 + 0.65 * 0.5),
              1e-4 * 1516e6);
  EXPECT_DOUBLE_EQ(burst_clock(0.0, Seconds(10)).si(), 1980e6);  // 1516 / 0.35^(1/3) is above boost
}

TEST(GpuClock, DecaysFromBurstToLimit) {
  EXPECT_NEAR(burst_clock(1.0, microseconds(0.01)).si(), 1722e6, 1e-4 * 1722e6);
  EXPECT_NEAR(burst_clock(1.0, Seconds(0)).si(), 1722e6, 1e-6);
  EXPECT_NEAR(burst_clock(1.0, Seconds(1e-3)).si(), 1516e6 + 206e6 * (1.0 - std::exp(-1.0)), 1.0);
}

TEST(Gpu, AnswersForTheDatasheet) {
  const auto device = h100();
  EXPECT_EQ(device->name(), "NVIDIA H100 SXM5 80 GB");
  EXPECT_EQ(device->multiprocessors(), 132);
  EXPECT_DOUBLE_EQ(device->memory_capacity().si(), 79.1 * 1024 * 1024 * 1024);
  EXPECT_DOUBLE_EQ(device->memory_bandwidth().si(), 3.352e12);
  EXPECT_DOUBLE_EQ(device->peak(Dtype::Bf16).si(), 989.4e12);
  EXPECT_EQ(device->peak(Dtype::Fp16), device->peak(Dtype::Bf16));
  EXPECT_TRUE(device->supports(Dtype::Fp8));
  EXPECT_TRUE(device->supports(Dtype::Fp32));  // on vector units
  EXPECT_FALSE(a100()->supports(Dtype::Fp8));
  EXPECT_EQ(a100()->peak(Dtype::Fp8).si(), 0.0);
}

TEST(Gpu, RefusesAFormatWithoutARate) {
  EXPECT_THROW(cost(*a100(), product(64, 64, 64, Dtype::Fp8)), InternalError);
}

TEST(Gpu, EveryEntryOfTheLibraryIsSound) {
  for (const char* entry : {"a100-sxm-80gb", "a100-sxm-40gb", "h100-sxm-80gb",
                            "h100-sxm-96gb-hbm2e", "h200-sxm", "b200-sxm", "gb200"}) {
    EXPECT_EQ(mistakes(std::string("use: accelerators/") + entry), "");
  }
}

TEST(Gpu, ReportsUnknownKeys) {
  expect_mistake("bandwith: 1 TB/s", "bandwith");
  expect_mistake("memory: {bandwith: 1 TB/s}", "bandwidth");  // did you mean
  expect_mistake("clock: {bf16: {turbo: 1 GHz}}", "turbo");
}

TEST(Gpu, ReportsWrongUnits) {
  expect_mistake("memory: {bandwidth: 3.35 TB}", "bandwidth");
  expect_mistake("clock: {boost: 1980}", "boost");
  expect_mistake("tdp: 700 GB", "tdp");
}

TEST(Gpu, ReportsValuesOutOfRange) {
  expect_mistake("gemm: {tensor_efficiency: 1.2}", "tensor_efficiency");
  expect_mistake("clock: {bf16: {burst: 2 GHz}}", "above boost");
  expect_mistake("clock: {bf16: {limited: 1.9 GHz}}", "above burst");
  expect_mistake("gemm: {tiles: [128by256]}", "128x256");
  expect_mistake("gemm: {tiles: []}", "no tile");
  expect_mistake("memory: {turnaround_loss: 0.5, read_efficiency: 0.4}", "turnaround_loss");
  expect_mistake("peak: {bf16: 1200 TFLOP/s}", "boost clock");
}

TEST(Gpu, ReportsMissingParts) {
  const std::string found = mistakes("{name: bare}");
  for (const char* part : {"multiprocessors", "peak", "clock", "memory", "gemm", "attention"}) {
    EXPECT_NE(found.find(part), std::string::npos) << part;
  }
}

TEST(Gpu, ReportsFormatsOnOneSideOnly) {
  const std::string found = mistakes("{use: accelerators/a100-sxm-80gb, peak: {fp8: 100 TFLOP/s}}");
  EXPECT_NE(found.find("fp8"), std::string::npos) << found;
}

}  // namespace
}  // namespace orrery::accelerator::test
