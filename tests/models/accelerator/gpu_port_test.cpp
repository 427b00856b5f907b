/// These check the port against the reference implementation with which the parameters were fitted
/// (a Python model, one line per line of the README's equations). Times are its results, in
/// seconds; they are no measurements. Tolerance: both compute in doubles; parameters were written
/// with four digits, and times below with ten.

#include <gtest/gtest.h>

#include "accelerator/gpu_attention.hpp"
#include "accelerator/gpu_gemm.hpp"
#include "accelerator/gpu_memory.hpp"
#include "models/accelerator/gpu_support.hpp"

namespace orrery::accelerator::test {
namespace {

constexpr double kTolerance = 1e-6;

// The reference launched kernels for 2 us and rounded 64 KiB.
Spec reference(const std::string& entry) {
  Spec result = spec(entry);
  result.memory.kernel_gap = microseconds(2.0);
  result.memory.in_flight = Bytes(65540);
  return result;
}

// In a burst: sustained clocks, which the power model gives, are no part of the reference.
void expect_gemm(const std::string& entry, const Gemm& gemm, double burst) {
  const Spec device = reference(entry);
  const GpuPower power(device.power);
  const GemmModel model(device, power);
  EXPECT_NEAR(model.cost(gemm, available(device, kBurst)).time.si(), burst, kTolerance * burst);
}

void expect_stream(const std::string& entry, double bytes, double read_fraction, double time) {
  const Spec device = reference(entry);
  const Seconds found =
      stream_time(device.memory, available(device, kSustained), Bytes(bytes), read_fraction);
  EXPECT_NEAR(found.si(), time, kTolerance * time);
}

// Forward, then backward alone.
void expect_flash(const std::string& entry, FlashAttention shape, double forward, double backward) {
  const Spec device = reference(entry);
  const GpuPower power(device.power);
  const Available left = available(device, kBurst);
  EXPECT_NEAR(attention_cost(device, power, left, shape).time.si(), forward, kTolerance * forward);
  shape.backward = true;
  EXPECT_NEAR(attention_cost(device, power, left, shape).time.si(), backward,
              kTolerance * backward);
}

TEST(GpuPort, GemmOfA100) {
  const char* a100_80 = "a100-sxm-80gb";
  expect_gemm(a100_80, product(4096, 4096, 4096), 0.0005516660659);
  expect_gemm(a100_80, product(16, 8192, 8192), 9.515709493e-05);
  expect_gemm(a100_80, product(128, 5120, 20480), 0.0001790998703);
  expect_gemm(a100_80, product(8192, 51200, 6144), 0.02072732368);
  expect_gemm(a100_80, {.m = 2048, .n = 2048, .k = 128, .batch = 96}, 0.0009198477948);
  expect_gemm(a100_80, {.m = 2048, .n = 64, .k = 2048, .batch = 32}, 0.0001926182043);
}

TEST(GpuPort, GemmOfH100) {
  const char* h100_80 = "h100-sxm-80gb";
  expect_gemm(h100_80, product(8192, 8192, 8192), 0.001410938775);
  expect_gemm(h100_80, product(2048, 1536, 14336), 0.0001138791795);
  expect_gemm(h100_80, product(1000, 3000, 700), 9.506200292e-06);
  expect_gemm(h100_80, product(8192, 8192, 8192, Dtype::Fp8), 0.0007309070017);
  expect_gemm(h100_80, product(128, 1024, 51200, Dtype::Fp8), 2.775448148e-05);
}

TEST(GpuPort, StreamsOfBytes) {
  expect_stream("a100-sxm-80gb", 4096, 2.0 / 3.0, 2.810000463e-06);
  expect_stream("a100-sxm-80gb", 5e6, 2.0 / 3.0, 5.408779955e-06);
  expect_stream("a100-sxm-80gb", 1e9, 0.5, 0.0006063159081);
  expect_stream("h100-sxm-80gb", 1e8, 2.0 / 3.0, 3.653809659e-05);
  expect_stream("h100-sxm-80gb", 2e10, 0.5, 0.006907546298);
}

TEST(GpuPort, FlashAttention) {
  const FlashAttention masked = attention(32, 16, 512, 128);
  expect_flash("a100-sxm-80gb", masked, 0.0002641422774, 0.0009516925836);
  FlashAttention large = attention(1, 8, 8192, 256);
  large.version = FlashAttention::Version::Flash1;
  expect_flash("h100-sxm-80gb", large, 0.002292901091, 0.006027976877);
  large.version = FlashAttention::Version::Flash3;
  expect_flash("h100-sxm-80gb", large, 0.000482334274, 0.001373529015);
  large.version = FlashAttention::Version::Cudnn;
  expect_flash("h100-sxm-80gb", large, 0.0005918895198, 0.00169044732);
}

}  // namespace
}  // namespace orrery::accelerator::test
