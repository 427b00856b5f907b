#include "workload/recipe.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include <fmt/format.h>

#include "workload/recipe_checks.hpp"

namespace orrery::workload {
namespace {

int count(Reader& reader, const char* key, int fallback, int minimum = 1) {
  constexpr std::int64_t most = 1'000'000'000;  // fits an int
  const std::int64_t value = reader.integer_or(key, fallback, minimum);
  if (value <= most) return static_cast<int>(value);
  reader.error(key, fmt::format("{}: expected at most {}; got {}", key, most, value));
  return fallback;
}

void read_experts(Reader& reader, Parallelism& layout) {
  constexpr double most = std::numeric_limits<double>::infinity();
  layout.expert = count(reader, "expert", 1);
  layout.expert_tensor = count(reader, "expert_tensor", layout.tensor);
  layout.capacity =
      reader.has("capacity_factor") ? reader.ratio("capacity_factor", 0.1, most) : 0.0;
  layout.imbalance = reader.ratio_or("imbalance", 1.0, 1.0, most);
  if (layout.expert_tensor != 1 && layout.expert_tensor != layout.tensor) {
    reader.error("expert_tensor", fmt::format("expert_tensor: expected 1 or tensor {}; got {}",
                                              layout.tensor, layout.expert_tensor));
  }
  if (layout.capacity > 0 && layout.imbalance > 1) {
    reader.error(
        "imbalance",
        "with a capacity_factor every rank has equally many copies; expected no imbalance");
  }
}

// What the workload says wins over what the software does by itself.
void read_overlap(Reader reader, Overlap& overlap) {
  overlap.grad_reduce = reader.boolean_or("grad_reduce", overlap.grad_reduce);
  overlap.param_gather = reader.boolean_or("param_gather", overlap.param_gather);
  overlap.tensor = reader.boolean_or("tensor", overlap.tensor);
  overlap.tensor_backward = reader.boolean_or("tensor_backward", overlap.tensor_backward);
  overlap.p2p = reader.boolean_or("p2p", overlap.p2p);
  overlap.expert = reader.boolean_or("expert", overlap.expert);
  overlap.shared_expert = reader.boolean_or("shared_expert", overlap.shared_expert);
  reader.finish();
}

void read_modules(Reader& reader, Recipe& recipe) {
  reader.ignore("recompute_modules");
  if (!reader.has("recompute_modules")) return;
  RecomputeModules& modules = recipe.recompute_modules;
  modules.attention = false;
  modules.stated = true;
  const auto refuse = [&](const std::string& what) { reader.error("recompute_modules", what); };
  for (const std::string& name : reader.texts("recompute_modules")) {
    if (name == "attention") {
      modules.attention = true;
    } else if (name == "norm") {
      modules.norm = true;
    } else if (name == "latent_up") {
      modules.latent_up = true;
      if (!recipe.model.mla) refuse("latent_up is of latent attention; the model has none");
    } else if (name == "expert_activation") {
      modules.expert_activation = true;
      if (!recipe.model.moe) refuse("expert_activation is of experts; the model has no moe");
    } else {
      refuse(fmt::format(
          "recompute_modules: expected attention, norm, latent_up or expert_activation; got '{}'",
          name));
    }
  }
  if (recipe.recompute != Recompute::Selective) {
    refuse("recompute_modules are of selective recomputation; expected recompute: selective");
  }
}

// In fp32 and tf32 everything is stored in four bytes, whatever the software does in 16-bit
// training.
void use_wide_types(Reader& reader, Recipe& recipe) {
  if (recipe.precision != Dtype::Fp32 && recipe.precision != Dtype::Tf32) return;
  Software& software = recipe.software;
  software.residual = software.gradient = software.gathered = Dtype::Fp32;
  if (software.attention != AttentionKind::Unfused) {
    reader.error(
        "precision",
        fmt::format(
            "fused attention kernels work on 16-bit types, not {}; expected bf16 or fp16, or "
            "software.attention: unfused",
            to_text(recipe.precision)));
  }
}

// MaxText's names: axes inside a slice (ici) and between slices (dcn). Parameters are split over
// `ici_fsdp` and replicated over `dcn_data`; with one slice that is zero3.
void read_maxtext_axes(Reader& reader, Parallelism& layout) {
  const std::pair<const char*, const char*> same[] = {{"ici_tensor", "tensor"},
                                                      {"ici_fsdp", "data"},
                                                      {"ici_fsdp", "sharding"},
                                                      {"dcn_data", "data"},
                                                      {"dcn_data", "sharding"}};
  bool present = false;
  for (const auto& [axis, key] : same) {
    present = present || reader.has(axis);
    if (!reader.has(axis) || !reader.has(key)) continue;
    reader.error(
        axis, fmt::format("{} and {} (at {}) say the same in two ways; expected one of them", axis,
                          key, reader.where(key).text()));
  }
  const int tensor = count(reader, "ici_tensor", 1);
  layout.slice_shards = count(reader, "ici_fsdp", 0);
  layout.slices = count(reader, "dcn_data", 0);
  if (!present) return;
  if (reader.has("ici_tensor")) layout.tensor = tensor;
  if (layout.slice_shards > 0) layout.data = layout.slice_shards * std::max(1, layout.slices);
  if (layout.slice_shards > 0 || layout.slices > 0) layout.sharding = Sharding::Hybrid;
}

}  // namespace

FlashAttention::Version flash_version(AttentionKind kind) {
  switch (kind) {
    case AttentionKind::Flash1:
      return FlashAttention::Version::Flash1;
    case AttentionKind::Triton:
      return FlashAttention::Version::Triton;
    case AttentionKind::Flash3:
      return FlashAttention::Version::Flash3;
    case AttentionKind::Cudnn:
      return FlashAttention::Version::Cudnn;
    case AttentionKind::Unfused:
    case AttentionKind::Flash2:
      break;
  }
  return FlashAttention::Version::Flash2;
}

AttentionKind read_attention(Reader& reader, const std::string& key) {
  return reader.choice<AttentionKind>(key,
                                      {{"unfused", AttentionKind::Unfused},
                                       {"flash1", AttentionKind::Flash1},
                                       {"triton", AttentionKind::Triton},
                                       {"flash2", AttentionKind::Flash2},
                                       {"flash3", AttentionKind::Flash3},
                                       {"cudnn", AttentionKind::Cudnn}},
                                      AttentionKind::Flash2);
}

Dtype read_dtype(Reader& reader, const std::string& key, std::optional<Dtype> fallback) {
  return reader.choice<Dtype>(key,
                              {{"fp32", Dtype::Fp32},
                               {"tf32", Dtype::Tf32},
                               {"fp16", Dtype::Fp16},
                               {"bf16", Dtype::Bf16},
                               {"fp8", Dtype::Fp8},
                               {"int8", Dtype::Int8}},
                              fallback);
}

Parallelism Parallelism::read(Reader reader) {
  Parallelism layout;
  layout.tensor = count(reader, "tensor", 1);
  layout.pipeline = count(reader, "pipeline", 1);
  layout.interleave = count(reader, "interleave", 1);
  layout.context = count(reader, "context", 1);
  layout.context_style = reader.choice<ContextStyle>("context_style",
                                                     {{"ring", ContextStyle::Ring},
                                                      {"all_gather", ContextStyle::AllGather},
                                                      {"ulysses", ContextStyle::Ulysses}},
                                                     ContextStyle::Ring);
  read_experts(reader, layout);
  layout.data = count(reader, "data", 0, 0);
  layout.sequence = reader.boolean_or("sequence", false);
  layout.sharding = reader.choice<Sharding>("sharding",
                                            {{"none", Sharding::None},
                                             {"zero1", Sharding::Zero1},
                                             {"zero2", Sharding::Zero2},
                                             {"zero3", Sharding::Zero3},
                                             {"fsdp", Sharding::Zero3},
                                             {"hybrid", Sharding::Hybrid}},
                                            Sharding::None);
  read_maxtext_axes(reader, layout);
  if (reader.has("layers_per_stage"))
    layout.layers_per_stage = reader.integers("layers_per_stage", 0);
  if (layout.interleave > 1 && layout.pipeline == 1) {
    reader.error("interleave", fmt::format("interleaving needs a pipeline; expected interleave: 1 "
                                           "or pipeline > 1; got interleave {}",
                                           layout.interleave));
  }
  if (layout.sequence && layout.tensor == 1) layout.sequence = false;
  const bool shards_weights = layout.sharding == Sharding::Zero2 ||
                              layout.sharding == Sharding::Zero3 ||
                              layout.sharding == Sharding::Hybrid;
  if (shards_weights && layout.pipeline > 1) {
    reader.error("sharding",
                 "zero2, zero3 and hybrid sharding do not go with pipeline parallelism; expected "
                 "none or zero1");
  }
  reader.finish();
  return layout;
}

Software Software::read(Reader reader) {
  Software software;
  software.name = reader.text_or("name", "custom");
  reader.ignore("source");
  reader.ignore("notes");
  software.attention = read_attention(reader, "attention");
  software.fused_softmax = reader.boolean_or("fused_softmax", true);
  software.fused_bias_activation = reader.boolean_or("fused_bias_activation", true);
  software.fused_bias_dropout_add = reader.boolean_or("fused_bias_dropout_add", true);
  software.fused_norm = reader.boolean_or("fused_norm", true);
  software.fused_rope = reader.boolean_or("fused_rope", true);
  software.fused_cross_entropy = reader.boolean_or("fused_cross_entropy", false);
  software.train_metrics = static_cast<int>(reader.integer_or("train_metrics", 0, 0));
  software.compiled = reader.boolean_or("compiled", false);
  software.fused_weight_gradient = reader.boolean_or("fused_weight_gradient", true);
  software.fused_fp8_cast = reader.boolean_or("fused_fp8_cast", true);
  software.residual = read_dtype(reader, "residual", Dtype::Bf16);
  software.gradient = read_dtype(reader, "gradient", Dtype::Fp32);
  software.gathered = read_dtype(reader, "gathered", Dtype::Bf16);
  software.optimizer_traffic = reader.quantity<Bytes>("optimizer_traffic", Bytes(30));
  software.optimizer_state = reader.quantity<Bytes>("optimizer_state", Bytes(12));
  software.scatter_gather = reader.boolean_or("scatter_gather", false);
  software.blocking_p2p = reader.boolean_or("blocking_p2p", true);
  reader.ignore("launch_time");
  if (reader.has("launch_time")) software.launch_time = reader.quantity<Seconds>("launch_time");
  software.step_overhead = reader.quantity<Seconds>("step_overhead", Seconds(0));
  software.cuda_graph = reader.boolean_or("cuda_graph", false);
  software.bucket_parameters = count(reader, "bucket_parameters", 40'000'000);
  software.prefetch = count(reader, "prefetch", 2);
  software.runtime_memory = reader.quantity<Bytes>("runtime_memory", gigabytes(2));
  software.fragmentation = reader.ratio_or("fragmentation", 0.0, 0.0, 1.0);
  software.fused_routing = reader.boolean_or("fused_routing", false);
  software.fused_merge = reader.boolean_or("fused_merge", true);
  if (reader.has("router")) {
    software.router =
        reader.choice<Dtype>("router", {{"fp32", Dtype::Fp32}, {"bf16", Dtype::Bf16}});
  }
  if (reader.has("dispatch")) {
    software.dispatch =
        reader.choice<Dtype>("dispatch", {{"bf16", Dtype::Bf16}, {"fp8", Dtype::Fp8}});
  }
  software.planned_memory = reader.boolean_or("planned_memory", false);
  read_overlap(reader.child("overlap", false), software.overlap);
  reader.finish();
  return software;
}

Recipe Recipe::read(Reader& reader, std::int64_t default_batch) {
  Recipe recipe;
  recipe.where_precision = reader.where("precision");
  recipe.where_parallelism = reader.where("parallelism");
  recipe.where_batch = reader.where("global_batch");
  Reader model = reader.child("model");
  recipe.model = ModelSpec::read(model);
  recipe.sequence_length = static_cast<double>(reader.integer("sequence_length"));
  const ModelSpec& spec = recipe.model;
  if (spec.position == Position::Learned && spec.max_sequence > 0 &&
      recipe.sequence_length > spec.max_sequence) {
    reader.error(
        "sequence_length",
        fmt::format("sequence_length: {} has learned positions for {} tokens; got {}; expected at "
                    "most that, or model.max_sequence",
                    spec.name, spec.max_sequence, recipe.sequence_length));
  }
  recipe.global_batch =
      static_cast<double>(default_batch > 0 ? default_batch : reader.integer("global_batch"));
  recipe.microbatch = static_cast<double>(reader.integer_or("microbatch", 1));
  if (default_batch > 0) recipe.global_batch = recipe.microbatch;
  recipe.parallelism = Parallelism::read(reader.child("parallelism", false));
  recipe.precision = read_dtype(reader, "precision", Dtype::Bf16);
  if (recipe.precision == Dtype::Int8) {
    reader.error("precision",
                 "training in int8 is not modelled; expected fp32, tf32, fp16, bf16 or fp8");
  }
  recipe.recompute = reader.choice<Recompute>("recompute",
                                              {{"none", Recompute::None},
                                               {"selective", Recompute::Selective},
                                               {"operator", Recompute::Operator},
                                               {"full", Recompute::Full},
                                               {"offload_qkv", Recompute::OffloadQkv}},
                                              Recompute::None);
  read_modules(reader, recipe);
  recipe.recompute_fraction = reader.ratio_or("recompute_fraction", 1.0, 0.0, 1.0);
  recipe.software = Software::read(reader.child("software"));
  use_wide_types(reader, recipe);
  read_overlap(reader.child("overlap", false), recipe.software.overlap);
  check(reader, recipe);
  return recipe;
}

double Recipe::padded_vocabulary() const {
  const double unit = 128.0 * parallelism.tensor;
  return std::ceil(model.vocabulary / unit) * unit;
}

}  // namespace orrery::workload
