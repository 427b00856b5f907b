#include "accelerator/tpu_parameters.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace orrery::accelerator::tpu {
namespace {

// Datasheets round their peaks.
constexpr double kPeakRounding = 1.02;
constexpr std::int64_t kLargestArray = 4096;
constexpr std::int64_t kMostUnits = 4096;

using namespace schema;
constexpr Between kEfficiency = between(0.01, 1.0);

// Only bf16 is sure to be there. A format without an entry has no rate.
const Schema<PerDtype<FlopsPerSecond>>& peak_schema() {
  using Q = FlopsPerSecond;
  static const Schema<PerDtype<Q>> result(
      "peak", {format<Q>("bf16", {Dtype::Bf16}, true,
                         "2 x `rows` x `columns` x `count` of `matrix_units` x `clock.frequency`"),
               format<Q>("fp32", {Dtype::Fp32}, false, "absent: the device does not compute in it"),
               format<Q>("fp8", {Dtype::Fp8}, false, "likewise"),
               format<Q>("int8", {Dtype::Int8}, false, "likewise")});
  return result;
}

const Schema<MatrixUnits>& matrix_units_schema() {
  using M = MatrixUnits;
  static const Schema<M> result(
      "matrix_units",
      {required("rows", &M::rows, whole(1, kLargestArray), "[R] of cells in an array"),
       required("columns", &M::columns, whole(1, kLargestArray), "[C] likewise"),
       required("count", &M::count, whole(1, kMostUnits), "[U] arrays of the device")});
  return result;
}

const Schema<ClockSpec>& clock_schema() {
  using C = ClockSpec;
  static const Schema<C> result(
      "clock", {required("frequency", &C::frequency, positive, "[f] no power limit moves it"),
                optional("spread", &C::spread, between(0.0, 0.1),
                         "[sigma] standard deviation of the clock between devices")});
  return result;
}

const Schema<MemorySpec>& memory_schema() {
  using M = MemorySpec;
  static const Schema<M> result(
      "memory", {required("capacity", &M::capacity, positive, "that a job can use"),
                 required("bandwidth", &M::bandwidth, positive, "[B] of the datasheet"),
                 required("efficiency", &M::efficiency, kEfficiency,
                          "[eta_mem] of it that long transfers reach"),
                 required("on_chip", &M::on_chip, positive, "[V] VMEM, and CMEM in v4")});
  return result;
}

const Schema<GemmSpec>& gemm_schema() {
  using G = GemmSpec;
  static const Schema<G> result(
      "gemm", {required("efficiency", &G::efficiency, kEfficiency,
                        "[eta_mxu] share of cycles in which an array takes a row"),
               required("exposed", &G::exposed, between(0.0, 1.0),
                        "[x] of the first and last blocks' way to and from memory")});
  return result;
}

const Schema<AttentionSpec>& attention_schema() {
  using A = AttentionSpec;
  static const Schema<A> result(
      "attention",
      {required("efficiency", &A::efficiency, kEfficiency, "[eta_att] of the arrays"),
       required("operations", &A::operations, between(0.0, 1000.0),
                "[v] of the vector units, for a score"),
       required("block", &A::block, whole(1, kLargestArray), "[b] queries and keys of a block")});
  return result;
}

// A peak is a promise of the arrays at their clock: every cell multiplies and adds in every cycle.
void check_peak(Reader& reader, const Spec& spec) {
  const MatrixUnits& units = spec.matrix;
  const FlopsPerSecond arrays =
      Flops(2.0 * units.rows * units.columns * units.count) * spec.clock.frequency;
  const FlopsPerSecond peak = spec.peak[Dtype::Bf16];
  if (peak <= arrays * kPeakRounding && arrays <= peak * kPeakRounding) return;
  reader.error("peak", fmt::format("peak of bf16 is not 2 x rows x columns x count of the matrix "
                                   "units x clock.frequency; expected {}; got '{}'",
                                   to_text(arrays), to_text(peak)));
}

void check_device(Reader& reader, Spec& spec) {
  Reader power = reader.child("power");
  complete_power(power, spec.power, spec.tdp);
  if (reader.diagnostics().empty()) check_peak(reader, spec);
}

}  // namespace

double Spec::passes(Dtype dtype) const { return peak[Dtype::Bf16] / peak[dtype]; }

const Schema<Spec>& Spec::schema() {
  static const Schema<Spec> result(
      "tpu.systolic",
      {required("name", &Spec::name, "shown in reports"),
       optional("caveat", &Spec::caveat, "what is estimated; printed with every result"),
       required("tdp", &Spec::tdp, positive, "power limit of the board"),
       required("peak", &Spec::peak, &peak_schema(), "of the datasheet"),
       required("matrix_units", &Spec::matrix, &matrix_units_schema(), "systolic arrays"),
       required("clock", &Spec::clock, &clock_schema(), "fixed"),
       required("vector", &Spec::vector, positive, "[W] rate of the vector units"),
       required("memory", &Spec::memory, &memory_schema(), "HBM and what is on the chip"),
       required("gemm", &Spec::gemm, &gemm_schema(), "matrix multiply"),
       required("attention", &Spec::attention, &attention_schema(), "flash attention"),
       required("op_overhead", &Spec::op_overhead, "[t0] of one operation of the program"),
       required("power", &Spec::power, &power_schema(), "what the board draws, and heat's limits")},
      check_device);
  return result;
}

Spec Spec::read(Reader& reader) {
  reader.ignore("model");
  return schema().read(reader);
}

Available available(const Spec& spec, const OperatingPoint& point) {
  const bool sustained = point.regime == OperatingPoint::Regime::Sustained;
  const double slowest = sustained ? 1.0 - spec.clock.spread * point.slowest_deviations : 1.0;
  double clock = point.clock * slowest;
  if (point.clock_limit > Hertz(0))
    clock = std::min(clock, point.clock_limit / spec.clock.frequency);
  return {.units = spec.matrix.count * point.compute_share,
          .share = point.compute_share,
          .clock = spec.clock.frequency * clock,
          .vector = spec.vector * (clock * point.compute_share),
          .bandwidth = spec.memory.bandwidth * (spec.memory.efficiency * point.memory_share)};
}

}  // namespace orrery::accelerator::tpu
