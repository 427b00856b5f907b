#include "workload/strategy_choice.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "workload/search_filter.hpp"

namespace orrery::workload {
namespace {

// Layers of every part of the model, when they do not divide evenly: the first and the last part,
// which hold the embedding and the head, are the first to have one less.
void fill_uneven_layers(const Choice& c, const ModelSpec& model,
                        std::vector<std::int64_t>& result) {
  const auto layers = static_cast<std::int64_t>(model.layers);
  const std::int64_t parts = std::int64_t{c.pipeline} * c.interleave;
  result.clear();
  if (layers % parts == 0) return;
  result.assign(static_cast<std::size_t>(parts), layers / parts);
  std::int64_t more = layers % parts;
  for (std::size_t i = 1; more > 0; ++i, --more) ++result[i % result.size()];
}

double imbalance(const Choice& c, const Recipe& base) {
  return std::min(base.parallelism.imbalance, static_cast<double>(c.expert));
}

// What is of some models only, and what the search leaves as it is.
std::string kept(const Choice& c, const Recipe& base) {
  const Parallelism& p = base.parallelism;
  std::string text;
  if (p.context_style != ContextStyle::Ring) {
    text += fmt::format(", context_style: {}",
                        p.context_style == ContextStyle::Ulysses ? "ulysses" : "all_gather");
  }
  std::vector<std::int64_t> uneven;
  fill_uneven_layers(c, base.model, uneven);
  if (!uneven.empty()) text += fmt::format(", layers_per_stage: [{}]", fmt::join(uneven, ", "));
  if (!base.model.moe) return text;
  text += fmt::format(", expert: {}, expert_tensor: {}", c.expert, expert_tensor(base, c));
  if (p.capacity > 0) text += fmt::format(", capacity_factor: {}", p.capacity);
  if (imbalance(c, base) > 1) text += fmt::format(", imbalance: {}", imbalance(c, base));
  return text;
}

}  // namespace

int expert_tensor(const Recipe& base, const Choice& choice) {
  const Parallelism& p = base.parallelism;
  return p.expert_tensor == p.tensor ? choice.tensor : 1;
}

void apply(const Choice& choice, const Recipe& base, Recipe& recipe) {
  Parallelism& p = recipe.parallelism;
  p.tensor = choice.tensor;
  p.expert_tensor = expert_tensor(base, choice);
  p.expert = choice.expert;
  p.imbalance = imbalance(choice, base);
  p.pipeline = choice.pipeline;
  p.interleave = choice.interleave;
  p.context = choice.context;
  p.data = choice.data;
  p.sequence = choice.sequence;
  p.sharding = choice.sharding;
  p.slice_shards = p.slices = 0;  // what they said is in data and sharding
  fill_uneven_layers(choice, base.model, p.layers_per_stage);
  recipe.microbatch = choice.microbatch;
  recipe.recompute = choice.recompute;
  recipe.recompute_modules =
      choice.recompute == Recompute::Selective ? base.recompute_modules : RecomputeModules{};
  Overlap& overlap = recipe.software.overlap;
  overlap.grad_reduce = overlap.param_gather = choice.overlap_data;
  overlap.p2p = choice.overlap_p2p;
}

std::vector<std::pair<std::string, std::string>> settings_of(const Choice& c, const Recipe& base) {
  const std::string p = fmt::format(
      "{{tensor: {}, pipeline: {}, interleave: {}, context: {}, data: {}, sequence: {}, sharding: "
      "{}{}}}",
      c.tensor, c.pipeline, c.interleave, c.context, c.data, on_off(c.sequence),
      name_of(searched_shardings(), c.sharding), kept(c, base));
  std::vector<std::pair<std::string, std::string>> all = {
      {"workload.parallelism", p},
      {"workload.microbatch", std::to_string(c.microbatch)},
      {"workload.recompute", name_of(searched_recomputes(), c.recompute)},
      {"workload.overlap.grad_reduce", on_off(c.overlap_data)},
      {"workload.overlap.param_gather", on_off(c.overlap_data)},
      {"workload.overlap.p2p", on_off(c.overlap_p2p)}};
  if (base.recompute_modules.stated && c.recompute != Recompute::Selective) {
    all.emplace_back("workload.recompute_modules", "~");
  }
  return all;
}

}  // namespace orrery::workload
