/// The equations of models/accelerator/README.md, written out once more in its symbols and plain
/// doubles, against the model: a slip in either shows. In a burst, whose clock is a formula; the
/// sustained one is GpuPower's. Tolerance: only the order of operations differs.

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

#include "accelerator/gpu_memory.hpp"
#include "models/accelerator/gpu_support.hpp"

namespace orrery::accelerator::test {
namespace {

constexpr double kRounding = 1e-11;

double pn(double a, double b) { return std::pow(std::pow(a, 4) + std::pow(b, 4), 0.25); }

double burst_clock(const Spec& spec, Dtype dtype, double u, double t) {
  const LoadClock& load = spec.clock.of(dtype);
  const double a0 = spec.clock.base_activity;
  const double low =
      std::min(spec.clock.boost.si(), load.limited.si() * std::pow(a0 + (1 - a0) * u, -1.0 / 3.0));
  const double x = t / spec.clock.settle.si();
  return low + (std::max(load.burst.si(), low) - low) * (1 - std::exp(-x)) / x;
}

struct Plan {
  double t = std::numeric_limits<double>::infinity();
  double sm = 0, mem = 0, red = 0;
};

struct Product {
  const Spec& spec;
  Gemm gemm;
  double e = size_of(gemm.dtype).si();
  double S = spec.multiprocessors;
  double R = spec.flops_per_cycle[gemm.dtype].si();
  double f0 = spec.clock.of(gemm.dtype).limited.si();
  double bw = spec.memory.bandwidth.si() * spec.gemm.memory_efficiency;

  [[nodiscard]] double bytes(const Tile& tile, double rows, double columns) const {
    const double operands = (gemm.m + gemm.n) * gemm.k * e;
    const double result = gemm.m * gemm.n * gemm.output_size.si();
    const double hit = std::min(1.0, 0.5 * spec.memory.l2.si() / operands);
    const double g = std::min(rows * columns, S);
    double gm = std::clamp(std::sqrt(g * tile.columns / tile.rows), 1.0, rows);
    const double gn = std::clamp(g / gm, 1.0, columns);
    gm = std::clamp(g / gn, 1.0, rows);
    const double stream = std::max(1.0, rows * columns / (gm * gn)) *
                          (gm * tile.rows + gn * tile.columns) * gemm.k * e;
    return gemm.batch * (operands + result + (1 - hit) * std::max(0.0, stream - operands));
  }

  [[nodiscard]] Plan plan(const Tile& tile, double s) const {
    const GemmSpec& p = spec.gemm;
    const double area = tile.rows * tile.columns;
    const double rows = std::ceil(gemm.m / tile.rows), columns = std::ceil(gemm.n / tile.columns);
    const double parts = rows * columns * gemm.batch * s;
    const double cycles = pn(2 * area / (R * p.tensor_efficiency),
                             (tile.rows + tile.columns) * e / p.operand_feed.si());
    const double of_tile = gemm.k / s * cycles + p.tile_cycles * area / (128 * 128);
    Plan result;
    result.sm = (std::ceil(parts / S) * of_tile + p.start_cycles) / f0;
    result.mem = bytes(tile, rows, columns) /
                     std::min(bw, std::min(S, parts) * p.multiprocessor_bandwidth.si()) +
                 p.memory_latency.si();
    if (s > 1) {
      result.red =
          p.split_latency.si() + 8 * s * gemm.batch * gemm.m * gemm.n / (bw * p.split_bandwidth);
    }
    result.t = pn(result.sm, result.mem) + result.red;
    return result;
  }

  [[nodiscard]] Plan best() const {
    Plan least;
    for (const Tile& tile : spec.gemm.tiles) {
      const double tiles =
          std::ceil(gemm.m / tile.rows) * std::ceil(gemm.n / tile.columns) * gemm.batch;
      std::vector<double> splits{1};
      for (const double s : {2.0, 3.0, 4.0}) {
        if (gemm.k / s >= 512) splits.push_back(s);
      }
      const double fill = std::min(std::floor(S / tiles), std::floor(gemm.k / 256));
      if (fill > 4) splits.push_back(fill);
      for (const double s : splits) {
        const Plan next = plan(tile, s);
        if (next.t < least.t) least = next;
      }
    }
    return least;
  }

  [[nodiscard]] double time() const {
    const Plan p = best();
    const double flops = 2 * gemm.m * gemm.n * gemm.k * gemm.batch;
    const double u = std::min(1.0, flops / (S * R * f0 * spec.gemm.tensor_efficiency) / p.t);
    const double f = burst_clock(spec, gemm.dtype, u, p.t);
    return pn(p.sm * f0 / f, p.mem) + p.red + spec.gemm.launch.si();
  }
};

void expect_gemm(const char* entry, const Gemm& gemm) {
  const double expected = Product{spec(entry), gemm}.time();
  const auto device = gpu(std::string("use: accelerators/") + entry);
  EXPECT_NEAR(cost(*device, gemm, kBurst).time.si(), expected, kRounding * expected) << entry;
}

TEST(GpuEquations, Products) {
  for (const char* entry : {"a100-sxm-80gb", "h100-sxm-80gb"}) {
    expect_gemm(entry, product(8192, 8192, 8192));  // many waves, operands beyond L2
    expect_gemm(entry, product(16, 8192, 8192));    // bound by memory
    expect_gemm(entry, product(128, 5120, 20480));  // split over k
    expect_gemm(entry, product(128, 128, 51200));   // one tile: a split that fills the device
    expect_gemm(entry, product(1000, 3000, 700));   // ragged
    expect_gemm(entry, {.m = 2048, .n = 64, .k = 2048, .batch = 32});
  }
  expect_gemm("h100-sxm-80gb", product(8192, 8192, 8192, Dtype::Fp8));
  expect_gemm("h100-sxm-80gb", product(128, 1024, 51200, Dtype::Fp8));
}

double stream(const Spec& spec, double bytes, double r) {
  const MemorySpec& p = spec.memory;
  const double lambda = p.latency.si();
  const double in_flight = std::min(bytes, spec.multiprocessors * p.in_flight.si());
  const double limit = p.bandwidth.si() * (p.read_efficiency - p.turnaround_loss * 4 * r * (1 - r));
  const double little = in_flight / lambda;
  const double reached = limit * std::pow(1 + std::pow(limit / little, p.knee), -1 / p.knee);
  return p.kernel_gap.si() + lambda + bytes / reached;
}

TEST(GpuEquations, StreamsOfBytes) {
  for (const char* entry : {"a100-sxm-80gb", "h100-sxm-80gb"}) {
    const Spec device = spec(entry);
    for (const double bytes : {4096.0, 5e6, 1e9, 2e10}) {
      for (const double r : {0.0, 0.5, 2.0 / 3.0, 1.0}) {
        const double expected = stream(device, bytes, r);
        const Seconds found =
            stream_time(device.memory, available(device, kSustained), Bytes(bytes), r);
        EXPECT_NEAR(found.si(), expected, kRounding * expected);
      }
    }
  }
}

struct Flash {
  const Spec& spec;
  FlashAttention a;
  const AttentionSpec& p = spec.attention;
  const FlashSpec& v = p.of(a.version);
  double S = spec.multiprocessors;
  double R = spec.flops_per_cycle[a.dtype].si();
  double N = a.batch * a.heads * std::ceil(a.query_length / 128);
  double nk = std::ceil(a.key_length / 128);
  double blocks = N * (a.causal ? (nk + 1) / 2 : nk);
  double products = (a.backward ? 5 : 2) * 2 * 128 * 128 * std::max(a.head_dim, 64.0);

  [[nodiscard]] double cycles() const {
    const double eta = a.backward ? v.backward_efficiency : v.forward_efficiency;
    const double tc = products / (R * eta) * (a.head_dim > v.wide_beyond ? v.wide_factor : 1.0);
    const double sx =
        128 * 128 * p.exponential_cycles * (a.backward ? p.backward_exponential_factor : 1.0);
    const double block = std::max(tc, sx) + (1 - v.overlap) * std::min(tc, sx);
    const double c0 = v.row_cycles * (a.backward ? p.backward_row_factor : 1.0);
    const double all = (blocks + (a.causal ? N * v.mask_blocks : 0)) * block + N * c0;
    if (a.causal) {
      const double last = (nk + v.mask_blocks) * block + c0;
      return std::max(all / S + p.tail * last, last);
    }
    const double W = N / S;
    return all / S * std::max(1.0, W + p.wave_loss * (std::ceil(W) - W)) / W;
  }

  [[nodiscard]] double helpers() const {
    if (!a.backward) return 0;
    const double queries = a.batch * a.heads * a.query_length * a.head_dim * size_of(a.dtype).si();
    const bool first = a.version == FlashAttention::Version::Flash1;
    return stream(spec, 2 * queries, 2.0 / 3) + (first ? 0 : stream(spec, 5 * queries, 2.0 / 3));
  }

  [[nodiscard]] double time() const {
    const double cyc = cycles();
    const double u = std::min(1.0, products * blocks / (S * R * spec.gemm.tensor_efficiency) / cyc);
    const double f = burst_clock(spec, a.dtype, u, cyc / spec.clock.of(a.dtype).limited.si());
    const double tensors = 2 * a.heads * a.query_length + 2 * a.kv_heads * a.key_length;
    const double io = (a.backward ? 2 : 1) * a.batch * tensors * a.head_dim * size_of(a.dtype).si();
    const double bw = spec.memory.bandwidth.si() * spec.gemm.memory_efficiency;
    return pn(cyc / f, io / bw) + p.launch.si() + helpers();
  }
};

TEST(GpuEquations, FlashAttention) {
  using Version = FlashAttention::Version;
  for (const char* entry : {"a100-sxm-80gb", "h100-sxm-80gb"}) {
    const Spec device = spec(entry);
    const auto model = gpu(std::string("use: accelerators/") + entry);
    for (const Version version :
         {Version::Flash1, Version::Flash2, Version::Flash3, Version::Cudnn}) {
      for (FlashAttention shape :
           {attention(32, 16, 512, 128), attention(1, 8, 8192, 256), attention(3, 5, 1000, 40)}) {
        shape.version = version;
        for (const bool causal : {false, true}) {
          for (const bool backward : {false, true}) {
            shape.causal = causal;
            shape.backward = backward;
            const double expected = Flash{device, shape}.time();
            EXPECT_NEAR(cost(*model, shape, kBurst).time.si(), expected, kRounding * expected);
          }
        }
      }
    }
  }
}

}  // namespace
}  // namespace orrery::accelerator::test
