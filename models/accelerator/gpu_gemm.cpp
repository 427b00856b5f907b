#include "accelerator/gpu_gemm.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "accelerator/gpu_clock.hpp"

namespace orrery::accelerator {
namespace {

constexpr double kReferenceTile = 128.0 * 128.0;
// Half of L2 keeps operands; the other partition holds copies.
constexpr double kUsefulL2 = 0.5;
constexpr int kLargestFixedSplit = 4;
// A split shorter than this is not offered; one that fills a wave may be shorter.
constexpr double kShortestSplit = 512.0;
constexpr double kShortestFillingSplit = 256.0;
// Partial results are written and read in fp32.
constexpr double kPartialBytes = 8.0;

double overlapped_si(double a, double b) { return overlapped(Seconds(a), Seconds(b)).si(); }

}  // namespace

// A product in SI units: the inner loop runs over some fifty kernels.
struct GemmModel::Problem {
  double m, n, k, batch;
  double multiprocessors;
  double bandwidth;         // B/s that products reach
  double clock;             // Hz, only to choose
  double element;           // B
  double operands, result;  // B, of one member of the batch
  double miss;              // share of repeated reads that L2 does not hold

  // Bytes to and from memory when a wave covers a near-square part of the result.
  [[nodiscard]] double traffic(const Kernel& kernel, double rows, double columns) const {
    const double wave = std::min(rows * columns, multiprocessors);
    double wave_rows = std::min(std::max(std::sqrt(wave * kernel.aspect), 1.0), rows);
    const double wave_columns = std::min(std::max(wave / wave_rows, 1.0), columns);
    wave_rows = std::min(std::max(wave / wave_columns, 1.0), rows);
    const double waves = std::max(1.0, rows * columns / (wave_rows * wave_columns));
    const double streamed =
        waves * (wave_rows * kernel.rows + wave_columns * kernel.columns) * k * element;
    return batch * (operands + result + miss * std::max(0.0, streamed - operands));
  }
};

// A kernel with its split, in seconds at the limited clock.
struct GemmModel::Plan {
  double time = std::numeric_limits<double>::infinity();
  double compute = 0;
  double memory = 0;
  double reduction = 0;
  double traffic = 0;  // B
  double filled = 0;   // of the multiprocessors, over all waves
};

GemmModel::GemmModel(const Spec& spec, const GpuPower& power) : spec_(spec), power_(power) {
  const GemmSpec& gemm = spec.gemm;
  for (const Dtype dtype :
       {Dtype::Fp32, Dtype::Tf32, Dtype::Fp16, Dtype::Bf16, Dtype::Fp8, Dtype::Int8}) {
    const double rate = spec.flops_per_cycle[dtype].si() * gemm.tensor_efficiency;
    if (rate <= 0) continue;
    for (const Tile& tile : gemm.tiles) {
      const double feed = (tile.rows + tile.columns) * (size_of(dtype) / gemm.operand_feed);
      const double area = tile.rows * tile.columns;
      kernels_[dtype].push_back({.rows = tile.rows,
                                 .columns = tile.columns,
                                 .cycles_per_k = overlapped_si(2.0 * area / rate, feed),
                                 .tile_cycles = gemm.tile_cycles * area / kReferenceTile,
                                 .aspect = tile.columns / tile.rows});
    }
  }
}

GemmModel::Problem GemmModel::problem(const Gemm& gemm, const Available& available) const {
  const double element = size_of(gemm.dtype).si();
  const double operands = (gemm.m + gemm.n) * gemm.k * element;
  // What an accumulating epilogue moves beyond 16 bits an element is not hidden: see cost_of().
  const double element16 = 2.0;
  const double held = std::min(1.0, kUsefulL2 * spec_.memory.l2.si() / operands);
  return {.m = gemm.m,
          .n = gemm.n,
          .k = gemm.k,
          .batch = gemm.batch,
          .multiprocessors = available.multiprocessors,
          .bandwidth = available.bandwidth.si() * spec_.gemm.memory_efficiency,
          .clock = spec_.clock.of(gemm.dtype).limited.si(),
          .element = element,
          .operands = operands,
          .result = gemm.m * gemm.n * (gemm.accumulate ? element16 : gemm.output_size.si()),
          .miss = 1.0 - held};
}

void GemmModel::consider(const Problem& problem, const Kernel& kernel, double tiles, double traffic,
                         double split, Plan& best) const {
  const GemmSpec& gemm = spec_.gemm;
  const double parts = tiles * split;
  const double waves = std::ceil(parts / problem.multiprocessors);
  const double tile_cycles = problem.k / split * kernel.cycles_per_k + kernel.tile_cycles;
  Plan plan;
  plan.compute = (waves * tile_cycles + gemm.start_cycles) / problem.clock;
  const double drawn =
      std::min(problem.multiprocessors, parts) * gemm.multiprocessor_bandwidth.si();
  plan.memory = traffic / std::min(problem.bandwidth, drawn) + gemm.memory_latency.si();
  plan.traffic = traffic;
  if (split > 1) {
    const double partials = split * problem.batch * problem.m * problem.n * kPartialBytes;
    plan.reduction =
        gemm.split_latency.si() + partials / (problem.bandwidth * gemm.split_bandwidth);
  }
  if (std::max(plan.compute, plan.memory) + plan.reduction >= best.time) return;  // saves two roots
  plan.time = overlapped_si(plan.compute, plan.memory) + plan.reduction;
  if (plan.time >= best.time) return;
  plan.filled = parts / (waves * problem.multiprocessors);
  best = plan;
}

GemmModel::Plan GemmModel::best_plan(const Problem& problem,
                                     const std::vector<Kernel>& kernels) const {
  Plan best;
  for (const Kernel& kernel : kernels) {
    const double rows = std::ceil(problem.m / kernel.rows);
    const double columns = std::ceil(problem.n / kernel.columns);
    const double tiles = rows * columns * problem.batch;
    const double traffic = problem.traffic(kernel, rows, columns);
    consider(problem, kernel, tiles, traffic, 1.0, best);
    for (int split = 2; split <= kLargestFixedSplit && problem.k / split >= kShortestSplit;
         ++split) {
      consider(problem, kernel, tiles, traffic, split, best);
    }
    const double filling = std::min(std::floor(problem.multiprocessors / tiles),
                                    std::floor(problem.k / kShortestFillingSplit));
    if (filling > kLargestFixedSplit) {
      consider(problem, kernel, tiles, traffic, filling, best);
    }
  }
  return best;
}

Cost GemmModel::cost(const Gemm& gemm, const Available& available) const {
  if (gemm.flops() <= Flops(0)) {
    return {.time = spec_.gemm.launch, .bound = Bound::Latency};
  }
  return cost_of(best_plan(problem(gemm, available), kernels_[gemm.dtype]), gemm, available);
}

Cost GemmModel::cost_of(const Plan& plan, const Gemm& gemm, const Available& available) const {
  const Hertz reference = spec_.clock.of(gemm.dtype).limited;
  const FlopsPerSecond fastest = available.multiprocessors * spec_.flops_per_cycle[gemm.dtype] *
                                 reference * spec_.gemm.tensor_efficiency;
  // The tiles of a wave end together: what they read to add to, and write in fp32, moves while no
  // product is under way.
  const double epilogue =
      gemm.accumulate ? gemm.batch * gemm.m * gemm.n * (2.0 * gemm.output_size.si() - 2.0) : 0.0;
  const Seconds exposed(epilogue / (available.bandwidth.si() * spec_.gemm.memory_efficiency));
  const Seconds memory(plan.memory);
  const KernelDemand demand = {.compute = Seconds(plan.compute),
                               .reference = reference,
                               .memory = memory,
                               .rest = Seconds(plan.reduction) + exposed + spec_.gemm.launch,
                               .active = available.share * plan.filled,
                               .burst = Seconds(plan.time),
                               .flops = gemm.flops(),
                               .dtype = gemm.dtype,
                               .bytes = Bytes(plan.traffic + epilogue)};
  const Resolved resolved = run_kernel(spec_, power_, available.point, demand,
                                       std::min(1.0, gemm.flops() / fastest / Seconds(plan.time)));

  Cost cost;
  note(resolved, cost);
  const bool computes = demand.compute * (reference / resolved.clock) > memory;
  const Seconds start =
      computes ? spec_.gemm.start_cycles / resolved.clock : spec_.gemm.memory_latency;
  cost.bound = computes ? Bound::Compute : Bound::Memory;
  if (spec_.gemm.launch + start > 0.5 * cost.time) cost.bound = Bound::Latency;

  const FlopsPerSecond rate = gemm.flops() / cost.time;
  (gemm.dtype == Dtype::Fp32 ? cost.activity.vector : cost.activity.tensor) = rate;
  cost.activity.memory = demand.bytes / cost.time;
  cost.activity.active_fraction = demand.active * ((cost.time - spec_.gemm.launch) / cost.time);
  return cost;
}

}  // namespace orrery::accelerator
