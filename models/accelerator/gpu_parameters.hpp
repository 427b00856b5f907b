#pragma once
/// The parameters of a GPU, as read from `configs/accelerators/`. Symbols in brackets are those of
/// README.md. Cycles are those of a multiprocessor's clock and count as dimensionless, so "per
/// cycle" is not in the types.

#include <optional>
#include <string>
#include <vector>

#include <orrery/accelerator.hpp>
#include <orrery/schema.hpp>

#include "accelerator/gpu_power_spec.hpp"
#include "accelerator/per_dtype.hpp"

namespace orrery::accelerator {

/// Clocks of kernels that keep the matrix units busy.
struct LoadClock {
  Hertz burst{};    ///< [f_burst] in the first milliseconds, before the power loop acts
  Hertz limited{};  ///< [f_lim] at the power limit, device still cool
};

struct ClockSpec {
  Hertz boost{};     ///< [f_max] never exceeded
  Seconds settle{};  ///< [tau] averaging time of the power loop
  double base_activity =
      0;  ///< [a0] dynamic power without matrix work, of that with full matrix work
  LoadClock bf16;
  std::optional<LoadClock> fp8;

  /// One-byte types take `fp8` where there is one, all others `bf16`.
  [[nodiscard]] const LoadClock& of(Dtype dtype) const;
};

struct MemorySpec {
  Bytes capacity{};            ///< that a job can use
  BytesPerSecond bandwidth{};  ///< [B] of the datasheet
  Bytes l2{};                  ///< [L2]
  double read_efficiency = 1;  ///< [eta_read] of a kernel that only reads
  double turnaround_loss = 0;  ///< [d_turn] what is lost of it when half of the bytes are writes
  Seconds latency{};           ///< [lambda] of one access
  Bytes in_flight{};           ///< [q_sm] per multiprocessor
  double knee = 2.5;           ///< [q] sharpness of the change from latency to bandwidth
  Seconds kernel_gap{};        ///< [t_gap] between two kernels of a stream
};

/// The part of a result that one multiprocessor computes at a time.
struct Tile {
  double rows = 0;     ///< [Tm]
  double columns = 0;  ///< [Tn]
};

struct GemmSpec {
  std::vector<Tile> tiles;
  double tensor_efficiency = 1;               ///< [eta_tc] of the matrix units' issue rate
  double memory_efficiency = 1;               ///< [eta_mem] of the memory bandwidth
  Bytes operand_feed{};                       ///< [b_l2] from L2 to a multiprocessor, per cycle
  double tile_cycles = 0;                     ///< [c_tile] epilogue and drain of a 128x128 tile
  double start_cycles = 0;                    ///< [c_pro] filling the pipeline, once
  BytesPerSecond multiprocessor_bandwidth{};  ///< [b_sm] that one multiprocessor can draw
  Seconds split_latency{};                    ///< [t_split] of a reduction over k
  double split_bandwidth = 1;                 ///< [x_split] of partial results, of the memory's
  Seconds memory_latency{};                   ///< [t_lat]
  Seconds launch{};                           ///< [t0]
};

/// One implementation of flash attention.
struct FlashSpec {
  double forward_efficiency = 1;   ///< [eta_f] of the matrix units
  double backward_efficiency = 1;  ///< [eta_b]
  double overlap = 0;              ///< [o] of softmax with products
  double row_cycles = 0;           ///< [c0] start and end of a row of blocks
  double mask_blocks = 0;          ///< [mu] extra blocks per row for the causal mask
  double wide_factor = 1;          ///< [wide] on products with heads wider than `wide_beyond`
  double wide_beyond = 128;        ///< [d_wide]
};

struct AttentionSpec {
  double exponential_cycles = 0;           ///< [c_exp] softmax of one score
  double backward_exponential_factor = 1;  ///< [x_exp]
  double backward_row_factor = 1;          ///< [x_c0]
  double tail = 0;                         ///< [theta] of the longest row that is not hidden
  double wave_loss = 0;                    ///< [phi] of an unfilled last wave that is lost
  Seconds launch{};                        ///< [t0]
  FlashSpec flash2;
  std::optional<FlashSpec> flash1, triton, flash3, cudnn;

  /// A version that the device has no parameters for is taken for flash2.
  [[nodiscard]] const FlashSpec& of(FlashAttention::Version version) const;
};

struct Spec {
  std::string name;
  std::string caveat;             ///< what is estimated
  double multiprocessors = 1;     ///< [S]
  Watts tdp{};                    ///< the board's power limit
  PerDtype<FlopsPerSecond> peak;  ///< zero for types that the device lacks
  /// [R] of a multiprocessor's matrix units; for fp32 of its vector units.
  PerDtype<Flops> flops_per_cycle;
  ClockSpec clock;
  MemorySpec memory;
  GemmSpec gemm;
  AttentionSpec attention;
  PowerSpec power;

  /// The keys of an entry; its nested maps are those of the members.
  static const Schema<Spec>& schema();
  /// Reads the whole map and calls Reader::finish(). Mistakes go to the reader's diagnostics.
  static Spec read(Reader& reader);
};

/// What a kernel finds of a device at an operating point.
struct Available {
  double multiprocessors = 1;  ///< whole, at least 1
  double share = 1;            ///< `multiprocessors` of those of the device
  BytesPerSecond bandwidth{};
  OperatingPoint point;
};
Available available(const Spec& spec, const OperatingPoint& point);

/// Two resources that work at the same time but never overlap perfectly: (a^4 + b^4)^(1/4).
Seconds overlapped(Seconds a, Seconds b);

}  // namespace orrery::accelerator
