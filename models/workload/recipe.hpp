#pragma once
/// How a model is trained: batch, parallel layout, precision, and what the software stack does.

#include <optional>
#include <string>
#include <vector>

#include <orrery/reader.hpp>
#include <orrery/work.hpp>

#include "workload/model_spec.hpp"

namespace orrery::workload {

/// What of the training state is split over the data-parallel ranks.
enum class Sharding { None, Zero1, Zero2, Zero3, Hybrid };
/// What of the forward pass is run again in the backward pass. Selective: the attention core.
/// Operator: every second matrix multiply and the element-wise kernels. Full: every layer.
/// OffloadQkv: every layer but its query, key and value projections, which wait in the host's
/// memory.
enum class Recompute { None, Selective, Operator, Full, OffloadQkv };
enum class AttentionKind { Unfused, Flash1, Triton, Flash2, Flash3, Cudnn };

/// Ranks are laid out tensor first, then context, data, pipeline, as Megatron-LM does.
struct Parallelism {
  int tensor = 1;
  int pipeline = 1;
  int interleave = 1;  ///< model chunks per pipeline stage
  int context = 1;
  int data = 0;           ///< 0: all devices that remain
  bool sequence = false;  ///< norms and dropout split over the tensor ranks
  Sharding sharding = Sharding::None;
  int slice_shards = 0;                        ///< ici_fsdp: what a slice must hold; 0: any
  int slices = 0;                              ///< dcn_data: replicas of a slice; 0: any
  std::vector<std::int64_t> layers_per_stage;  ///< empty: even

  static Parallelism read(Reader reader);
  [[nodiscard]] int model_ranks() const { return tensor * pipeline * context; }
};

/// What runs beside computation instead of after it.
struct Overlap {
  /// Gradient reduction with the last backward; when layers are gathered, with the layers before.
  bool grad_reduce = false;
  bool param_gather = false;  ///< parameter gathering with the first forward, or the layer before
  bool tensor = false;        ///< tensor-parallel collectives in chunks with their matrix multiply
  bool tensor_backward =
      false;         ///< tensor-parallel collectives of backward with the weight gradient
  bool p2p = false;  ///< pipeline messages
};

/// Switches of a software stack; each is something that its code does or does not do.
struct Software {
  std::string name;
  AttentionKind attention = AttentionKind::Flash2;
  bool fused_softmax = true;  ///< scale, mask and softmax in one kernel (unfused attention)
  bool fused_bias_activation = true;
  bool fused_bias_dropout_add = true;
  bool fused_norm = true;  ///< one kernel; otherwise a chain of element-wise ones
  bool fused_rope = true;
  bool fused_cross_entropy = false;
  int train_metrics = 0;  ///< cross-entropies evaluated on the logits beside the loss
  bool compiled = false;  ///< a compiler joins neighbouring element-wise kernels and norms
  bool fused_weight_gradient = true;  ///< added to the fp32 gradient inside the matrix multiply
  bool fused_fp8_cast = true;         ///< norm and activation write fp8 themselves
  Dtype residual = Dtype::Bf16;       ///< of the stream between layers
  Dtype gradient = Dtype::Fp32;       ///< of the gradients held and reduced
  Dtype gathered = Dtype::Bf16;       ///< of gathered parameters
  Bytes optimizer_traffic{30};        ///< per parameter held, read and written in a step
  Bytes optimizer_state{12};          ///< per parameter held: master weight and two moments
  bool scatter_gather = false;        ///< pipeline messages split over the tensor ranks
  bool blocking_p2p = true;           ///< host waits for pipeline messages
  Seconds launch_time{};              ///< host time per kernel
  Seconds
      step_overhead{};  ///< host time between steps with the device idle: data, logging, schedules
  bool cuda_graph = false;
  double bucket_parameters = 40e6;  ///< gradients reduced together, at least (not zero3)
  int prefetch = 2;                 ///< layers gathered ahead (zero3)
  Bytes runtime_memory{};           ///< context, NCCL buffers, workspaces
  double fragmentation = 0;         ///< of the allocator, on top of activations
  /// A compiler plans memory for the whole step: parameters are gathered and gradients reduced one
  /// matrix at a time, and logits are gone before a layer is recomputed.
  bool planned_memory = false;
  Overlap overlap;

  static Software read(Reader reader);
};

struct Recipe {
  ModelSpec model;
  double sequence_length = 1;
  double global_batch = 1;  ///< sequences
  double microbatch = 1;    ///< sequences per model replica
  Parallelism parallelism;
  Dtype precision = Dtype::Bf16;  ///< of matrix multiplies
  Recompute recompute = Recompute::None;
  double recompute_fraction = 1;  ///< of the layers (full)
  Software software;
  Location where_parallelism, where_batch, where_precision;

  /// `default_batch` of 0 makes global_batch required.
  static Recipe read(Reader& reader, std::int64_t default_batch = 0);
  /// 16-bit type of activations that are not matrix operands.
  [[nodiscard]] Dtype activation_type() const {
    return precision == Dtype::Fp8 ? Dtype::Bf16 : precision;
  }
  /// Whether the backward pass begins a layer from its input alone.
  [[nodiscard]] bool recomputes_layers() const {
    return recompute == Recompute::Full || recompute == Recompute::OffloadQkv;
  }
  /// Vocabulary rounded up as Megatron-LM does, to a multiple of 128 per tensor rank.
  [[nodiscard]] double padded_vocabulary() const;
};

/// The kernel of a fused kind. @pre `kind` is not Unfused
FlashAttention::Version flash_version(AttentionKind kind);
AttentionKind read_attention(Reader& reader, const std::string& key);
Dtype read_dtype(Reader& reader, const std::string& key, std::optional<Dtype> fallback);

}  // namespace orrery::workload
