#include "workload/recipe.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include <fmt/format.h>

#include "workload/recipe_checks.hpp"

namespace orrery::workload {
namespace {

using namespace schema;

void check_experts(Reader& reader, Parallelism& layout) {
  if (!reader.has("expert_tensor")) layout.expert_tensor = layout.tensor;
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

const Schema<Overlap>& overlap_schema() {
  using O = Overlap;
  static const Schema<O> result(
      "overlap",
      {optional("grad_reduce", &O::grad_reduce,
                "gradients are reduced beside the last backward; with zero2, zero3 and hybrid "
                "false holds the computation after every layer"),
       optional("param_gather", &O::param_gather,
                "parameters are gathered beside the first forward, or the layer before"),
       optional("tensor", &O::tensor, "tensor-parallel collectives in chunks with their product"),
       optional("tensor_backward", &O::tensor_backward,
                "those of backward with the weight's gradient"),
       optional("p2p", &O::p2p, "pipeline messages"),
       optional("expert", &O::expert,
                "all-to-alls of experts, beside another microbatch's kernels"),
       optional("shared_expert", &O::shared_expert,
                "shared experts are computed beside the first all-to-all")});
  return result;
}

void read_modules(Reader& reader, Recipe& recipe) {
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
void complete_maxtext_axes(Reader& reader, Parallelism& layout) {
  const std::pair<const char*, const char*> same[] = {{"ici_tensor", "tensor"},
                                                      {"ici_fsdp", "data"},
                                                      {"ici_fsdp", "sharding"},
                                                      {"dcn_data", "data"},
                                                      {"dcn_data", "sharding"}};
  for (const auto& [axis, key] : same) {
    if (!reader.has(axis) || !reader.has(key)) continue;
    reader.error(
        axis, fmt::format("{} and {} (at {}) say the same in two ways; expected one of them", axis,
                          key, reader.where(key).text()));
  }
  if (layout.slice_shards > 0) layout.data = layout.slice_shards * std::max(1, layout.slices);
  if (layout.slice_shards > 0 || layout.slices > 0) layout.sharding = Sharding::Hybrid;
}

void complete_layout(Reader& reader, Parallelism& layout) {
  complete_maxtext_axes(reader, layout);
  check_experts(reader, layout);
  if (layout.interleave > 1 && layout.pipeline == 1) {
    reader.error("interleave", fmt::format("interleaving needs a pipeline; expected interleave: 1 "
                                           "or pipeline > 1; got interleave {}",
                                           layout.interleave));
  }
  if (layout.tensor == 1) layout.sequence = false;
  const bool shards_weights = layout.sharding == Sharding::Zero2 ||
                              layout.sharding == Sharding::Zero3 ||
                              layout.sharding == Sharding::Hybrid;
  if (shards_weights && layout.pipeline > 1) {
    reader.error("sharding",
                 "zero2, zero3 and hybrid sharding do not go with pipeline parallelism; expected "
                 "none or zero1");
  }
}

void check_sequence(Reader& reader, const Recipe& recipe) {
  const ModelSpec& model = recipe.model;
  const bool table = model.position == Position::Learned && model.max_sequence > 0;
  if (!table || recipe.sequence_length <= model.max_sequence) return;
  reader.error(
      "sequence_length",
      fmt::format("sequence_length: {} has learned positions for {} tokens; got {}; expected at "
                  "most that, or model.max_sequence",
                  model.name, model.max_sequence, recipe.sequence_length));
}

const Choices<Recompute>& recompute_choices() {
  static const Choices<Recompute> choices = {{"none", Recompute::None},
                                             {"selective", Recompute::Selective},
                                             {"operator", Recompute::Operator},
                                             {"full", Recompute::Full},
                                             {"offload_qkv", Recompute::OffloadQkv}};
  return choices;
}

void read_overlap(Reader& reader, Recipe& recipe) {
  Reader child = reader.child("overlap", false);
  overlap_schema().read(child, recipe.software.overlap);
}

// In the order of reading: what a model and recomputation say goes before its modules, the software
// before the overlap that the workload lays over it.
std::vector<Binding<Recipe>> recipe_fields(bool layer) {
  using R = Recipe;
  std::vector<Binding<R>> fields = {
      schema::entry("ai-models",
                    required("model", &R::model, &ModelSpec::schema(),
                             "what is trained; a name stands for `{use: ai-models/NAME}`")),
      required("sequence_length", &R::sequence_length, whole(), "tokens")};
  if (!layer) {
    fields.push_back(required("global_batch", &R::global_batch, whole(),
                              "sequences in a step, of all replicas"));
  }
  std::vector<Binding<R>> fraction;  // of a whole model only
  const std::vector<Binding<R>> how = {
      optional("microbatch", &R::microbatch, whole(), "sequences per replica and pass"),
      schema::entry("parallelism", optional("parallelism", &R::parallelism, &Parallelism::schema(),
                                            "how the job is split over devices")),
      optional("precision", &R::precision, dtype_choices(), "of matrix multiplies; not int8"),
      otherwise("the software's",
                optional("recompute", &R::recompute, recompute_choices(),
                         "selective: the attention core; operator: every second product; full: "
                         "every layer; offload_qkv: all but projections kept in the host's "
                         "memory")),
      custom<R>({.key = "recompute_modules",
                 .kind = Field::Kind::Choice,
                 .list = true,
                 .required = false,
                 .fallback = "[attention]",
                 .when = "recompute: selective",
                 .choices = {"attention", "norm", "latent_up", "expert_activation"},
                 .doc = "what runs again"},
                read_modules)};
  if (!layer) {
    fraction.push_back(optional("recompute_fraction", &R::recompute_fraction,
                                schema::between(0.0, 1.0),
                                "of the layers, with `recompute: full`"));
  }
  const std::vector<Binding<R>> rest = {
      schema::entry("software",
                    required("software", &R::software, &Software::schema(),
                             "what trains it; a name stands for `{use: software/NAME}`")),
      custom<R>({.key = "overlap",
                 .kind = Field::Kind::Map,
                 .required = false,
                 .fallback = "the software's",
                 .doc = "overrides it, key by key",
                 .entry = "overlap"},
                read_overlap)};
  return std::move(fields) + how + fraction + rest;
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

const Choices<AttentionKind>& attention_choices() {
  static const Choices<AttentionKind> choices = {
      {"unfused", AttentionKind::Unfused}, {"flash1", AttentionKind::Flash1},
      {"triton", AttentionKind::Triton},   {"flash2", AttentionKind::Flash2},
      {"flash3", AttentionKind::Flash3},   {"cudnn", AttentionKind::Cudnn}};
  return choices;
}

const Choices<Dtype>& dtype_choices() {
  static const Choices<Dtype> choices = {{"fp32", Dtype::Fp32}, {"tf32", Dtype::Tf32},
                                         {"fp16", Dtype::Fp16}, {"bf16", Dtype::Bf16},
                                         {"fp8", Dtype::Fp8},   {"int8", Dtype::Int8}};
  return choices;
}

const Schema<Parallelism>& Parallelism::schema() {
  using P = Parallelism;
  static const Schema<P> result(
      "parallelism",
      {optional("tensor", &P::tensor, whole(), "ranks that split every layer"),
       optional("pipeline", &P::pipeline, whole(), "stages"),
       optional("interleave", &P::interleave, whole(), "model chunks per stage"),
       optional("context", &P::context, whole(), "ranks that split the sequence"),
       optional("context_style", &P::context_style,
                Choices<ContextStyle>{{"ring", ContextStyle::Ring},
                                      {"all_gather", ContextStyle::AllGather},
                                      {"ulysses", ContextStyle::Ulysses}},
                "keys and values go round, are gathered first, or heads are split instead"),
       optional("expert", &P::expert, whole(),
                "ranks that experts are spread over, of the tensor x context x data ranks of a "
                "stage"),
       otherwise("`tensor`", optional("expert_tensor", &P::expert_tensor, whole(),
                                      "ranks that split each expert: 1 or `tensor`")),
       otherwise("", optional("capacity_factor", &P::capacity, at_least(0.1),
                              "experts are padded or cut to it; without it nothing is dropped")),
       optional("imbalance", &P::imbalance, at_least(1.0),
                "copies of the fullest expert rank by the mean"),
       otherwise("all devices that remain",
                 optional("data", &P::data, whole(0), "replicas; 0: all that remain")),
       optional("sequence", &P::sequence, "norms and dropout split over the tensor ranks"),
       optional("sharding", &P::sharding,
                Choices<Sharding>{{"none", Sharding::None},
                                  {"zero1", Sharding::Zero1},
                                  {"zero2", Sharding::Zero2},
                                  {"zero3", Sharding::Zero3},
                                  {"fsdp", Sharding::Zero3},
                                  {"hybrid", Sharding::Hybrid}},
                "of optimizer state, gradients and parameters over the data ranks; fsdp is zero3, "
                "hybrid zero3 inside a server"),
       otherwise("`tensor`", optional("ici_tensor", &P::tensor, whole(), "MaxText's name of it")),
       otherwise("", optional("ici_fsdp", &P::slice_shards, whole(),
                              "MaxText: devices of a slice that share parameters, instead of "
                              "`data` and `sharding`")),
       otherwise("", optional("dcn_data", &P::slices, whole(), "MaxText: replicas of a slice")),
       optional("layers_per_stage", &P::layers_per_stage, whole(0), "uneven: one entry per chunk")},
      complete_layout);
  return result;
}

const Schema<Software>& Software::schema() {
  using S = Software;
  static const Schema<S> result(
      "software",
      {optional("name", &S::name, "in messages"),
       optional("attention", &S::attention, attention_choices(), "the kernel"),
       optional("fused_softmax", &S::fused_softmax,
                "scale, mask and softmax in one kernel (unfused attention)"),
       optional("fused_bias_activation", &S::fused_bias_activation, "one kernel, not a chain"),
       optional("fused_bias_dropout_add", &S::fused_bias_dropout_add, "likewise"),
       optional("fused_norm", &S::fused_norm, "likewise"),
       optional("fused_rope", &S::fused_rope, "likewise"),
       optional("fused_cross_entropy", &S::fused_cross_entropy, "the loss in one kernel"),
       optional("train_metrics", &S::train_metrics, whole(0),
                "cross-entropies evaluated on the logits beside the loss"),
       optional("compiled", &S::compiled, "a compiler joins neighbouring element-wise kernels"),
       optional("fused_weight_gradient", &S::fused_weight_gradient,
                "added to the held gradient inside the product"),
       optional("fused_fp8_cast", &S::fused_fp8_cast, "norms and activations write fp8 themselves"),
       optional("residual", &S::residual, dtype_choices(), "of the stream between layers"),
       optional("gradient", &S::gradient, dtype_choices(), "of gradients held and reduced"),
       optional("gathered", &S::gathered, dtype_choices(), "of gathered parameters"),
       optional("optimizer_traffic", &S::optimizer_traffic, "per parameter held, moved in a step"),
       optional("optimizer_state", &S::optimizer_state, "per parameter held, kept"),
       optional("scatter_gather", &S::scatter_gather,
                "pipeline messages split over the tensor ranks"),
       optional("blocking_p2p", &S::blocking_p2p, "the host waits for pipeline messages"),
       otherwise("`cpu.launch_time`",
                 optional("launch_time", &S::launch_time, "of the host, per kernel")),
       optional("step_overhead", &S::step_overhead, "idle device between steps"),
       optional("cuda_graph", &S::cuda_graph, "the host launches nothing"),
       optional("bucket_parameters", &S::bucket_parameters, whole(),
                "reduced or gathered together, at least (none, zero1)"),
       optional("prefetch", &S::prefetch, whole(),
                "layers in flight or in use (zero2, zero3, hybrid)"),
       optional("runtime_memory", &S::runtime_memory, "context and buffers"),
       optional("fragmentation", &S::fragmentation, schema::between(0.0, 1.0),
                "of the allocator, on top of activations"),
       optional("fused_routing", &S::fused_routing,
                "softmax, top-k and map of experts in one kernel"),
       optional("fused_merge", &S::fused_merge,
                "partial results of ring attention merged in one kernel, in 16 bits"),
       otherwise("as activations",
                 optional("router", &S::router,
                          Choices<Dtype>{{"fp32", Dtype::Fp32}, {"bf16", Dtype::Bf16}},
                          "of the router's products")),
       otherwise("as activations",
                 optional("dispatch", &S::dispatch,
                          Choices<Dtype>{{"bf16", Dtype::Bf16}, {"fp8", Dtype::Fp8}},
                          "of what is sent to experts")),
       optional("recompute", &S::recompute, recompute_choices(),
                "what it recomputes when the workload does not say it"),
       optional("planned_memory", &S::planned_memory,
                "a compiler plans the whole step: parameters and gradients are whole one matrix at "
                "a time, logits are gone before a layer is recomputed"),
       schema::entry("overlap", optional("overlap", &S::overlap, &overlap_schema(),
                                         "what runs beside computation instead of after it"))});
  return result;
}

const std::vector<Binding<Recipe>>& Recipe::fields(bool layer) {
  static const std::vector<Binding<Recipe>> whole_step = recipe_fields(false);
  static const std::vector<Binding<Recipe>> one_layer = recipe_fields(true);
  return layer ? one_layer : whole_step;
}

void Recipe::complete(Reader& reader, Recipe& recipe) {
  recipe.where_precision = reader.where("precision");
  recipe.where_parallelism = reader.where("parallelism");
  recipe.where_batch = reader.where("global_batch");
  if (!reader.has("recompute")) recipe.recompute = recipe.software.recompute;
  check_sequence(reader, recipe);
  if (recipe.precision == Dtype::Int8) {
    reader.error("precision",
                 "training in int8 is not modelled; expected fp32, tf32, fp16, bf16 or fp8");
  }
  use_wide_types(reader, recipe);
  check(reader, recipe);
}

double Recipe::padded_vocabulary() const {
  const double unit = 128.0 * parallelism.tensor;
  return std::ceil(model.vocabulary / unit) * unit;
}

}  // namespace orrery::workload
