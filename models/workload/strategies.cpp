#include "workload/strategies.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "workload/groups.hpp"
#include "workload/recipe_checks.hpp"
#include "workload/search_filter.hpp"
#include "workload/strategy_scale.hpp"

namespace orrery::workload {
namespace {

constexpr int kMostTensor = 64;
constexpr int kMostMicrobatch = 64;
constexpr int kLeastTokensPerContextRank = 1024;

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

class TrainingStrategies final : public StrategySpace {
 public:
  TrainingStrategies(Recipe recipe, const Platform& platform, const SearchValues& search,
                     MakeTraining make)
      : recipe_(std::move(recipe)),
        tried_(recipe_),
        platform_(platform),
        devices_(platform.devices()),
        devices_per_server_(platform.devices_per_server()),
        search_(search),
        make_(std::move(make)) {
    choose_layout();
    for (const std::string& reason : search_.unused()) reject(reason);
  }

  [[nodiscard]] std::size_t size() const override { return choices_.size(); }
  [[nodiscard]] const std::map<std::string, std::size_t>& rejected() const override {
    return rejected_;
  }

  [[nodiscard]] Strategy at(std::size_t index) const override {
    const Choice& c = choices_[index];
    Recipe recipe = recipe_;
    apply(c, recipe_, recipe);
    return {.settings = settings_of(c, recipe_), .workload = make_(std::move(recipe))};
  }

  [[nodiscard]] std::unique_ptr<StrategyScale> scale(const WorkTimes& times) const override {
    return strategy_scale(recipe_, choices_, platform_, times);
  }

 private:
  [[nodiscard]] bool experts_fit(const Choice& c) const {
    if (!recipe_.model.moe) return true;
    const int split = expert_tensor(recipe_, c);
    return std::fmod(recipe_.model.moe->feed_forward, split) == 0 &&
           c.tensor * c.context * c.data % (c.expert * split) == 0;
  }

  void reject(const std::string& reason, std::size_t count = 1) { rejected_[reason] += count; }

  // Heads and feed-forward columns of dense layers and of shared experts are split.
  [[nodiscard]] bool divides(int tensor) const {
    const ModelSpec& model = recipe_.model;
    const auto into = [tensor](double number) { return std::fmod(number, tensor) == 0; };
    const bool whole_heads = model.kv_heads == model.heads || into(model.kv_heads) ||
                             std::fmod(tensor, model.kv_heads) == 0;
    const bool dense = model.expert_layers() == model.layers || into(model.feed_forward);
    return into(model.heads) && whole_heads && dense &&
           (!model.moe || into(model.moe->shared * model.moe->feed_forward));
  }

  void choose_layout() {
    Choice c;
    for (const int tensor : search_.narrowed("tensor", divisors(devices_, kMostTensor))) {
      c.tensor = tensor;
      if (!divides(tensor)) {
        reject("tensor does not divide the heads or the feed-forward columns");
        continue;
      }
      for (const int pipeline :
           search_.narrowed("pipeline", divisors(devices_ / tensor, 1 << 20))) {
        c.pipeline = pipeline;
        if (recipe_.model.layers < pipeline) {
          reject("fewer layers than pipeline stages");
          continue;
        }
        choose_context(c);
      }
    }
  }

  [[nodiscard]] const char* context_problem(const Choice& c) const {
    if (c.context == 1) return nullptr;
    const bool ulysses = recipe_.parallelism.context_style == ContextStyle::Ulysses;
    if (std::fmod(recipe_.sequence_length, (ulysses ? 1.0 : 2.0) * c.context) != 0) {
      return "the parts of the context ranks do not divide the sequence";
    }
    if (recipe_.software.attention == AttentionKind::Unfused) {
      return "context parallelism needs fused attention";
    }
    const double ways = static_cast<double>(c.tensor) * c.context;
    const bool splits =
        std::fmod(recipe_.model.heads, ways) == 0 && std::fmod(recipe_.model.kv_heads, ways) == 0;
    return ulysses && !splits ? "tensor x context does not divide the heads (ulysses)" : nullptr;
  }

  void choose_context(Choice c) {
    const int rest = devices_ / c.tensor / c.pipeline;
    const auto most =
        std::max(1, static_cast<int>(recipe_.sequence_length) / kLeastTokensPerContextRank);
    for (const int context : search_.asked("context", powers_of_two(most))) {
      if (rest % context != 0) continue;
      c.context = context;
      if (const char* why = context_problem(c)) {
        reject(why);
        continue;
      }
      c.data = rest / context;
      choose_experts(c);
    }
  }

  void choose_experts(Choice c) {
    const int experts = recipe_.model.moe ? static_cast<int>(recipe_.model.moe->experts) : 1;
    for (const int expert : search_.narrowed("expert", divisors(experts, experts))) {
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
    for (const int microbatch : search_.asked("microbatch", powers_of_two(kMostMicrobatch))) {
      if (std::fmod(per_replica, microbatch) != 0) {
        reject("the microbatch does not divide the batch of a replica");
        continue;
      }
      c.microbatch = microbatch;
      const int microbatches = static_cast<int>(per_replica) / microbatch;
      for (const int interleave : search_.asked("interleave", interleaves(c.pipeline))) {
        if (interleave > 1 && c.pipeline == 1) continue;
        if (interleave * c.pipeline > recipe_.model.layers) {
          reject("fewer layers than chunks of all pipeline stages");
          continue;
        }
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
    for (const auto& [sharding_name, sharding] : searched_shardings()) {
      if (!search_.wants("sharding", sharding_name)) continue;
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
      if (sharding == Sharding::Hybrid && !fills_servers(c)) {
        reject("hybrid sharding needs whole servers of ranks that share parameters");
        continue;
      }
      for (const auto& [recompute_name, recompute] : searched_recomputes()) {
        if (!search_.wants("recompute", recompute_name)) continue;
        c.recompute = recompute;
        add_switches(c, shards_weights);
      }
    }
  }

  [[nodiscard]] bool fills_servers(const Choice& c) const {
    Parallelism layout;
    layout.tensor = c.tensor;
    const int ranks = c.data * c.context;
    return ranks % shard_ranks(layout, ranks, devices_per_server_) == 0;
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
          add(c);
        }
      }
    }
  }

  // What `run` would refuse is no strategy.
  void add(const Choice& c) {
    apply(c, recipe_, tried_);
    const std::vector<RecipeProblem> problems = problems_of(tried_);
    if (!problems.empty()) {
      reject(problems.front().what);
      return;
    }
    choices_.push_back(c);
    use(c);
  }

  void use(const Choice& c) {
    if (search_.takes_all()) return;
    for (const auto& [name, value] :
         std::initializer_list<std::pair<const char*, int>>{{"tensor", c.tensor},
                                                            {"pipeline", c.pipeline},
                                                            {"interleave", c.interleave},
                                                            {"context", c.context},
                                                            {"expert", c.expert},
                                                            {"microbatch", c.microbatch}}) {
      search_.use(name, std::to_string(value));
    }
    search_.use("sharding", name_of(searched_shardings(), c.sharding));
    search_.use("recompute", name_of(searched_recomputes(), c.recompute));
    for (const auto& [name, value] :
         std::initializer_list<std::pair<const char*, bool>>{{"sequence", c.sequence},
                                                             {"overlap_data", c.overlap_data},
                                                             {"overlap_p2p", c.overlap_p2p}}) {
      search_.use(name, on_off(value));
    }
  }

  [[nodiscard]] bool takes(const char* name, bool value, bool matters) const {
    return !matters || search_.wants(name, on_off(value));
  }

  Recipe recipe_;
  Recipe tried_;  // with the last choice
  const Platform& platform_;
  int devices_;
  int devices_per_server_;
  SearchFilter search_;
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
