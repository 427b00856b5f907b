#include "accelerator/gpu_attention.hpp"

#include <algorithm>
#include <cmath>

#include "accelerator/gpu_clock.hpp"
#include "accelerator/gpu_memory.hpp"

namespace orrery::accelerator {
namespace {

// Rows of queries and columns of keys in a block of scores.
constexpr double kBlock = 128.0;
constexpr double kScores = kBlock * kBlock;
constexpr double kNarrowestHead = 64.0;
// The fp32 gradient of the queries is cleared and converted: two reads to one write, as a triad.
constexpr double kHelperReadFraction = 2.0 / 3.0;

struct Blocks {
  double rows;    // of blocks, over batch and heads
  double keys;    // blocks in the longest row
  double all;     // blocks computed
  double masked;  // extra work of diagonal blocks, in blocks
};

Blocks blocks_of(const FlashAttention& a, const FlashSpec& flash) {
  const double members = a.batch * a.heads;
  const double queries = std::ceil(a.query_length / kBlock);
  const double keys = std::ceil(a.key_length / kBlock);
  const double per_row = a.causal ? (keys + 1.0) / 2.0 : keys;
  return {.rows = members * queries,
          .keys = keys,
          .all = members * queries * per_row,
          .masked = a.causal ? members * queries * flash.mask_blocks : 0.0};
}

double padded(double width) { return std::max(width, kNarrowestHead); }

// Products per block: scores and output; backward recomputes the scores and makes four gradients,
// three products as wide as the queries and two as wide as the values.
Flops block_flops(const FlashAttention& a) {
  const double head = padded(a.head_dim), value = padded(a.values());
  return Flops((a.backward ? 3.0 * head + 2.0 * value : head + value) * 2.0 * kScores);
}

double block_cycles(const Spec& spec, const FlashSpec& flash, const FlashAttention& a) {
  const double efficiency = a.backward ? flash.backward_efficiency : flash.forward_efficiency;
  const double wide = a.head_dim > flash.wide_beyond ? flash.wide_factor : 1.0;
  const double tensor = block_flops(a) / spec.flops_per_cycle[a.dtype] / efficiency * wide;
  const double softmax = kScores * spec.attention.exponential_cycles *
                         (a.backward ? spec.attention.backward_exponential_factor : 1.0);
  return std::max(tensor, softmax) + (1.0 - flash.overlap) * std::min(tensor, softmax);
}

struct Occupation {
  double cycles;  // of the device
  double filled;  // of the multiprocessors
};

Occupation occupation(const Spec& spec, const Available& available, const FlashAttention& a,
                      const FlashSpec& flash, const Blocks& blocks) {
  const AttentionSpec& parameters = spec.attention;
  const double block = block_cycles(spec, flash, a);
  const double row = flash.row_cycles * (a.backward ? parameters.backward_row_factor : 1.0);
  const double even =
      ((blocks.all + blocks.masked) * block + blocks.rows * row) / available.multiprocessors;
  if (a.causal) {
    const double longest = (blocks.keys + flash.mask_blocks) * block + row;
    const double cycles = std::max(even + parameters.tail * longest, longest);
    return {.cycles = cycles, .filled = even / cycles};
  }
  const double waves = blocks.rows / available.multiprocessors;
  const double lost = parameters.wave_loss * (std::ceil(waves) - waves);
  const double stretch = std::max(1.0, waves + lost) / waves;
  return {.cycles = even * stretch, .filled = 1.0 / stretch};
}

// Kernels beside the main one: dot(grad, output), and the fp32 gradient of the queries, which
// version 1 does not have.
struct Helpers {
  Seconds time{};
  Bytes bytes{};
};

Helpers helpers(const Spec& spec, const Available& available, const FlashAttention& a) {
  if (!a.backward) return {};
  const Bytes rows = a.batch * a.heads * a.query_length * size_of(a.dtype);
  Helpers result;
  const auto add = [&](double columns) {
    result.bytes += columns * rows;
    result.time += stream_time(spec.memory, available, columns * rows, kHelperReadFraction);
  };
  add(2.0 * a.values());
  const bool first =
      a.version == FlashAttention::Version::Flash1 || a.version == FlashAttention::Version::Triton;
  if (!first) add(5.0 * a.head_dim);
  return result;
}

double tensor_duty(const Spec& spec, const Available& available, const FlashAttention& a,
                   const Blocks& blocks, double cycles) {
  const Flops per_cycle =
      available.multiprocessors * spec.flops_per_cycle[a.dtype] * spec.gemm.tensor_efficiency;
  return std::min(1.0, blocks.all * block_flops(a) / per_cycle / cycles);
}

}  // namespace

Cost attention_cost(const Spec& spec, const GpuPower& power, const Available& available,
                    const FlashAttention& attention) {
  const AttentionSpec& parameters = spec.attention;
  Cost cost{.time = parameters.launch, .bound = Bound::Latency};
  if (attention.flops() <= Flops(0)) return cost;
  const FlashSpec& flash = parameters.of(attention.version);
  const Blocks blocks = blocks_of(attention, flash);
  const Occupation main = occupation(spec, available, attention, flash, blocks);
  const Hertz limited = spec.clock.of(attention.dtype).limited;
  const Helpers beside = helpers(spec, available, attention);
  const Seconds rest = parameters.launch + beside.time;
  const KernelDemand demand = {
      .compute = main.cycles / limited,
      .reference = limited,
      .memory = attention.bytes() / (available.bandwidth * spec.gemm.memory_efficiency),
      .rest = rest,
      .active = available.share * main.filled,
      .rest_active = available.share * (beside.time / rest),
      .burst = main.cycles / limited,
      .flops = attention.flops(),
      .dtype = attention.dtype,
      .bytes = attention.bytes() + beside.bytes};
  const Resolved resolved =
      run_kernel(spec, power, available.point, demand,
                 tensor_duty(spec, available, attention, blocks, main.cycles));
  note(resolved, cost);
  const Seconds busy = demand.busy(resolved.clock);
  const bool computes = demand.compute * (limited / resolved.clock) > demand.memory;
  cost.bound = computes ? Bound::Compute : Bound::Memory;
  if (parameters.launch > 0.5 * cost.time) cost.bound = Bound::Latency;
  cost.activity.tensor = attention.flops() / cost.time;
  cost.activity.memory = demand.bytes / cost.time;
  cost.activity.active_fraction = available.share * (main.filled * busy + beside.time) / cost.time;
  return cost;
}

}  // namespace orrery::accelerator
