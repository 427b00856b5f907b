#include "workload/single.hpp"

#include <algorithm>

#include <fmt/format.h>

#include <orrery/sdk/single_pass.hpp>

#include "workload/chunk_builder.hpp"

namespace orrery {
namespace workload {
namespace {

using Regime = OperatingPoint::Regime;

Regime read_regime(Reader& reader, Regime fallback) {
  return reader.choice<Regime>(
      "regime", {{"burst", Regime::Burst}, {"sustained", Regime::Sustained}}, fallback);
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

double count(Reader& reader, const char* key) { return static_cast<double>(reader.integer(key)); }

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

}  // namespace
}  // namespace workload

using namespace workload;

std::unique_ptr<const Workload> make_gemm(Reader& reader) {
  Gemm gemm{.m = count(reader, "m"), .n = count(reader, "n"), .k = count(reader, "k")};
  gemm.batch = static_cast<double>(reader.integer_or("batch", 1));
  gemm.dtype = read_dtype(reader, "dtype", Dtype::Bf16);
  const bool cast = reader.boolean_or("quantise_input", false);
  const auto regime = read_regime(reader, Regime::Burst);
  reader.finish();
  Block block;
  if (cast) {
    block.push_back({.name = "fp8_cast",
                     .shape = MemoryBound{.bytes = Bytes(gemm.m * gemm.k * kEagerCastBytes /
                                                         kEagerCastKernels)},
                     .repeat = kEagerCastKernels});
  }
  block.push_back({.name = "gemm", .shape = gemm});
  return std::make_unique<KernelWorkload>(block, gemm.flops(), gemm.dtype, regime);
}

std::unique_ptr<const Workload> make_attention(Reader& reader) {
  const AttentionKind kind = read_attention(reader, "version");
  const bool both =
      reader.choice<bool>("pass", {{"forward", false}, {"forward_backward", true}}, false);
  FlashAttention shape{.version = flash_version(kind),
                       .causal = reader.boolean_or("causal", true),
                       .batch = count(reader, "batch"),
                       .heads = count(reader, "heads")};
  shape.kv_heads =
      static_cast<double>(reader.integer_or("kv_heads", static_cast<std::int64_t>(shape.heads)));
  shape.query_length = shape.key_length = count(reader, "sequence_length");
  shape.head_dim = count(reader, "head_dim");
  shape.dtype = read_dtype(reader, "dtype", Dtype::Bf16);
  const auto regime = read_regime(reader, Regime::Burst);
  reader.finish();
  Block block;
  for (const bool backward : {false, true}) {
    if (backward && !both) break;
    FlashAttention pass = shape;
    pass.backward = backward;
    if (kind == AttentionKind::Unfused) {
      add_unfused(block, pass);
    } else {
      block.push_back({.name = backward ? "attention_grad" : "attention", .shape = pass});
    }
  }
  const Flops flops = shape.flops() * (both ? 3.5 : 1.0);
  return std::make_unique<KernelWorkload>(block, flops, shape.dtype, regime);
}

std::unique_ptr<const Workload> make_stream(Reader& reader) {
  const auto bytes = reader.positive<Bytes>("bytes");
  const auto regime = read_regime(reader, Regime::Sustained);
  reader.finish();
  return std::make_unique<KernelWorkload>(
      Block{{.name = "stream", .shape = MemoryBound{.bytes = bytes}}}, Flops(0), Dtype::Bf16,
      regime);
}

std::unique_ptr<const Workload> make_transformer_layer(Reader& reader) {
  const bool backward = reader.choice<bool>("pass", {{"forward", false}, {"backward", true}});
  auto recipe = Recipe::read(reader, 1);  // one microbatch of one replica
  Parallelism& layout = recipe.parallelism;
  // As many replicas as share the experts of a layer.
  layout.data =
      std::max(1, layout.expert * layout.expert_tensor / (layout.tensor * layout.context));
  recipe.global_batch = layout.data * recipe.microbatch;
  reader.finish();
  return std::make_unique<LayerWorkload>(std::move(recipe), backward);
}

}  // namespace orrery
