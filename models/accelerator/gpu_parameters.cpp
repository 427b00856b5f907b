#include "accelerator/gpu_parameters.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

#include <fmt/format.h>

#include "accelerator/reading.hpp"

namespace orrery::accelerator {
namespace {

constexpr double kMostCycles = 1e6;
// What Reader returns for a clock that it has already reported.
constexpr Hertz kUnreadClock(1.0);
// Datasheets round their peaks.
constexpr double kPeakRounding = 1.02;

double efficiency(Reader& reader, const std::string& key) { return reader.ratio(key, 0.01, 1.0); }
double cycles(Reader& reader, const std::string& key) {
  return reader.ratio(key, 0.0, kMostCycles);
}

void check_order(Reader& reader, const char* low_key, Hertz low, const char* high_key, Hertz high) {
  if (low <= high || high <= kUnreadClock) return;
  reader.error(low_key, fmt::format("{} is above {}; expected at most {}; got '{}'", low_key,
                                    high_key, to_text(high), to_text(low)));
}

LoadClock read_load_clock(Reader reader, Hertz boost) {
  LoadClock clock;
  clock.burst = reader.positive<Hertz>("burst");
  clock.limited = reader.positive<Hertz>("limited");
  check_order(reader, "burst", clock.burst, "boost", boost);
  check_order(reader, "limited", clock.limited, "burst", clock.burst);
  finish(reader);
  return clock;
}

ClockSpec read_clock(Reader reader) {
  ClockSpec clock;
  clock.boost = reader.positive<Hertz>("boost");
  clock.settle = reader.positive<Seconds>("settle");
  clock.base_activity = reader.ratio("base_activity", 0.01, 1.0);
  clock.bf16 = read_load_clock(reader.child("bf16"), clock.boost);
  if (reader.has("fp8")) clock.fp8 = read_load_clock(reader.child("fp8"), clock.boost);
  finish(reader);
  return clock;
}

MemorySpec read_memory(Reader reader) {
  MemorySpec memory;
  memory.capacity = reader.positive<Bytes>("capacity");
  memory.bandwidth = reader.positive<BytesPerSecond>("bandwidth");
  memory.l2 = reader.positive<Bytes>("l2");
  memory.read_efficiency = efficiency(reader, "read_efficiency");
  memory.turnaround_loss = reader.ratio("turnaround_loss", 0.0, 0.5);
  memory.latency = reader.positive<Seconds>("latency");
  memory.in_flight = reader.positive<Bytes>("in_flight");
  memory.knee = reader.ratio("knee", 1.0, 10.0);
  memory.kernel_gap = reader.quantity<Seconds>("kernel_gap");
  if (memory.turnaround_loss >= memory.read_efficiency) {
    reader.error(
        "turnaround_loss",
        "turnaround_loss: leaves no bandwidth to a copy; expected less than read_efficiency");
  }
  finish(reader);
  return memory;
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

std::vector<Tile> read_tiles(Reader& reader) {
  std::vector<Tile> tiles;
  for (const std::string& text : reader.texts("tiles")) {
    const std::optional<Tile> tile = parse_tile(text);
    if (tile) {
      tiles.push_back(*tile);
    } else {
      reader.error(
          "tiles",
          fmt::format("not a tile; expected rows and columns such as 128x256; got '{}'", text));
    }
  }
  if (tiles.empty() && reader.has("tiles")) {
    reader.error("tiles", "no tile; expected a list such as [128x256, 128x128]");
  }
  return tiles;
}

GemmSpec read_gemm(Reader reader) {
  GemmSpec gemm;
  gemm.tiles = read_tiles(reader);
  gemm.tensor_efficiency = efficiency(reader, "tensor_efficiency");
  gemm.memory_efficiency = efficiency(reader, "memory_efficiency");
  gemm.operand_feed = reader.positive<Bytes>("operand_feed");
  gemm.tile_cycles = cycles(reader, "tile_cycles");
  gemm.start_cycles = cycles(reader, "start_cycles");
  gemm.multiprocessor_bandwidth = reader.positive<BytesPerSecond>("multiprocessor_bandwidth");
  gemm.split_latency = reader.quantity<Seconds>("split_latency");
  gemm.split_bandwidth = reader.ratio("split_bandwidth", 0.1, 3.0);
  gemm.memory_latency = reader.quantity<Seconds>("memory_latency");
  gemm.launch = reader.quantity<Seconds>("launch");
  finish(reader);
  return gemm;
}

FlashSpec read_flash(Reader reader) {
  FlashSpec flash;
  flash.forward_efficiency = efficiency(reader, "forward_efficiency");
  flash.backward_efficiency = efficiency(reader, "backward_efficiency");
  flash.overlap = reader.ratio("overlap", 0.0, 1.0);
  flash.row_cycles = cycles(reader, "row_cycles");
  flash.mask_blocks = reader.ratio("mask_blocks", 0.0, 2.0);
  flash.wide_factor = reader.ratio("wide_factor", 1.0, 4.0);
  flash.wide_beyond = static_cast<double>(reader.integer("wide_beyond"));
  finish(reader);
  return flash;
}

std::optional<FlashSpec> read_optional_flash(Reader& reader, const std::string& key) {
  if (!reader.has(key)) return std::nullopt;
  return read_flash(reader.child(key));
}

AttentionSpec read_attention(Reader reader) {
  AttentionSpec attention;
  attention.exponential_cycles = reader.ratio("exponential_cycles", 0.001, 10.0);
  attention.backward_exponential_factor = reader.ratio("backward_exponential_factor", 1.0, 10.0);
  attention.backward_row_factor = reader.ratio("backward_row_factor", 1.0, 10.0);
  attention.tail = reader.ratio("tail", 0.0, 1.0);
  attention.wave_loss = reader.ratio("wave_loss", 0.0, 1.0);
  attention.launch = reader.quantity<Seconds>("launch");
  attention.flash2 = read_flash(reader.child("flash2"));
  attention.flash1 = read_optional_flash(reader, "flash1");
  attention.triton = read_optional_flash(reader, "triton");
  attention.flash3 = read_optional_flash(reader, "flash3");
  attention.cudnn = read_optional_flash(reader, "cudnn");
  finish(reader);
  return attention;
}

// Reads one map of number formats. 16-bit formats share a rate; fp8 and int8 may be absent.
template <class Q>
PerDtype<Q> read_formats(Reader reader) {
  PerDtype<Q> values;
  values[Dtype::Fp32] = reader.positive<Q>("fp32");
  values[Dtype::Tf32] = reader.positive<Q>("tf32");
  values[Dtype::Bf16] = values[Dtype::Fp16] = reader.positive<Q>("bf16");
  if (reader.has("fp8")) values[Dtype::Fp8] = reader.positive<Q>("fp8");
  if (reader.has("int8")) values[Dtype::Int8] = reader.positive<Q>("int8");
  finish(reader);
  return values;
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

Spec Spec::read(Reader& reader) {
  Spec spec;
  reader.ignore("model");
  spec.name = reader.text("name");
  spec.caveat = reader.text_or("caveat", "");
  spec.multiprocessors = static_cast<double>(reader.integer("multiprocessors"));
  spec.tdp = reader.positive<Watts>("tdp");
  spec.peak = read_formats<FlopsPerSecond>(reader.child("peak"));
  spec.flops_per_cycle = read_formats<Flops>(reader.child("flops_per_cycle"));
  spec.clock = read_clock(reader.child("clock"));
  spec.memory = read_memory(reader.child("memory"));
  spec.gemm = read_gemm(reader.child("gemm"));
  spec.attention = read_attention(reader.child("attention"));
  spec.power = read_power(reader.child("power"), spec.tdp, spec.clock.boost, spec.flops_per_cycle);
  if (reader.diagnostics().empty()) check_peaks(reader, spec);
  finish(reader);
  return spec;
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
