#include "accelerator/gpu_parameters.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

#include <fmt/format.h>

namespace orrery::accelerator {
namespace {

constexpr double kMostCycles = 1e6;
// What Reader returns for a clock that it has already reported.
constexpr Hertz kUnreadClock(1.0);
// Datasheets round their peaks.
constexpr double kPeakRounding = 1.02;

using namespace schema;
constexpr Between kEfficiency = between(0.01, 1.0);
constexpr Between kCycles = between(0.0, kMostCycles);

const Schema<LoadClock>& load_clock_schema() {
  using C = LoadClock;
  static const Schema<C> result(
      "load_clock",
      {required("burst", &C::burst, positive,
                "[f_burst] in the first milliseconds, before the power loop acts; at most `boost`"),
       required("limited", &C::limited, positive,
                "[f_lim] of a burst at the power limit, device still cool; at most `burst`")});
  return result;
}

void check_order(Reader& reader, const char* low_key, Hertz low, const char* high_key, Hertz high) {
  if (low <= high || high <= kUnreadClock) return;
  reader.error(low_key, fmt::format("{} is above {}; expected at most {}; got '{}'", low_key,
                                    high_key, to_text(high), to_text(low)));
}

void check_load_clock(Reader clock, const LoadClock& load, Hertz boost) {
  check_order(clock, "burst", load.burst, "boost", boost);
  check_order(clock, "limited", load.limited, "burst", load.burst);
}

void check_clock(Reader& reader, const ClockSpec& clock) {
  check_load_clock(reader.child("bf16"), clock.bf16, clock.boost);
  if (clock.fp8) check_load_clock(reader.child("fp8"), *clock.fp8, clock.boost);
}

const Schema<ClockSpec>& clock_schema() {
  using C = ClockSpec;
  static const Schema<C> result(
      "clock",
      {required("boost", &C::boost, positive, "[f_max] highest clock, never exceeded"),
       required("settle", &C::settle, positive, "[tau] averaging time of the power loop"),
       required("base_activity", &C::base_activity, kEfficiency,
                "[a0] dynamic power without matrix work, of that with full matrix work"),
       required("bf16", &C::bf16, &load_clock_schema(), "clocks of products of two bytes and more"),
       optional("fp8", &C::fp8, &load_clock_schema(),
                "of one-byte types; without it they take those of `bf16`")},
      check_clock);
  return result;
}

void check_memory(Reader& reader, const MemorySpec& memory) {
  if (memory.turnaround_loss < memory.read_efficiency) return;
  reader.error(
      "turnaround_loss",
      "turnaround_loss: leaves no bandwidth to a copy; expected less than read_efficiency");
}

const Schema<MemorySpec>& memory_schema() {
  using M = MemorySpec;
  static const Schema<M> result(
      "memory",
      {required("capacity", &M::capacity, positive, "that a job can use"),
       required("bandwidth", &M::bandwidth, positive, "[B] of the datasheet"),
       required("l2", &M::l2, positive, "[L2] cache that holds operands of a product"),
       required("read_efficiency", &M::read_efficiency, kEfficiency,
                "[eta_read] of `bandwidth`, of a kernel that only reads"),
       required("turnaround_loss", &M::turnaround_loss, between(0.0, 0.5),
                "[d_turn] lost of it when half of the bytes are writes"),
       required("latency", &M::latency, positive, "[lambda] of one access"),
       required("in_flight", &M::in_flight, positive, "[q_sm] bytes under way, a multiprocessor"),
       required("knee", &M::knee, between(1.0, 10.0),
                "[q] sharpness of the change from latency to bandwidth"),
       required("kernel_gap", &M::kernel_gap, "[t_gap] between two kernels that move bytes")},
      check_memory);
  return result;
}

// "128x256" is 128 rows and 256 columns.
std::optional<Tile> parse_tile(const std::string& text) {
  const char* const end = text.data() + text.size();
  int rows = 0;
  int columns = 0;
  const auto first = std::from_chars(text.data(), end, rows);
  if (first.ec != std::errc() || first.ptr == end || *first.ptr != 'x') return std::nullopt;
  const auto second = std::from_chars(first.ptr + 1, end, columns);
  if (second.ec != std::errc() || second.ptr != end || rows < 1 || columns < 1) return std::nullopt;
  return Tile{.rows = static_cast<double>(rows), .columns = static_cast<double>(columns)};
}

void read_tiles(Reader& reader, GemmSpec& gemm) {
  for (const std::string& text : reader.texts("tiles")) {
    const std::optional<Tile> tile = parse_tile(text);
    if (tile) {
      gemm.tiles.push_back(*tile);
    } else {
      reader.error(
          "tiles",
          fmt::format("not a tile; expected rows and columns such as 128x256; got '{}'", text));
    }
  }
  if (gemm.tiles.empty() && reader.has("tiles")) {
    reader.error("tiles", "no tile; expected a list such as [128x256, 128x128]");
  }
}

const Schema<GemmSpec>& gemm_schema() {
  using G = GemmSpec;
  static const Schema<G> result(
      "gemm",
      {custom<G>({.key = "tiles",
                  .list = true,
                  .doc = "parts of a result that a multiprocessor computes at a time, rows x "
                         "columns: `[128x256, 128x128]`"},
                 read_tiles),
       required("tensor_efficiency", &G::tensor_efficiency, kEfficiency,
                "[eta_tc] of the matrix units' issue rate"),
       required("memory_efficiency", &G::memory_efficiency, kEfficiency,
                "[eta_mem] of the memory bandwidth"),
       required("operand_feed", &G::operand_feed, positive,
                "[b_l2] from L2 to a multiprocessor, per cycle"),
       required("tile_cycles", &G::tile_cycles, kCycles,
                "[c_tile] epilogue and drain of a tile of 128 x 128"),
       required("start_cycles", &G::start_cycles, kCycles, "[c_pro] filling the pipeline, once"),
       required("multiprocessor_bandwidth", &G::multiprocessor_bandwidth, positive,
                "[b_sm] that one multiprocessor can draw"),
       required("split_latency", &G::split_latency, "[t_split] of a reduction over k"),
       required("split_bandwidth", &G::split_bandwidth, between(0.1, 3.0),
                "[x_split] of partial results, of the memory's"),
       required("memory_latency", &G::memory_latency, "[t_lat] before the first operands come"),
       required("launch", &G::launch, "[t0] of a kernel in a graph, tail included")});
  return result;
}

const Schema<FlashSpec>& flash_schema() {
  using F = FlashSpec;
  static const Schema<F> result(
      "flash",
      {required("forward_efficiency", &F::forward_efficiency, kEfficiency,
                "[eta_f] of the matrix units"),
       required("backward_efficiency", &F::backward_efficiency, kEfficiency, "[eta_b] likewise"),
       required("overlap", &F::overlap, between(0.0, 1.0), "[o] of softmax with products"),
       required("row_cycles", &F::row_cycles, kCycles, "[c0] start and end of a row of blocks"),
       required("mask_blocks", &F::mask_blocks, between(0.0, 2.0),
                "[mu] extra blocks per row for the causal mask"),
       required("wide_factor", &F::wide_factor, between(1.0, 4.0),
                "[wide] on products with heads wider than `wide_beyond`"),
       required("wide_beyond", &F::wide_beyond, whole(), "[d_wide] columns of a head")});
  return result;
}

const Schema<AttentionSpec>& attention_schema() {
  using A = AttentionSpec;
  const auto as_flash2 = [](const char* key, std::optional<FlashSpec> A::* version,
                            const char* doc) {
    return otherwise("`flash2`", optional(key, version, &flash_schema(), doc));
  };
  static const Schema<A> result(
      "attention", {required("exponential_cycles", &A::exponential_cycles, between(0.001, 10.0),
                             "[c_exp] of a multiprocessor, softmax of one score"),
                    required("backward_exponential_factor", &A::backward_exponential_factor,
                             between(1.0, 10.0), "[x_exp] on it in backward"),
                    required("backward_row_factor", &A::backward_row_factor, between(1.0, 10.0),
                             "[x_c0] on `row_cycles` in backward"),
                    required("tail", &A::tail, between(0.0, 1.0),
                             "[theta] of the longest row that is not hidden"),
                    required("wave_loss", &A::wave_loss, between(0.0, 1.0),
                             "[phi] of an unfilled last wave that is lost"),
                    required("launch", &A::launch, "[t0] of a kernel"),
                    required("flash2", &A::flash2, &flash_schema(), "FlashAttention-2"),
                    as_flash2("flash1", &A::flash1, "FlashAttention"),
                    as_flash2("triton", &A::triton, "the Triton kernel of 2022"),
                    as_flash2("flash3", &A::flash3, "FlashAttention-3"),
                    as_flash2("cudnn", &A::cudnn, "cuDNN's kernel")});
  return result;
}

// 16-bit formats share a rate; fp8 and int8 may be absent.
template <class Q>
Schema<PerDtype<Q>> formats(const char* name) {
  return {name,
          {format<Q>("fp32", {Dtype::Fp32}, true, "on the vector units"),
           format<Q>("tf32", {Dtype::Tf32}, true, "on the matrix units, as all below"),
           format<Q>("bf16", {Dtype::Bf16, Dtype::Fp16}, true, "of both 16-bit types"),
           format<Q>("fp8", {Dtype::Fp8}, false, "absent: the device has no such units"),
           format<Q>("int8", {Dtype::Int8}, false, "likewise")}};
}

// A peak is a promise of the rates at the highest clock.
void check_peaks(Reader& reader, const Spec& spec) {
  for (const Dtype dtype : {Dtype::Fp32, Dtype::Tf32, Dtype::Bf16, Dtype::Fp8, Dtype::Int8}) {
    const FlopsPerSecond peak = spec.peak[dtype];
    const FlopsPerSecond highest =
        spec.multiprocessors * spec.flops_per_cycle[dtype] * spec.clock.boost;
    const FlopsPerSecond none(0);
    if ((peak > none) != (highest > none)) {
      reader.error("peak", fmt::format("'peak' and 'flops_per_cycle' must name the same formats; "
                                       "only one of them has {}",
                                       to_text(dtype)));
    } else if (peak > highest * kPeakRounding) {
      reader.error("peak", fmt::format("peak of {} is above multiprocessors x flops_per_cycle x "
                                       "boost clock; expected at most {}; got '{}'",
                                       to_text(dtype), to_text(highest), to_text(peak)));
    }
  }
}

void check_device(Reader& reader, Spec& spec) {
  Reader power = reader.child("power");
  complete_power(power, spec.power,
                 {.limit = spec.tdp, .boost = spec.clock.boost, .formats = spec.flops_per_cycle});
  if (reader.diagnostics().empty()) check_peaks(reader, spec);
}

}  // namespace

const LoadClock& ClockSpec::of(Dtype dtype) const {
  const bool one_byte = dtype == Dtype::Fp8 || dtype == Dtype::Int8;
  return one_byte && fp8 ? *fp8 : bf16;
}

const FlashSpec& AttentionSpec::of(FlashAttention::Version version) const {
  const std::optional<FlashSpec>* found = nullptr;
  switch (version) {
    case FlashAttention::Version::Flash1:
      found = &flash1;
      break;
    case FlashAttention::Version::Triton:
      found = &triton;
      break;
    case FlashAttention::Version::Flash2:
      return flash2;
    case FlashAttention::Version::Flash3:
      found = &flash3;
      break;
    case FlashAttention::Version::Cudnn:
      found = &cudnn;
      break;
  }
  return found != nullptr && found->has_value() ? **found : flash2;
}

const Schema<Spec>& Spec::schema() {
  static const auto peak = formats<FlopsPerSecond>("peak");
  static const auto cycle = formats<Flops>("flops_per_cycle");
  static const Schema<Spec> result(
      "gpu.tiled",
      {required("name", &Spec::name, "shown in reports"),
       optional("caveat", &Spec::caveat, "what is estimated; printed with every result"),
       required("multiprocessors", &Spec::multiprocessors, whole(), "[S]"),
       required("tdp", &Spec::tdp, positive, "power limit of the board"),
       required("peak", &Spec::peak, &peak, "of the datasheet, dense; what utilisation refers to"),
       required("flops_per_cycle", &Spec::flops_per_cycle, &cycle,
                "[R] of one multiprocessor, for the same formats"),
       required("clock", &Spec::clock, &clock_schema(), "clocks under load"),
       required("memory", &Spec::memory, &memory_schema(), "HBM, and kernels that move bytes"),
       required("gemm", &Spec::gemm, &gemm_schema(), "matrix multiply"),
       required("attention", &Spec::attention, &attention_schema(), "flash attention"),
       required("power", &Spec::power, &power_schema(), "what the board draws, and heat's limits")},
      check_device);
  return result;
}

Spec Spec::read(Reader& reader) {
  reader.ignore("model");
  return schema().read(reader);
}

Available available(const Spec& spec, const OperatingPoint& point) {
  Available result;
  result.multiprocessors = std::max(1.0, std::floor(spec.multiprocessors * point.compute_share));
  result.share = result.multiprocessors / spec.multiprocessors;
  result.bandwidth = spec.memory.bandwidth * point.memory_share;
  result.point = point;
  return result;
}

Seconds overlapped(Seconds a, Seconds b) {
  const double a2 = a.si() * a.si();
  const double b2 = b.si() * b.si();
  return Seconds(std::sqrt(std::sqrt(a2 * a2 + b2 * b2)));
}

}  // namespace orrery::accelerator
