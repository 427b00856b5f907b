#include "accelerator/tpu_kernels.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace orrery::accelerator::tpu {
namespace {

constexpr double kSublanes = 8;       // rows of a vector register
constexpr double kAccumulator = 4;    // bytes: sums are in fp32
constexpr double kBlocksShare = 0.5;  // of the on-chip memory; the rest holds what streams past
// Two kernels, one for queries and one for keys and values: each forms the scores and their
// gradient anew.
constexpr double kBackwardKernels = 2;
constexpr double kBackwardSoftmax = 2;

double padded(double value, double unit) { return std::ceil(value / unit) * unit; }

struct Busy {
  Seconds compute{};
  Seconds memory{};
};

// The arrays wait for the first blocks and the memory for the last results: at most what fits on
// chip.
Cost cost_of(const Spec& spec, const Available& available, const Busy& busy) {
  Cost cost;
  const Seconds blocks = kBlocksShare * spec.memory.on_chip / available.bandwidth;
  const Seconds exposed = spec.gemm.exposed * min(blocks, min(busy.compute, busy.memory));
  const Seconds overlapped = max(busy.compute, busy.memory) + exposed;
  cost.time = spec.op_overhead + overlapped;
  cost.bound = busy.compute > busy.memory ? Bound::Compute : Bound::Memory;
  if (spec.op_overhead > overlapped) cost.bound = Bound::Latency;
  return cost;
}

// `share` of the device is left; of it the operation keeps what it has begun to use.
void set_activity(Cost& cost, const Spec& spec, double share, Flops tensor, Bytes bytes) {
  if (cost.time <= Seconds(0)) return;
  cost.activity.tensor = tensor / cost.time;
  cost.activity.memory = bytes / cost.time;
  cost.activity.active_fraction = share * ((cost.time - spec.op_overhead) / cost.time);
}

double cycles_one_way(const MatrixUnits& units, double available_units, const Gemm& gemm) {
  const double rows = padded(gemm.m, kSublanes);
  const double tiles =
      gemm.batch * std::ceil(gemm.k / units.rows) * std::ceil(gemm.n / units.columns);
  // The rows that stream past the weights of a tile are split into blocks, which the arrays share;
  // more blocks than arrays only wait. Loading the next weights takes as many cycles as an array
  // has rows: shorter blocks wait for it.
  const double most = std::ceil(std::min(std::max(1.0, rows / units.rows), available_units));
  double least = std::numeric_limits<double>::infinity();
  for (double blocks = 1; blocks <= most; ++blocks) {
    least = std::min(
        least, std::ceil(tiles * blocks / available_units) * std::max(rows / blocks, units.rows));
  }
  return least + units.rows + units.columns;
}

// Scores that are computed: whole blocks, those above the diagonal left out. What is shorter than a
// block is a block of its own.
double scores_of(const FlashAttention& a, double block) {
  const double keys = std::ceil(a.key_length / block);
  const double share = a.causal ? (keys + 1.0) / (2.0 * keys) : 1.0;
  const double length = keys > 1 ? keys * block : padded(a.key_length, kSublanes);
  return a.batch * a.heads * padded(a.query_length, kSublanes) * length * share;
}

/// Columns of a head after padding: `contracted` are summed over by the products of a score,
/// `produced` are as wide as the results.
struct Widths {
  double contracted;
  double produced;
};

// Forward: scores contract queries and keys, the output is as wide as the values. Backward: scores
// contract them again and the scores' gradient the values, in each kernel; the gradients of queries
// and keys are as wide as those, that of the values as they are.
Widths widths_of(const MatrixUnits& units, const FlashAttention& a) {
  const double head = a.head_dim, value = a.values();
  const Widths forward = {.contracted = padded(head, units.rows),
                          .produced = padded(value, units.columns)};
  if (!a.backward) return forward;
  return {.contracted = kBackwardKernels * (forward.contracted + padded(value, units.rows)),
          .produced = 2 * padded(head, units.columns) + forward.produced};
}

}  // namespace

double product_cycles(const MatrixUnits& units, double available_units, const Gemm& gemm) {
  Gemm swapped = gemm;  // the compiler keeps in the arrays what pads better
  std::swap(swapped.m, swapped.n);
  return std::min(cycles_one_way(units, available_units, gemm),
                  cycles_one_way(units, available_units, swapped));
}

Bytes product_traffic(const MemorySpec& memory, const Gemm& gemm) {
  const double element = size_of(gemm.dtype).si();
  const double room = kBlocksShare * memory.on_chip.si();
  const double a = gemm.m * gemm.k * element;
  const double b = gemm.k * gemm.n * element;
  double times_a = 1;
  double times_b = 1;
  if (std::min(a, b) > room) {  // otherwise the smaller one stays on chip
    const double area = room / kAccumulator;
    double rows = std::min(gemm.m, std::sqrt(area));
    const double columns = std::min(gemm.n, area / rows);
    rows = std::min(gemm.m, area / columns);
    times_a = std::ceil(gemm.n / columns);
    times_b = std::ceil(gemm.m / rows);
  }
  const Bytes result = gemm.m * gemm.n * (gemm.accumulate ? 2.0 : 1.0) * gemm.output_size;
  return gemm.batch * (Bytes(a * times_a + b * times_b) + result);
}

Cost gemm_cost(const Spec& spec, const Available& available, const Gemm& gemm) {
  if (gemm.flops() <= Flops(0)) {
    return {.time = spec.op_overhead, .bound = Bound::Latency};
  }
  const Bytes bytes = product_traffic(spec.memory, gemm);
  const double cycles =
      product_cycles(spec.matrix, available.units, gemm) * spec.passes(gemm.dtype);
  Cost cost = cost_of(spec, available,
                      {.compute = cycles / available.clock * (1.0 / spec.gemm.efficiency),
                       .memory = bytes / available.bandwidth});
  set_activity(cost, spec, available.share, gemm.flops(), bytes);
  return cost;
}

Cost attention_cost(const Spec& spec, const Available& available, const FlashAttention& a) {
  if (a.flops() <= Flops(0)) {
    return {.time = spec.op_overhead, .bound = Bound::Latency};
  }
  const MatrixUnits& units = spec.matrix;
  const double scores = scores_of(a, spec.attention.block);
  const Widths widths = widths_of(units, a);
  const Flops products(2.0 * scores * (widths.contracted + widths.produced));
  const FlopsPerSecond arrays = Flops(2.0 * units.rows * units.columns * available.units) *
                                available.clock * (1.0 / spec.passes(a.dtype));
  const Seconds matrix = products / (arrays * spec.attention.efficiency);
  const Flops operations(scores * spec.attention.operations *
                         (a.backward ? kBackwardSoftmax : 1.0));
  const Seconds softmax = operations / available.vector;
  Cost cost = cost_of(spec, available,
                      {.compute = max(matrix, softmax), .memory = a.bytes() / available.bandwidth});
  set_activity(cost, spec, available.share, a.flops(), a.bytes());
  cost.activity.vector = operations / cost.time;
  return cost;
}

Cost memory_cost(const Spec& spec, const Available& available, const MemoryBound& kernel) {
  Cost cost = cost_of(spec, available, {.memory = kernel.bytes / available.bandwidth});
  set_activity(cost, spec, available.share, Flops(0), kernel.bytes);
  if (cost.time > Seconds(0)) cost.activity.vector = kernel.flops / cost.time;
  return cost;
}

}  // namespace orrery::accelerator::tpu
