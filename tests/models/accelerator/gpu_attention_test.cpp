#include <gtest/gtest.h>

#include "models/accelerator/gpu_support.hpp"

namespace orrery::accelerator::test {
namespace {

using Version = FlashAttention::Version;

TEST(GpuAttention, IsNeverFasterThanMatrixUnitsAtBoostOrMemory) {
  const auto device = h100();
  for (const Version version :
       {Version::Flash1, Version::Flash2, Version::Flash3, Version::Cudnn}) {
    for (const bool backward : {false, true}) {
      for (const double length : {1.0, 512.0, 8192.0}) {
        FlashAttention shape = attention(2, 16, length, 128);
        shape.version = version;
        shape.backward = backward;
        // 132 multiprocessors x 4096 flop a cycle x 1.98 GHz
        EXPECT_GT(cost(*device, shape, kBurst).time,
                  shape.flops() / FlopsPerSecond(132 * 4096 * 1.98e9));
        EXPECT_GT(cost(*device, shape, kBurst).time, shape.bytes() / device->memory_bandwidth());
      }
    }
  }
}

TEST(GpuAttention, TakesNarrowerValuesForWhatTheyAre) {
  const auto device = h100();
  for (const bool backward : {false, true}) {
    const auto time = [&](double head_dim, double value_dim) {
      FlashAttention shape = attention(4, 32, 8192, head_dim);
      shape.version = Version::Cudnn;
      shape.backward = backward;
      shape.value_dim = value_dim;
      return cost(*device, shape).time;
    };
    EXPECT_EQ(time(128, 0), time(128, 128));
    EXPECT_GT(time(192, 128), time(128, 128));
    EXPECT_LT(time(192, 128), time(192, 192));
  }
  FlashAttention latent = attention(1, 1, 1024, 192);
  latent.value_dim = 128;
  latent.causal = false;
  EXPECT_EQ(latent.flops().si(), 2.0 * 1024 * 1024 * (192 + 128));
  EXPECT_EQ(latent.bytes().si(), 2.0 * 1024 * (2 * 192 + 2 * 128));  // q, k, v and the output
  latent.backward = true;  // scores, gradients of q and k; of the weights and of v
  EXPECT_EQ(latent.flops().si(), 2.0 * 1024 * 1024 * (3 * 192 + 2 * 128));
}

TEST(GpuAttention, CausalMaskHalvesLongSequences) {
  FlashAttention shape = attention(4, 32, 16384, 128);
  const auto device = h100();
  const Seconds masked = cost(*device, shape).time;
  shape.causal = false;
  // 129 of 256 half blocks, plus mask and tail.
  EXPECT_NEAR(masked / cost(*device, shape).time, 0.5, 0.03);
}

// Each of four ranks of a context-parallel group has a quarter of the queries and all keys.
TEST(GpuAttention, SplitsQueriesEvenly) {
  const auto device = h100();
  const FlashAttention whole = attention(1, 32, 32768, 128);
  FlashAttention part = whole;
  part.query_length /= 4;
  // In units of the longest row (256 blocks of keys) a multiprocessor has 32 heads x 256 rows x
  // 128.5 blocks / 132, or a quarter of it; 0.42 of the longest row is exposed at the end.
  const double even = 32.0 * 256.0 * (257.0 / 2.0) / 132.0 / 256.0;
  const double expected = (even + 0.42) / (even / 4.0 + 0.42);
  // What starts a row, the launch and the clock of a lower duty are left out.
  EXPECT_NEAR(cost(*device, whole).time / cost(*device, part).time, expected, 0.02 * expected);
}

TEST(GpuAttention, FewerKeyValueHeadsMoveFewerBytesInTheSameCycles) {
  const auto device = h100();
  const FlashAttention all = attention(4, 32, 8192, 128);
  FlashAttention grouped = all;
  grouped.kv_heads = 8;
  EXPECT_LE(cost(*device, grouped).time, cost(*device, all).time);
  // Bound by compute: what the norm of both terms leaves is small, where memory's power does not
  // lower the clock.
  EXPECT_NEAR(cost(*device, grouped, kBurst).time / cost(*device, all, kBurst).time, 1.0, 1e-3);
  EXPECT_LT(cost(*device, grouped).activity.memory, cost(*device, all).activity.memory);
}

TEST(GpuAttention, NewerVersionsAreFasterOnH100) {
  const auto device = h100();
  const auto time = [&](Version version) {
    FlashAttention shape = attention(4, 16, 8192, 128);
    shape.version = version;
    return cost(*device, shape).time;
  };
  EXPECT_GT(time(Version::Flash1), time(Version::Flash2));
  EXPECT_GT(time(Version::Flash2), time(Version::Flash3));
}

TEST(GpuAttention, VersionsWithoutParametersAreTakenForFlash2) {
  const auto device = a100();
  FlashAttention shape = attention(4, 16, 4096, 128);
  const Seconds flash2 = cost(*device, shape).time;
  for (const Version version : {Version::Flash3, Version::Cudnn}) {
    shape.version = version;
    EXPECT_EQ(cost(*device, shape).time, flash2);
  }
}

TEST(GpuAttention, BackwardTakesTwoToFourTimesForward) {
  const auto device = a100();
  FlashAttention shape = attention(8, 16, 4096, 128);
  const Seconds forward = cost(*device, shape).time;
  shape.backward = true;
  // Five products for two, and softmax gradients that overlap less.
  EXPECT_GT(cost(*device, shape).time / forward, 2.0);
  EXPECT_LT(cost(*device, shape).time / forward, 4.0);
}

TEST(GpuAttention, SaysWhatItDoesToTheDevice) {
  const auto device = h100();
  const FlashAttention shape = attention(8, 16, 4096, 128);
  const Cost found = cost(*device, shape);
  EXPECT_EQ(found.bound, Bound::Compute);
  EXPECT_DOUBLE_EQ(found.activity.tensor.si(), (shape.flops() / found.time).si());
  EXPECT_DOUBLE_EQ(found.activity.memory.si(), (shape.bytes() / found.time).si());
  EXPECT_GT(found.activity.active_fraction, 0.5);
  EXPECT_LE(found.activity.active_fraction, 1.0);
  EXPECT_EQ(cost(*device, attention(1, 1, 16, 64)).bound, Bound::Latency);
}

}  // namespace
}  // namespace orrery::accelerator::test
