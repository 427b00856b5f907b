#include "workload/strategies.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include <orrery/error.hpp>

namespace orrery::workload {
namespace {

constexpr int kMostTensor = 64;
constexpr int kMostMicrobatch = 64;
constexpr int kLeastTokensPerContextRank = 1024;

struct Choice {
  int tensor = 1, pipeline = 1, interleave = 1, context = 1, data = 1, expert = 1, microbatch = 1;
  Sharding sharding = Sharding::None;
  Recompute recompute = Recompute::None;
  bool sequence = false;
  bool overlap_data = false;
  bool overlap_p2p = false;
};

const std::vector<std::pair<std::string, Sharding>>& shardings() {
  static const std::vector<std::pair<std::string, Sharding>> all = {{"none", Sharding::None},
                                                                    {"zero1", Sharding::Zero1},
                                                                    {"zero2", Sharding::Zero2},
                                                                    {"zero3", Sharding::Zero3},
                                                                    {"hybrid", Sharding::Hybrid}};
  return all;
}

const std::vector<std::pair<std::string, Recompute>>& recomputes() {
  static const std::vector<std::pair<std::string, Recompute>> all = {
      {"none", Recompute::None}, {"selective", Recompute::Selective}, {"full", Recompute::Full}};
  return all;
}

template <class T>
std::string name_of(const std::vector<std::pair<std::string, T>>& all, T value) {
  for (const auto& [name, of] : all) {
    if (of == value) return name;
  }
  return "?";
}

std::vector<int> divisors(int number, int most) {
  std::vector<int> result;
  for (int i = 1; i <= std::min(number, most); ++i) {
    if (number % i == 0) result.push_back(i);
  }
  return result;
}

std::vector<int> powers_of_two(int most) {
  std::vector<int> result;
  for (int i = 1; i <= most; i *= 2) result.push_back(i);
  return result;
}

const char* on_off(bool value) { return value ? "true" : "false"; }

class TrainingStrategies final : public StrategySpace {
 public:
  TrainingStrategies(Recipe recipe, const Platform& platform, const SearchValues& search,
                     MakeTraining make)
      : recipe_(std::move(recipe)),
        devices_(platform.devices()),
        search_(search),
        make_(std::move(make)) {
    check_search();
    choose_layout();
  }

  [[nodiscard]] std::size_t size() const override { return choices_.size(); }
  [[nodiscard]] const std::map<std::string, std::size_t>& rejected() const override {
    return rejected_;
  }

  [[nodiscard]] Strategy at(std::size_t index) const override {
    const Choice& c = choices_[index];
    Recipe recipe = recipe_;
    Parallelism& p = recipe.parallelism;
    p.tensor = c.tensor;
    p.expert_tensor = expert_tensor(c);
    p.expert = c.expert;
    p.imbalance = std::min(p.imbalance, static_cast<double>(c.expert));
    p.pipeline = c.pipeline;
    p.interleave = c.interleave;
    p.context = c.context;
    p.data = c.data;
    p.sequence = c.sequence;
    p.sharding = c.sharding;
    p.layers_per_stage = uneven_layers(c);
    recipe.microbatch = c.microbatch;
    recipe.recompute = c.recompute;
    Overlap& overlap = recipe.software.overlap;
    overlap.grad_reduce = overlap.param_gather = c.overlap_data;
    overlap.p2p = c.overlap_p2p;
    return {.settings = settings(c), .workload = make_(std::move(recipe))};
  }

 private:
  // Layers of every part of the model, when they do not divide evenly: the first and the last part,
  // which hold the embedding and the head, are the first to have one less.
  [[nodiscard]] std::vector<std::int64_t> uneven_layers(const Choice& c) const {
    const auto layers = static_cast<std::int64_t>(recipe_.model.layers);
    const std::int64_t parts = std::int64_t{c.pipeline} * c.interleave;
    if (layers % parts == 0) return {};
    std::vector<std::int64_t> result(static_cast<std::size_t>(parts), layers / parts);
    std::int64_t more = layers % parts;
    for (std::size_t i = 1; more > 0; ++i, --more) ++result[i % result.size()];
    return result;
  }

  // Experts are split over the tensor ranks, or not, as the recipe has it.
  [[nodiscard]] int expert_tensor(const Choice& c) const {
    const Parallelism& p = recipe_.parallelism;
    return p.expert_tensor == p.tensor ? c.tensor : 1;
  }

  [[nodiscard]] bool experts_fit(const Choice& c) const {
    if (!recipe_.model.moe) return true;
    const int split = expert_tensor(c);
    return std::fmod(recipe_.model.moe->feed_forward, split) == 0 &&
           c.tensor * c.context * c.data % (c.expert * split) == 0;
  }

  // What is of some models only, and what the search leaves as it is.
  [[nodiscard]] std::string kept(const Choice& c) const {
    const Parallelism& p = recipe_.parallelism;
    std::string text;
    if (p.context_style != ContextStyle::Ring) {
      text += fmt::format(", context_style: {}",
                          p.context_style == ContextStyle::Ulysses ? "ulysses" : "all_gather");
    }
    const std::vector<std::int64_t> uneven = uneven_layers(c);
    if (!uneven.empty()) text += fmt::format(", layers_per_stage: [{}]", fmt::join(uneven, ", "));
    if (!recipe_.model.moe) return text;
    text += fmt::format(", expert: {}, expert_tensor: {}", c.expert, expert_tensor(c));
    if (p.capacity > 0) text += fmt::format(", capacity_factor: {}", p.capacity);
    const double imbalance = std::min(p.imbalance, static_cast<double>(c.expert));
    if (imbalance > 1) text += fmt::format(", imbalance: {}", imbalance);
    return text;
  }

  [[nodiscard]] std::vector<std::pair<std::string, std::string>> settings(const Choice& c) const {
    const std::string p = fmt::format(
        "{{tensor: {}, pipeline: {}, interleave: {}, context: {}, data: {}, sequence: {}, "
        "sharding: "
        "{}{}}}",
        c.tensor, c.pipeline, c.interleave, c.context, c.data, on_off(c.sequence),
        name_of(shardings(), c.sharding), kept(c));
    return {{"workload.parallelism", p},
            {"workload.microbatch", std::to_string(c.microbatch)},
            {"workload.recompute", name_of(recomputes(), c.recompute)},
            {"workload.overlap.grad_reduce", on_off(c.overlap_data)},
            {"workload.overlap.param_gather", on_off(c.overlap_data)},
            {"workload.overlap.p2p", on_off(c.overlap_p2p)}};
  }

  void check_search() const {
    const std::vector<std::string> names = {"tensor",   "pipeline",     "interleave", "context",
                                            "expert",   "microbatch",   "sharding",   "recompute",
                                            "sequence", "overlap_data", "overlap_p2p"};
    for (const auto& [name, values] : search_) {
      if (std::find(names.begin(), names.end(), name) == names.end()) {
        throw ConfigError(fmt::format("plan.search: unknown dimension '{}'; expected one of {}{}",
                                      name, fmt::join(names, ", "), did_you_mean(name, names)));
      }
      check_values(name, values);
    }
  }

  static void check_values(const std::string& name, const std::vector<std::string>& values) {
    const auto fail = [&](const std::string& value, const std::string& expected) {
      throw ConfigError(
          fmt::format("plan.search.{}: expected {}; got '{}'", name, expected, value));
    };
    for (const std::string& value : values) {
      const auto is = [&](const auto& pair) { return pair.first == value; };
      if (name == "sharding") {
        if (std::none_of(shardings().begin(), shardings().end(), is))
          fail(value, "none, zero1, zero2, zero3 or hybrid");
      } else if (name == "recompute") {
        if (std::none_of(recomputes().begin(), recomputes().end(), is))
          fail(value, "none, selective or full");
      } else if (name == "sequence" || name.rfind("overlap", 0) == 0) {
        if (value != "true" && value != "false") fail(value, "true or false");
      } else if (value.empty() || value.find_first_not_of("0123456789") != std::string::npos ||
                 value.size() > 6 || std::stoi(value) < 1) {
        fail(value, "whole numbers of at least 1");
      }
    }
  }

  // Whether the search takes `value` in a dimension; all where it says nothing of it.
  [[nodiscard]] bool wanted(const std::string& name, const std::string& value) const {
    const auto found = search_.find(name);
    return found == search_.end() ||
           std::find(found->second.begin(), found->second.end(), value) != found->second.end();
  }
  [[nodiscard]] std::vector<int> narrowed(const std::string& name, std::vector<int> values) const {
    std::erase_if(values, [&](int value) { return !wanted(name, std::to_string(value)); });
    return values;
  }

  void reject(const std::string& reason, std::size_t count = 1) { rejected_[reason] += count; }

  // Feed-forward columns that tensor ranks split: of dense layers, or of shared experts.
  [[nodiscard]] double split_columns() const {
    const ModelSpec& model = recipe_.model;
    if (model.expert_layers() < model.layers) return model.feed_forward;
    return model.moe->shared * model.moe->feed_forward;
  }

  void choose_layout() {
    Choice c;
    for (const int tensor : narrowed("tensor", divisors(devices_, kMostTensor))) {
      c.tensor = tensor;
      if (std::fmod(recipe_.model.heads, tensor) != 0 || std::fmod(split_columns(), tensor) != 0 ||
          (recipe_.model.kv_heads < recipe_.model.heads &&
           std::fmod(recipe_.model.kv_heads, tensor) != 0 &&
           std::fmod(tensor, recipe_.model.kv_heads) != 0)) {
        reject("tensor does not divide the heads or the feed-forward columns");
        continue;
      }
      for (const int pipeline : narrowed("pipeline", divisors(devices_ / tensor, 1 << 20))) {
        c.pipeline = pipeline;
        if (recipe_.model.layers < pipeline) {
          reject("fewer layers than pipeline stages");
          continue;
        }
        choose_context(c);
      }
    }
  }

  void choose_context(Choice c) {
    const int rest = devices_ / c.tensor / c.pipeline;
    const auto most =
        std::max(1, static_cast<int>(recipe_.sequence_length) / kLeastTokensPerContextRank);
    for (const int context : narrowed("context", powers_of_two(most))) {
      if (rest % context != 0) continue;
      c.context = context;
      if (context > 1 && std::fmod(recipe_.sequence_length, 2.0 * context) != 0) {
        reject("twice the context ranks do not divide the sequence");
        continue;
      }
      if (context > 1 && recipe_.software.attention == AttentionKind::Unfused) {
        reject("context parallelism needs fused attention");
        continue;
      }
      c.data = rest / context;
      choose_experts(c);
    }
  }

  void choose_experts(Choice c) {
    const int experts = recipe_.model.moe ? static_cast<int>(recipe_.model.moe->experts) : 1;
    for (const int expert : narrowed("expert", divisors(experts, experts))) {
      c.expert = expert;
      if (experts_fit(c)) {
        choose_batch(c);
      } else {
        reject("expert ranks do not divide the ranks of a pipeline stage");
      }
    }
  }

  // Chunks of a stage: those that divide the layers evenly, and powers of two.
  [[nodiscard]] std::vector<int> interleaves(int pipeline) const {
    std::vector<int> result;
    const auto layers = static_cast<int>(recipe_.model.layers);
    for (int interleave = 1; interleave * pipeline <= layers; ++interleave) {
      const bool even = layers % (interleave * pipeline) == 0;
      if (even || (interleave & (interleave - 1)) == 0) result.push_back(interleave);
    }
    return result;
  }

  void choose_batch(Choice c) {
    const double per_replica = recipe_.global_batch / c.data;
    if (per_replica != std::floor(per_replica)) {
      reject("the global batch does not divide over the data-parallel ranks");
      return;
    }
    for (const int microbatch : narrowed("microbatch", powers_of_two(kMostMicrobatch))) {
      if (std::fmod(per_replica, microbatch) != 0) {
        reject("the microbatch does not divide the batch of a replica");
        continue;
      }
      c.microbatch = microbatch;
      const int microbatches = static_cast<int>(per_replica) / microbatch;
      for (const int interleave : narrowed("interleave", interleaves(c.pipeline))) {
        if (interleave > 1 && c.pipeline == 1) continue;
        if (interleave > 1 && microbatches % c.pipeline != 0) {
          reject("interleaving needs microbatches in multiples of the pipeline");
          continue;
        }
        c.interleave = interleave;
        choose_rest(c);
      }
    }
  }

  void choose_rest(Choice c) {
    for (const auto& [sharding_name, sharding] : shardings()) {
      if (!wanted("sharding", sharding_name)) continue;
      if (sharding != Sharding::None && c.data * c.context == 1) continue;
      const bool shards_weights = sharding != Sharding::None && sharding != Sharding::Zero1;
      if (shards_weights && c.pipeline > 1) {
        reject("zero2, zero3 and hybrid sharding do not go with a pipeline");
        continue;
      }
      if (sharding == Sharding::Hybrid && c.expert > 1) {
        reject("hybrid sharding with expert ranks is not modelled");
        continue;
      }
      c.sharding = sharding;
      for (const auto& [recompute_name, recompute] : recomputes()) {
        if (!wanted("recompute", recompute_name)) continue;
        c.recompute = recompute;
        add_switches(c, shards_weights);
      }
    }
  }

  // Switches that have nothing to switch stay off.
  void add_switches(Choice c, bool shards_weights) {
    const bool reduces = c.data * c.context > 1 && !shards_weights;
    for (const bool sequence : {false, true}) {
      if ((sequence && c.tensor == 1) || !takes("sequence", sequence, c.tensor > 1)) continue;
      if (sequence && std::fmod(recipe_.sequence_length, c.tensor) != 0) {
        reject("tensor does not divide the sequence");
        continue;
      }
      if (recipe_.model.moe && c.tensor > 1 && !sequence) {
        reject("experts with tensor ranks need sequence parallelism");
        continue;
      }
      c.sequence = sequence;
      for (const bool overlap_data : {false, true}) {
        if ((overlap_data && !reduces) || !takes("overlap_data", overlap_data, reduces)) continue;
        c.overlap_data = overlap_data;
        for (const bool overlap_p2p : {false, true}) {
          if ((overlap_p2p && c.pipeline == 1) ||
              !takes("overlap_p2p", overlap_p2p, c.pipeline > 1))
            continue;
          c.overlap_p2p = overlap_p2p;
          choices_.push_back(c);
        }
      }
    }
  }

  [[nodiscard]] bool takes(const char* name, bool value, bool matters) const {
    return !matters || wanted(name, on_off(value));
  }

  Recipe recipe_;
  int devices_;
  SearchValues search_;
  MakeTraining make_;
  std::vector<Choice> choices_;
  std::map<std::string, std::size_t> rejected_;
};

}  // namespace

std::unique_ptr<const StrategySpace> training_strategies(const Recipe& recipe,
                                                         const Platform& platform,
                                                         const SearchValues& search,
                                                         MakeTraining make) {
  return std::make_unique<TrainingStrategies>(recipe, platform, search, std::move(make));
}

}  // namespace orrery::workload
