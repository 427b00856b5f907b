#pragma once
/// The parameters of a device with systolic arrays, as read from `configs/accelerators/tpu-*`.
/// Symbols in brackets are those of README.md. Cycles count as dimensionless.

#include <string>

#include <orrery/accelerator.hpp>
#include <orrery/schema.hpp>

#include "accelerator/per_dtype.hpp"
#include "accelerator/tpu_power.hpp"

namespace orrery::accelerator::tpu {

/// Weight-stationary arrays of multiply-accumulate cells: one row of operands a cycle.
struct MatrixUnits {
  double rows = 128;     ///< [R] of cells: the depth of the sum that stays in the array
  double columns = 128;  ///< [C]
  double count = 1;      ///< [U] in the device, all its cores together
};

struct MemorySpec {
  Bytes capacity{};            ///< that a job can use
  BytesPerSecond bandwidth{};  ///< [B] of the datasheet
  double efficiency = 1;       ///< [eta_mem] reached by long transfers
  Bytes on_chip{};             ///< [V] VMEM, and CMEM where there is one
};

struct GemmSpec {
  double efficiency = 1;  ///< [eta_mxu] share of cycles in which the arrays take a row
  /// [x] share of the first and last blocks' way to and from memory that nothing hides.
  double exposed = 0;
};

struct AttentionSpec {
  double efficiency = 1;  ///< [eta_att] of the arrays in the attention kernel
  double operations = 1;  ///< [v] of the vector unit per score
  double block = 512;     ///< [b] queries and keys of a block of scores
};

struct ClockSpec {
  Hertz frequency{};  ///< [f]
  double spread = 0;  ///< [sigma] standard deviation of the clock between devices
};

struct Spec {
  std::string name;
  std::string caveat;  ///< what is estimated
  Watts tdp{};
  PerDtype<FlopsPerSecond> peak;  ///< zero for types that the device lacks
  MatrixUnits matrix;
  ClockSpec clock;
  FlopsPerSecond vector{};  ///< [W] of the vector units
  MemorySpec memory;
  GemmSpec gemm;
  AttentionSpec attention;
  Seconds op_overhead{};  ///< [t0] of one operation of the compiled program
  PowerSpec power;

  /// The keys of an entry; its nested maps are those of the members.
  static const Schema<Spec>& schema();
  /// Reads the whole map and calls Reader::finish(). Mistakes go to the reader's diagnostics.
  static Spec read(Reader& reader);
  /// Passes that a product takes through the arrays: 1 in bf16, 0.5 where a format has twice the
  /// rate. @pre the format has a rate
  [[nodiscard]] double passes(Dtype dtype) const;
};

/// What a kernel finds of a device at an operating point.
struct Available {
  double units = 1;  ///< matrix units, a fraction where communication takes some
  double share = 1;
  Hertz clock{};
  FlopsPerSecond vector{};
  BytesPerSecond bandwidth{};  ///< reached
};
Available available(const Spec& spec, const OperatingPoint& point);

}  // namespace orrery::accelerator::tpu
