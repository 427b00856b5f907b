#pragma once
/// How a model is trained: batch, parallel layout, precision, and what the software stack does.

#include <optional>
#include <string>
#include <vector>

#include <orrery/schema.hpp>
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
/// How keys and values meet the queries of other context ranks. Ring: block by block, each passed
/// on while the one before is used (Liu et al. 2023, arXiv:2310.01889). AllGather: all of them
/// first (Llama 3, arXiv:2407.21783, section 3.3.2). Ulysses: heads are split instead of the
/// sequence (Jacobs et al. 2023, arXiv:2309.14509).
enum class ContextStyle { Ring, AllGather, Ulysses };
enum class AttentionKind { Unfused, Flash1, Triton, Flash2, Flash3, Cudnn };

/// Ranks are laid out tensor first, then context, data, pipeline, as Megatron-LM does. Those of one
/// pipeline stage are laid out once more for experts: expert_tensor first, then expert.
struct Parallelism {
  int tensor = 1;
  int pipeline = 1;
  int interleave = 1;  ///< model chunks per pipeline stage
  int context = 1;
  ContextStyle context_style = ContextStyle::Ring;
  int expert = 1;         ///< ranks that the routed experts are spread over
  int expert_tensor = 1;  ///< ranks that split each expert: 1 or `tensor`
  double capacity = 0;    ///< copies of an expert, dropped or padded, by the mean; 0: dropless
  double imbalance = 1;   ///< copies of the fullest rank by the mean
  int data = 0;           ///< 0: all devices that remain
  bool sequence = false;  ///< norms and dropout split over the tensor ranks
  Sharding sharding = Sharding::None;
  int slice_shards = 0;                        ///< ici_fsdp: what a slice must hold; 0: any
  int slices = 0;                              ///< dcn_data: replicas of a slice; 0: any
  std::vector<std::int64_t> layers_per_stage;  ///< empty: even

  static const Schema<Parallelism>& schema();
  static Parallelism read(Reader reader) { return schema().read(reader); }
  [[nodiscard]] int model_ranks() const { return tensor * pipeline * context; }
  /// Copies of tokens on the rank that paces the experts, by the mean.
  [[nodiscard]] double expert_load() const { return capacity > 0 ? capacity : imbalance; }
};

/// What runs beside computation instead of after it.
struct Overlap {
  /// Gradient reduction with the last backward; when layers are gathered, with the layers before.
  bool grad_reduce = false;
  bool param_gather = false;  ///< parameter gathering with the first forward, or the layer before
  bool tensor = false;        ///< tensor-parallel collectives in chunks with their matrix multiply
  bool tensor_backward =
      false;                   ///< tensor-parallel collectives of backward with the weight gradient
  bool p2p = false;            ///< pipeline messages
  bool expert = false;         ///< all-to-alls of experts, beside another microbatch's kernels
  bool shared_expert = false;  ///< shared experts are computed beside the first all-to-all
};

/// Switches of a software stack; each is something that its code does or does not do.
struct Software {
  std::string name = "custom";
  AttentionKind attention = AttentionKind::Flash2;
  bool fused_softmax = true;  ///< scale, mask and softmax in one kernel (unfused attention)
  bool fused_bias_activation = true;
  bool fused_bias_dropout_add = true;
  bool fused_norm = true;  ///< one kernel; otherwise a chain of element-wise ones
  bool fused_rope = true;
  bool fused_cross_entropy = false;
  bool fused_routing = false;  ///< softmax, top-k and the map of experts in one kernel
  bool fused_merge = true;     ///< partial results of ring attention are merged in one kernel
  int train_metrics = 0;       ///< cross-entropies evaluated on the logits beside the loss
  bool compiled = false;       ///< a compiler joins neighbouring element-wise kernels and norms
  bool fused_weight_gradient = true;   ///< added to the fp32 gradient inside the matrix multiply
  bool fused_fp8_cast = true;          ///< norm and activation write fp8 themselves
  Dtype residual = Dtype::Bf16;        ///< of the stream between layers
  Dtype gradient = Dtype::Fp32;        ///< of the gradients held and reduced
  Dtype gathered = Dtype::Bf16;        ///< of gathered parameters
  std::optional<Dtype> router;         ///< of the router's products; none: as activations
  std::optional<Dtype> dispatch;       ///< of copies sent to experts; none: as activations
  Bytes optimizer_traffic{30};         ///< per parameter held, read and written in a step
  Bytes optimizer_state{12};           ///< per parameter held: master weight and two moments
  bool scatter_gather = false;         ///< pipeline messages split over the tensor ranks
  bool blocking_p2p = true;            ///< host waits for pipeline messages
  std::optional<Seconds> launch_time;  ///< host time per kernel; none: what the processor takes
  Seconds
      step_overhead{};  ///< host time between steps with the device idle: data, logging, schedules
  bool cuda_graph = false;
  double bucket_parameters = 40e6;  ///< gradients reduced together, at least (not zero3)
  int prefetch = 2;                 ///< layers gathered ahead (zero3)
  Bytes runtime_memory{2e9};        ///< context, NCCL buffers, workspaces
  double fragmentation = 0;         ///< of the allocator, on top of activations
  /// A compiler plans memory for the whole step: parameters are gathered and gradients reduced one
  /// matrix at a time, and logits are gone before a layer is recomputed.
  bool planned_memory = false;
  Recompute recompute = Recompute::None;  ///< of a workload that does not say it
  Overlap overlap;

  /// The keys of `software/`.
  static const Schema<Software>& schema();
};

/// What selective recomputation runs again.
struct RecomputeModules {
  bool stated = false;             ///< by the scenario
  bool attention = true;           ///< the attention core
  bool norm = false;               ///< what the norms before attention and feed-forward write
  bool latent_up = false;          ///< queries, keys and values from their latents
  bool expert_activation = false;  ///< of routed experts
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
  RecomputeModules recompute_modules{};
  Software software;
  Location where_parallelism, where_batch, where_precision;

  /// The keys of `kind: training`; of one layer without `global_batch`, which is one microbatch.
  static const std::vector<Binding<Recipe>>& fields(bool layer = false);
  /// Completes what follows from other keys and reports what does not go together.
  static void complete(Reader& reader, Recipe& recipe);
  /// 16-bit type of activations that are not matrix operands.
  [[nodiscard]] Dtype activation_type() const {
    return precision == Dtype::Fp8 ? Dtype::Bf16 : precision;
  }
  /// Of what is sent to experts, and of their output's gradient.
  [[nodiscard]] Dtype dispatch_type() const {
    return software.dispatch.value_or(activation_type());
  }
  [[nodiscard]] Dtype router_type() const { return software.router.value_or(activation_type()); }
  [[nodiscard]] bool recomputes(bool RecomputeModules::* module) const {
    return recompute == Recompute::Selective && recompute_modules.*module;
  }
  /// Attention goes around a ring of context ranks.
  [[nodiscard]] bool rings() const {
    return parallelism.context > 1 && parallelism.context_style == ContextStyle::Ring;
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
const schema::Choices<AttentionKind>& attention_choices();
const schema::Choices<Dtype>& dtype_choices();

}  // namespace orrery::workload
