// tpu.systolic against hand arithmetic on a device with round numbers.
#include <cmath>

#include <gtest/gtest.h>

#include "accelerator/tpu.hpp"
#include "accelerator/tpu_kernels.hpp"
#include "models/accelerator/gpu_support.hpp"

namespace orrery::accelerator::test {
namespace {

constexpr double kExact = 1e-12;

// Two arrays of 128 x 128 at 1 GHz: 65.536 TFLOP/s.
constexpr const char* kDevice = R"(
name: round
tdp: 100 W
peak: {bf16: 65.536 TFLOP/s, int8: 131.072 TFLOP/s, fp32: 16.384 TFLOP/s}
matrix_units: {rows: 128, columns: 128, count: 2}
clock: {frequency: 1000 MHz, spread: 0.01}
power:
  {idle: 50 W, fixed: 60 W, leakage: 10 W, leakage_growth: 0.01 /K, tensor: 0.3 pJ/FLOP,
   vector: 3 pJ/FLOP, memory: 10 pJ/bit, link: 5 pJ/bit,
   die: {operating: 85 degC, slowdown: 90 degC, shutdown: 95 degC},
   memory_limits: {operating: 95 degC, slowdown: 97 degC, shutdown: 105 degC}}
vector: 1 TFLOP/s
memory: {capacity: 16 GB, bandwidth: 1000 GB/s, efficiency: 0.8, on_chip: 64 MiB}
gemm: {efficiency: 0.5, exposed: 0}
attention: {efficiency: 0.25, operations: 10, block: 512}
op_overhead: 1 us
)";

std::unique_ptr<const Accelerator> tpu(const std::string& yaml) {
  Diagnostics diagnostics;
  Reader reader(resolved(yaml), "accelerator", diagnostics);
  auto device = make_tpu(reader);
  diagnostics.throw_if_any();
  return device;
}

double microseconds_of(const Cost& cost) { return cost.time.si() * 1e6; }

std::string problem(const std::string& yaml) {
  try {
    tpu(yaml);
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "";
}

TEST(Tpu, TimesAProductByItsTilesRowsAndFill) {
  // 8 x 8 tiles of weights, 1024 rows each, on two arrays: 32768 cycles, 256 to fill and drain;
  // half of the cycles take a row.
  const auto device = tpu(kDevice);
  const double cycles = 8 * 8 * 1024 / 2 + 256;
  EXPECT_NEAR(microseconds_of(cost(*device, product(1024, 1024, 1024))), 1 + cycles / 0.5 / 1000,
              kExact * cycles);
}

TEST(Tpu, PadsToTheArrays) {
  const auto device = tpu(kDevice);
  EXPECT_EQ(cost(*device, product(1024, 1024, 897)).time,
            cost(*device, product(1024, 1024, 1024)).time);
  EXPECT_LT(cost(*device, product(1024, 1024, 896)).time,
            cost(*device, product(1024, 1024, 897)).time);
}

TEST(Tpu, PadsRowsToSublanesOnly) {
  // In the arrays 1024 x 1024; 1001 rows pad to 1008, not to 1024.
  const tpu::MatrixUnits units{.rows = 128, .columns = 128, .count = 1};
  const double cycles = tpu::product_cycles(units, 1, product(1001, 1024, 1024));
  EXPECT_DOUBLE_EQ(cycles, 8 * 8 * 1008 + 256);
}

TEST(Tpu, WaitsForWeightsWhenThereAreFewRows) {
  // 8 rows take as long as the next 128 x 128 weights: 128 cycles a tile. The other way round, 128
  // columns of weights for 8 and 1024 rows, costs 8 tiles of 1024.
  const tpu::MatrixUnits units{.rows = 128, .columns = 128, .count = 1};
  EXPECT_DOUBLE_EQ(tpu::product_cycles(units, 1, product(8, 1024, 1024)), 8 * 8 * 128 + 256);
}

TEST(Tpu, KeepsInTheArraysWhatPadsBetter) {
  const tpu::MatrixUnits units{.rows = 128, .columns = 128, .count = 1};
  EXPECT_DOUBLE_EQ(tpu::product_cycles(units, 1, product(136, 1024, 1024)),
                   tpu::product_cycles(units, 1, product(1024, 136, 1024)));
}

TEST(Tpu, RunsOneByteTypesTwiceAsFastAndFp32Slower) {
  const auto device = tpu(kDevice);
  const auto arrays = [&](Dtype dtype) {
    return microseconds_of(cost(*device, product(2048, 2048, 2048, dtype))) - 1;
  };
  EXPECT_NEAR(arrays(Dtype::Int8), arrays(Dtype::Bf16) / 2, kExact * arrays(Dtype::Bf16));
  EXPECT_NEAR(arrays(Dtype::Fp32), arrays(Dtype::Bf16) * 4, kExact * arrays(Dtype::Fp32));
  EXPECT_TRUE(device->supports(Dtype::Fp32));
  EXPECT_FALSE(device->supports(Dtype::Fp8));
  EXPECT_FALSE(device->supports(Dtype::Fp16));
}

TEST(Tpu, ReadsOperandsOnceWhileOneFitsOnChip) {
  const tpu::MemorySpec memory{.on_chip = Bytes(64.0 * 1024 * 1024)};
  const Gemm fits = product(4096, 4096, 4096);  // 32 MiB each, half of the chip's memory
  EXPECT_EQ(tpu::product_traffic(memory, fits), fits.bytes());
}

TEST(Tpu, ReadsOperandsAgainForEveryBlockOfTheResult) {
  // 32 MiB of fp32 sums are blocks of sqrt(2^23) = 2896: six in each direction of 16384.
  const tpu::MemorySpec memory{.on_chip = Bytes(64.0 * 1024 * 1024)};
  const double matrix = 16384.0 * 16384.0 * 2;
  EXPECT_DOUBLE_EQ(tpu::product_traffic(memory, product(16384, 16384, 16384)).si(),
                   matrix * (6 + 6 + 1));
}

TEST(Tpu, MovesAtTheReachedBandwidth) {
  const auto device = tpu(kDevice);
  const Cost copy = cost(*device, MemoryBound{.bytes = gigabytes(0.8)});
  EXPECT_NEAR(microseconds_of(copy), 1 + 1000, 1e-9);
  EXPECT_EQ(copy.bound, Bound::Memory);
}

TEST(Tpu, ExposesTheFirstAndLastBlocks) {
  // The product's 6 MiB take 7.86 us, less than the arrays and than the half of the chip's memory.
  const auto hidden = tpu(kDevice);
  std::string yaml = kDevice;
  yaml.replace(yaml.find("exposed: 0}"), 11, "exposed: 1}");
  const double moved = 3 * 1024.0 * 1024.0 * 2 / 0.8e12 * 1e6;
  EXPECT_NEAR(microseconds_of(cost(*tpu(yaml), product(1024, 1024, 1024))) -
                  microseconds_of(cost(*hidden, product(1024, 1024, 1024))),
              moved, 1e-9);
}

TEST(Tpu, AttentionSkipsBlocksAboveTheDiagonal) {
  // 8 heads of 2048 x 2048 scores in 4 blocks: 10 of 16. Two products, head 128, a quarter of the
  // arrays.
  const auto device = tpu(kDevice);
  const double scores = 8 * 2048.0 * 2048.0 * 10 / 16;
  const double matrix = scores * 2 * 2 * 128 / (65.536e12 * 0.25);
  EXPECT_NEAR(cost(*device, attention(1, 8, 2048, 128)).time.si(), 1e-6 + matrix, 1e-12);
}

TEST(Tpu, AttentionBackwardMakesSevenProducts) {
  const auto device = tpu(kDevice);
  FlashAttention a = attention(1, 8, 2048, 128);
  const double forward = cost(*device, a).time.si() - 1e-6;
  a.backward = true;
  EXPECT_NEAR(cost(*device, a).time.si() - 1e-6, forward * 7 / 2, 1e-12);
}

TEST(Tpu, AttentionPadsTheHeadToTheArrays) {
  const auto device = tpu(kDevice);
  EXPECT_EQ(cost(*device, attention(1, 8, 2048, 64)).time,
            cost(*device, attention(1, 8, 2048, 128)).time);
}

TEST(Tpu, AttentionTakesValuesOfTheirOwnWidth) {
  // Queries and keys of 256, values of 128 columns. Forward contracts 256 and makes 128; backward
  // contracts 256 and 128 in each of two kernels and makes 256 twice and 128.
  const auto device = tpu(kDevice);
  FlashAttention a = attention(1, 8, 2048, 256);
  a.value_dim = 128;
  const double scores = 8 * 2048.0 * 2048.0 * 10 / 16;
  const double one_column = scores * 2 / (65.536e12 * 0.25);
  EXPECT_NEAR(cost(*device, a).time.si(), 1e-6 + one_column * (256 + 128), 1e-12);
  a.backward = true;
  EXPECT_NEAR(cost(*device, a).time.si(), 1e-6 + one_column * (2 * (256 + 128) + 2 * 256 + 128),
              1e-12);
}

TEST(Tpu, AttentionIsBoundByTheVectorUnitWhenItIsSlow) {
  std::string yaml = kDevice;
  yaml.replace(yaml.find("operations: 10"), 14, "operations: 100");
  const double scores = 8 * 2048.0 * 2048.0 * 10 / 16;
  EXPECT_NEAR(cost(*tpu(yaml), attention(1, 8, 2048, 128)).time.si(), 1e-6 + scores * 100 / 1e12,
              1e-12);
}

TEST(Tpu, EveryVersionOfAttentionIsTheSameKernel) {
  const auto device = tpu("use: accelerators/tpu-v5e");
  FlashAttention a = attention(4, 16, 2048, 128);
  const Seconds flash2 = cost(*device, a).time;
  using V = FlashAttention::Version;
  for (const V version : {V::Flash1, V::Triton, V::Flash3, V::Cudnn}) {
    a.version = version;
    EXPECT_EQ(cost(*device, a).time, flash2);
  }
}

TEST(Tpu, HonoursTheOperatingPoint) {
  const auto device = tpu(kDevice);
  const Gemm gemm = product(4096, 4096, 4096);
  const double alone = cost(*device, gemm).time.si() - 1e-6;
  const auto arrays = [&](const OperatingPoint& point) {
    return cost(*device, gemm, point).time.si() - 1e-6;
  };
  EXPECT_NEAR(arrays({.clock = 0.5}), alone / 0.5, alone * kExact);
  EXPECT_NEAR(arrays({.slowest_deviations = 3}), alone / 0.97, alone * kExact);
  EXPECT_NEAR(arrays({.regime = OperatingPoint::Regime::Burst, .slowest_deviations = 3}), alone,
              alone * kExact);
  // One array instead of two; the fill of 256 cycles stays.
  EXPECT_NEAR(arrays({.compute_share = 0.5}), 2 * alone - 256e-9 / 0.5, alone * kExact);
  const MemoryBound copy{.bytes = gigabytes(1)};
  EXPECT_NEAR(cost(*device, copy, {.memory_share = 0.25}).time.si() - 1e-6,
              4 * (cost(*device, copy).time.si() - 1e-6), 1e-12);
}

TEST(Tpu, SharesTheRowsOfATileAmongItsArrays) {
  // One tile of 1024 rows on four arrays: 256 each. 255 rows take two, the second of which waits
  // for weights that take 128 cycles; 640 rows in five blocks would take two rounds.
  const tpu::MatrixUnits units{.rows = 128, .columns = 128, .count = 4};
  const auto cycles = [&](double m) {
    return tpu::product_cycles(units, 4, product(m, 128, 128)) - 256;
  };
  EXPECT_DOUBLE_EQ(cycles(1024), 256);
  EXPECT_DOUBLE_EQ(cycles(255), 128);
  EXPECT_DOUBLE_EQ(cycles(640), 160);
}

TEST(Tpu, AttentionPadsItsKeysToWholeBlocks) {
  // 513 keys are two blocks of 512, of which three of four are computed; 512 are one.
  const auto device = tpu(kDevice);
  FlashAttention a = attention(1, 8, 512, 128);
  const double one = cost(*device, a).time.si() - 1e-6;
  a.key_length = 513;
  EXPECT_NEAR(cost(*device, a).time.si() - 1e-6, one * 1024 * 0.75 / 512, 1e-12);
}

// Times of one kernel as one of its sizes grows, on every TPU.
template <class Shape>
void expect_monotone(const Shape& start, const char* name, double Shape::* size) {
  for (const char* entry : {"tpu-v4", "tpu-v5e", "tpu-v6e", "tpu-7x"}) {
    const auto device = tpu("use: accelerators/" + std::string(entry));
    Shape shape = start;
    Seconds before{};
    for (double value = 1; value < 9000; value += value < 1100 ? 1 : 97) {
      shape.*size = value;
      const Seconds time = cost(*device, shape).time;
      ASSERT_GE(time, before) << entry << ' ' << name << ' ' << value;
      before = time;
    }
  }
}

TEST(Tpu, ProductsAreMonotoneInEverySize) {
  for (const Gemm& start : {product(128, 128, 128), product(1, 700, 128), product(200, 4096, 4096),
                            product(4096, 4096, 4096)}) {
    expect_monotone(start, "m", &Gemm::m);
    expect_monotone(start, "n", &Gemm::n);
    expect_monotone(start, "k", &Gemm::k);
    expect_monotone(start, "batch", &Gemm::batch);
  }
}

TEST(Tpu, AttentionIsMonotoneInEverySize) {
  for (FlashAttention start : {attention(1, 8, 2048, 128), attention(1, 1, 100, 192)}) {
    for (const int variant : {0, 1, 2, 3}) {
      start.backward = variant % 2 == 1;
      start.causal = variant < 2;
      using A = FlashAttention;
      expect_monotone(start, "value_dim", &A::value_dim);
      expect_monotone(start, "head_dim", &A::head_dim);
      expect_monotone(start, "query_length", &A::query_length);
      expect_monotone(start, "key_length", &A::key_length);
      expect_monotone(start, "heads", &A::heads);
      expect_monotone(start, "kv_heads", &A::kv_heads);
      expect_monotone(start, "batch", &A::batch);
    }
  }
}

TEST(Tpu, NeverExceedsItsPeak) {
  for (const char* entry : {"tpu-v4", "tpu-v5e", "tpu-v5p", "tpu-v6e", "tpu-7x"}) {
    const auto device = tpu("use: accelerators/" + std::string(entry));
    const Gemm gemm = product(16384, 16384, 16384);
    const Cost found = cost(*device, gemm);
    EXPECT_LT(gemm.flops() / found.time, device->peak(Dtype::Bf16)) << entry;
    EXPECT_GT(gemm.flops() / found.time, 0.8 * device->peak(Dtype::Bf16)) << entry;
    EXPECT_EQ(found.bound, Bound::Compute);
    EXPECT_LE(found.activity.active_fraction, 1);
  }
}

TEST(Tpu, RejectsAPeakThatItsArraysDoNotMake) {
  std::string yaml = kDevice;
  yaml.replace(yaml.find("count: 2"), 8, "count: 4");
  EXPECT_NE(problem(yaml).find("expected 131.1 TFLOP/s; got '65.54 TFLOP/s'"), std::string::npos)
      << problem(yaml);
}

TEST(Tpu, RejectsKeysThatItDoesNotKnow) {
  EXPECT_NE(problem(std::string(kDevice) + "multiprocesors: 3\n").find("unknown key"),
            std::string::npos);
}

}  // namespace
}  // namespace orrery::accelerator::test
