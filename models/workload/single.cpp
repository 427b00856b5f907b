#include "workload/single.hpp"

#include <algorithm>

#include <fmt/format.h>

#include <orrery/sdk/single_pass.hpp>

#include "workload/chunk_builder.hpp"

namespace orrery {
namespace workload {
namespace {

using Regime = OperatingPoint::Regime;

using namespace schema;

template <class Keys>
Binding<Keys> regime_field(Regime Keys::* member) {
  return optional("regime", member,
                  Choices<Regime>{{"burst", Regime::Burst}, {"sustained", Regime::Sustained}},
                  "burst: at the clock of the first milliseconds, cool");
}

// Kernels on the first device, launched back to back from a graph as benchmarks do.
class KernelWorkload final : public Workload {
 public:
  KernelWorkload(Block block, Flops flops, Dtype dtype, Regime regime)
      : block_(std::move(block)), flops_(flops), dtype_(dtype), regime_(regime) {}

  JobLayout layout(const Platform& platform) const override {
    JobLayout layout;
    layout.rank_name = "device";
    const auto kind = static_cast<std::size_t>(platform.kind(layout.device(0)));
    const Accelerator& device = *platform.kinds()[kind].accelerator;
    if (!device.supports(dtype_)) {
      throw ConfigError(fmt::format("workload.dtype: {} has no matrix units on {}", to_text(dtype_),
                                    device.name()));
    }
    return layout;
  }

 protected:
  LoweredWorkload build(const FoldedJob& job, const LowerOptions&) const override {
    LoweredWorkload lowered;
    add_single_pass(job, lowered.outline,
                    [this](Sequence& sequence, int) { sequence.compute(block_); });
    lowered.work = {.model_flops = flops_, .hardware_flops = flops_, .dtype = dtype_};
    lowered.regime = regime_;
    return lowered;
  }

 private:
  Block block_;
  Flops flops_;
  Dtype dtype_;
  Regime regime_;
};

// One layer of a recipe, forward or backward, on all ranks of its layout.
class LayerWorkload final : public Workload {
 public:
  LayerWorkload(Recipe recipe, bool backward) : recipe_(std::move(recipe)), backward_(backward) {}

  JobLayout layout(const Platform& platform) const override {
    return Groups(recipe_, platform).layer_layout();
  }

 protected:
  LoweredWorkload build(const FoldedJob& job, const LowerOptions&) const override {
    LoweredWorkload lowered;
    Groups groups(recipe_, job, lowered.outline);
    const LayerKind kind = recipe_.model.moe ? LayerKind::Expert : LayerKind::Dense;
    add_single_pass(job, lowered.outline, [&](Sequence& sequence, int rank) {
      ChunkBuilder builder(recipe_, groups, lowered.outline, rank);
      if (backward_) {
        builder.backward_layer(sequence, kind, true);
      } else {
        builder.forward_layer(sequence, kind);
      }
    });
    lowered.work.dtype = recipe_.precision;
    return lowered;
  }

 private:
  Recipe recipe_;
  bool backward_;
};

// Attention as a chain of eager kernels. Bytes moved per score and per element of the queries,
// forward and backward, as fitted on both devices (models/accelerator/README.md); a causal mask
// adds passes forward.
struct EagerBytes {
  double per_score, per_element, causal_per_score;
};
constexpr EagerBytes kEagerForward{5.67, 28.0, 9.67};
constexpr EagerBytes kEagerBackward{10.93, 43.3, 0.0};

void add_unfused(Block& block, const FlashAttention& shape) {
  const EagerBytes& bytes = shape.backward ? kEagerBackward : kEagerForward;
  const double s = shape.query_length, d = shape.head_dim, heads = shape.batch * shape.heads;
  const auto product = [&](double n, double k) {
    block.push_back({.name = "attention_product",
                     .shape = Gemm{.m = s,
                                   .n = n,
                                   .k = k,
                                   .batch = heads,
                                   .dtype = shape.dtype,
                                   .output_size = size_of(shape.dtype)}});
  };
  for (int i = 0; i < (shape.backward ? 2 : 1); ++i) {
    product(s, d);
    product(d, s);
  }
  const double per_score = bytes.per_score + (shape.causal ? bytes.causal_per_score : 0);
  block.push_back(
      {.name = "attention_elementwise",
       .shape = MemoryBound{.bytes = Bytes(heads * s * (s * per_score + d * bytes.per_element))}});
}

// An fp8 product in an inference library casts its 16-bit input first, in six kernels: bytes per
// element of all, as fitted on aic_gemm (models/accelerator/README.md).
constexpr double kEagerCastBytes = 7.06;
constexpr int kEagerCastKernels = 6;

struct GemmKeys {
  Gemm shape;
  bool cast = false;
  Regime regime = Regime::Burst;
};

const Schema<GemmKeys>& gemm_schema() {
  using K = GemmKeys;
  static const Schema<K> result(
      "gemm",
      inlined(&K::shape,
              std::vector{required("m", &Gemm::m, whole(), "rows of the result"),
                          required("n", &Gemm::n, whole(), "columns of the result"),
                          required("k", &Gemm::k, whole(), "products in an element"),
                          optional("batch", &Gemm::batch, whole(), "of them at once"),
                          optional("dtype", &Gemm::dtype, dtype_choices(), "of the operands")}) +
          std::vector{optional("quantise_input", &K::cast,
                               "the first operand is cast to fp8 before, in six kernels"),
                      regime_field(&K::regime)});
  return result;
}

struct AttentionKeys {
  AttentionKind version = AttentionKind::Flash2;
  bool both = false;
  FlashAttention shape;
  Regime regime = Regime::Burst;
};

const Schema<AttentionKeys>& attention_schema() {
  using K = AttentionKeys;
  using A = FlashAttention;
  static const std::vector<Binding<A>> shape = {
      optional("causal", &A::causal, "the mask of a decoder"),
      required("batch", &A::batch, whole(), "sequences"),
      required("heads", &A::heads, whole(), "of queries"),
      otherwise("`heads`", optional("kv_heads", &A::kv_heads, whole(), "of keys and values")),
      required("sequence_length", &A::query_length, whole(), "of queries and keys"),
      required("head_dim", &A::head_dim, whole(), "columns of a head"),
      optional("dtype", &A::dtype, dtype_choices(), "of all tensors")};
  static const Schema<K> result(
      "attention",
      std::vector{
          optional("version", &K::version, attention_choices(), "the kernel"),
          optional("pass", &K::both, Choices<bool>{{"forward", false}, {"forward_backward", true}},
                   "what runs")} +
          inlined(&K::shape, shape) + std::vector{regime_field(&K::regime)},
      [](Reader& reader, K& keys) {
        if (!reader.has("kv_heads")) keys.shape.kv_heads = keys.shape.heads;
        keys.shape.key_length = keys.shape.query_length;
        keys.shape.version = flash_version(keys.version);
      });
  return result;
}

struct StreamKeys {
  Bytes bytes{};
  Regime regime = Regime::Sustained;
};

const Schema<StreamKeys>& stream_schema() {
  using K = StreamKeys;
  static const Schema<K> result(
      "stream", {required("bytes", &K::bytes, positive, "read and written together"),
                 regime_field(&K::regime)});
  return result;
}

struct LayerKeys {
  bool backward = false;
  Recipe recipe;
};

const Schema<LayerKeys>& layer_schema() {
  using K = LayerKeys;
  static const Schema<K> result(
      "transformer_layer",
      std::vector{required("pass", &K::backward,
                           Choices<bool>{{"forward", false}, {"backward", true}},
                           "of one layer, on the first tensor-parallel group")} +
          inlined(&K::recipe, Recipe::fields(true)),
      [](Reader& reader, K& keys) {
        keys.recipe.global_batch = keys.recipe.microbatch;  // of one replica
        Recipe::complete(reader, keys.recipe);
      });
  return result;
}

}  // namespace
}  // namespace workload

using namespace workload;

std::unique_ptr<const Workload> make_gemm(Reader& reader) {
  reader.ignore("kind");
  const GemmKeys keys = gemm_schema().read(reader);
  const Gemm& gemm = keys.shape;
  Block block;
  if (keys.cast) {
    block.push_back({.name = "fp8_cast",
                     .shape = MemoryBound{.bytes = Bytes(gemm.m * gemm.k * kEagerCastBytes /
                                                         kEagerCastKernels)},
                     .repeat = kEagerCastKernels});
  }
  block.push_back({.name = "gemm", .shape = gemm});
  return std::make_unique<KernelWorkload>(block, gemm.flops(), gemm.dtype, keys.regime);
}

std::unique_ptr<const Workload> make_attention(Reader& reader) {
  reader.ignore("kind");
  const AttentionKeys keys = attention_schema().read(reader);
  Block block;
  for (const bool backward : {false, true}) {
    if (backward && !keys.both) break;
    FlashAttention pass = keys.shape;
    pass.backward = backward;
    if (keys.version == AttentionKind::Unfused) {
      add_unfused(block, pass);
    } else {
      block.push_back({.name = backward ? "attention_grad" : "attention", .shape = pass});
    }
  }
  const Flops flops = keys.shape.flops() * (keys.both ? 3.5 : 1.0);
  return std::make_unique<KernelWorkload>(block, flops, keys.shape.dtype, keys.regime);
}

std::unique_ptr<const Workload> make_stream(Reader& reader) {
  reader.ignore("kind");
  const StreamKeys keys = stream_schema().read(reader);
  return std::make_unique<KernelWorkload>(
      Block{{.name = "stream", .shape = MemoryBound{.bytes = keys.bytes}}}, Flops(0), Dtype::Bf16,
      keys.regime);
}

std::unique_ptr<const Workload> make_transformer_layer(Reader& reader) {
  reader.ignore("kind");
  LayerKeys keys = layer_schema().read(reader);
  Parallelism& layout = keys.recipe.parallelism;
  // As many replicas as share the experts of a layer.
  layout.data =
      std::max(1, layout.expert * layout.expert_tensor / (layout.tensor * layout.context));
  keys.recipe.global_batch = layout.data * keys.recipe.microbatch;
  return std::make_unique<LayerWorkload>(std::move(keys.recipe), keys.backward);
}

const Table& gemm_table() { return gemm_schema().table(); }
const Table& attention_table() { return attention_schema().table(); }
const Table& stream_table() { return stream_schema().table(); }
const Table& transformer_layer_table() { return layer_schema().table(); }

}  // namespace orrery
