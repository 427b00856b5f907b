#include "accelerator/tpu_parameters.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "accelerator/reading.hpp"

namespace orrery::accelerator::tpu {
namespace {

// Datasheets round their peaks.
constexpr double kPeakRounding = 1.02;
constexpr std::int64_t kLargestArray = 4096;
constexpr std::int64_t kMostUnits = 4096;

double efficiency(Reader& reader, const std::string& key) { return reader.ratio(key, 0.01, 1.0); }

double count(Reader& reader, const std::string& key, std::int64_t most) {
  const std::int64_t value = reader.integer(key);
  if (value > most) {
    reader.error(key, fmt::format("{}: expected at most {}; got {}", key, most, value));
  }
  return static_cast<double>(value);
}

// Only bf16 is sure to be there. A format without an entry has no rate.
PerDtype<FlopsPerSecond> read_peaks(Reader reader) {
  PerDtype<FlopsPerSecond> peak;
  peak[Dtype::Bf16] = reader.positive<FlopsPerSecond>("bf16");
  if (reader.has("fp32")) peak[Dtype::Fp32] = reader.positive<FlopsPerSecond>("fp32");
  if (reader.has("fp8")) peak[Dtype::Fp8] = reader.positive<FlopsPerSecond>("fp8");
  if (reader.has("int8")) peak[Dtype::Int8] = reader.positive<FlopsPerSecond>("int8");
  finish(reader);
  return peak;
}

MatrixUnits read_matrix_units(Reader reader) {
  MatrixUnits units;
  units.rows = count(reader, "rows", kLargestArray);
  units.columns = count(reader, "columns", kLargestArray);
  units.count = count(reader, "count", kMostUnits);
  finish(reader);
  return units;
}

MemorySpec read_memory(Reader reader) {
  MemorySpec memory;
  memory.capacity = reader.positive<Bytes>("capacity");
  memory.bandwidth = reader.positive<BytesPerSecond>("bandwidth");
  memory.efficiency = efficiency(reader, "efficiency");
  memory.on_chip = reader.positive<Bytes>("on_chip");
  finish(reader);
  return memory;
}

GemmSpec read_gemm(Reader reader) {
  GemmSpec gemm;
  gemm.efficiency = efficiency(reader, "efficiency");
  gemm.exposed = reader.ratio("exposed", 0.0, 1.0);
  finish(reader);
  return gemm;
}

AttentionSpec read_attention(Reader reader) {
  AttentionSpec attention;
  attention.efficiency = efficiency(reader, "efficiency");
  attention.operations = reader.ratio("operations", 0.0, 1000.0);
  attention.block = count(reader, "block", kLargestArray);
  finish(reader);
  return attention;
}

// A peak is a promise of the arrays at their clock: every cell multiplies and adds in every cycle.
void check_peak(Reader& reader, const Spec& spec) {
  const MatrixUnits& units = spec.matrix;
  const FlopsPerSecond arrays =
      Flops(2.0 * units.rows * units.columns * units.count) * spec.frequency;
  const FlopsPerSecond peak = spec.peak[Dtype::Bf16];
  if (peak <= arrays * kPeakRounding && arrays <= peak * kPeakRounding) return;
  reader.error("peak", fmt::format("peak of bf16 is not 2 x rows x columns x count of the matrix "
                                   "units x clock.frequency; expected {}; got '{}'",
                                   to_text(arrays), to_text(peak)));
}

}  // namespace

double Spec::passes(Dtype dtype) const { return peak[Dtype::Bf16] / peak[dtype]; }

Spec Spec::read(Reader& reader) {
  Spec spec;
  reader.ignore("model");
  spec.name = reader.text("name");
  spec.caveat = reader.text_or("caveat", "");
  spec.cores = static_cast<int>(count(reader, "cores", kMostUnits));
  spec.tdp = reader.positive<Watts>("tdp");
  spec.peak = read_peaks(reader.child("peak"));
  spec.matrix = read_matrix_units(reader.child("matrix_units"));
  Reader clock = reader.child("clock");
  spec.frequency = clock.positive<Hertz>("frequency");
  spec.spread = clock.ratio_or("spread", 0.0, 0.0, 0.1);
  finish(clock);
  spec.vector = reader.positive<FlopsPerSecond>("vector");
  spec.memory = read_memory(reader.child("memory"));
  spec.gemm = read_gemm(reader.child("gemm"));
  spec.attention = read_attention(reader.child("attention"));
  spec.op_overhead = reader.quantity<Seconds>("op_overhead");
  spec.power = read_power(reader.child("power"), spec.tdp);
  if (reader.diagnostics().empty()) check_peak(reader, spec);
  finish(reader);
  return spec;
}

Available available(const Spec& spec, const OperatingPoint& point) {
  const bool sustained = point.regime == OperatingPoint::Regime::Sustained;
  const double slowest = sustained ? 1.0 - spec.spread * point.slowest_deviations : 1.0;
  double clock = point.clock * slowest;
  if (point.clock_limit > Hertz(0)) clock = std::min(clock, point.clock_limit / spec.frequency);
  return {.units = spec.matrix.count * point.compute_share,
          .share = point.compute_share,
          .clock = spec.frequency * clock,
          .vector = spec.vector * (clock * point.compute_share),
          .bandwidth = spec.memory.bandwidth * (spec.memory.efficiency * point.memory_share)};
}

}  // namespace orrery::accelerator::tpu
