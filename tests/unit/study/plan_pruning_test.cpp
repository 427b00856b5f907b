// A search that rules strategies out by a bound finds what one that evaluates them all finds.
#include <gtest/gtest.h>

#include <orrery/builtin.hpp>
#include <orrery/plan.hpp>
#include <orrery/simulation.hpp>

#include "scenario/evaluate.hpp"
#include "study/limit_bounds.hpp"
#include "study/strategy_evaluator.hpp"

namespace orrery {
namespace {

using Changes = std::vector<std::pair<std::string, std::string>>;

constexpr const char* kJob = R"(
system: {use: clusters/eos, servers: 2}
workload:
  model: {name: small, layers: 6, hidden: 2048, heads: 16, feed_forward: 8192, vocabulary: 32768,
          max_sequence: 4096, tied_embeddings: false}
  sequence_length: 4096
  global_batch: 32
  software: {use: software/megatron-core-2024}
plan: {confirm: 0, show: 3}
)";

Scenario scenario(const Changes& changes) {
  const Library library({std::string(ORRERY_SOURCE_DIR) + "/configs"});
  return make_scenario(parse_yaml(kJob, "job.yaml"), library, changes);
}

PlanResult planned(const Changes& changes) {
  PlanOptions options;
  options.threads = 2;
  return plan(scenario(changes), builtin_registry(), options);
}

// Several values of most dimensions: few enough to evaluate them all, in every kind of layout.
constexpr const char* kSome =
    "{tensor: [2, 8], interleave: [1, 3], microbatch: [4], recompute: [none, full]}";
// Where devices differ every strategy has many classes of ranks.
constexpr const char* kFew = "{tensor: [4], interleave: [1, 3], microbatch: [4]}";

struct Job {
  std::string name;
  Changes changes;
  const char* search = kSome;
};

std::ostream& operator<<(std::ostream& out, const Job& job) { return out << job.name; }

// Every kind of layout that the search knows, on machines that are uniform and that are not.
std::vector<Job> jobs() {
  const std::string experts =
      "{experts: 8, experts_per_token: 2, shared_experts: 1, expert_feed_forward: 1536, "
      "dense_layers: 1}";
  return {{"dense", {}},
          {"tied", {{"workload.model.tied_embeddings", "true"}}},
          {"experts", {{"workload.model.moe", experts}}},
          {"unfused", {{"workload.software.attention", "unfused"}}},
          {"ulysses", {{"workload.parallelism", "{context_style: ulysses, context: 2}"}}},
          {"part recomputed", {{"workload.recompute_fraction", "0.5"}}},
          {"three servers", {{"system.servers", "3"}, {"workload.global_batch", "48"}}},
          {"deepspeed", {{"workload.software", "megatron-deepspeed-2021"}}},
          {"straggler", {{"system.degraded", "[{devices: server0.gpu3, clock: 0.8}]"}}, kFew},
          {"slow link", {{"system.degraded", "[{devices: server1.gpu3, scale_out: 0.5}]"}}, kFew},
          {"mixed", {{"system.mixed", "[{servers: 1, server: {use: servers/dgx-a100}}]"}}, kFew},
          {"tpu",
           {{"system", "{use: clusters/tpu-v5e-256, servers: 2}"},
            {"workload.software", "maxtext-2024"},
            {"workload.global_batch", "256"}}}};
}

class PlanPruning : public testing::TestWithParam<Job> {
 protected:
  PlanPruning() : machine_(make_machine(scenario(GetParam().changes), builtin_registry())) {
    space_ = machine_.workload->strategies(*machine_.platform, {});
  }
  // So many of the strategies that a test takes a second, evenly spread over them.
  template <class Check>
  void for_some(std::size_t count, const Check& check) const {
    const std::size_t stride = std::max<std::size_t>(1, space_->size() / count) | 1U;
    for (std::size_t i = 0; i < space_->size(); i += stride) {
      const Strategy strategy = space_->at(i);
      std::string text;
      for (const auto& [path, value] : strategy.settings) text += path + "=" + value + " ";
      SCOPED_TRACE(text);
      check(i, *strategy.workload);
    }
  }

  Machine machine_;
  std::unique_ptr<const StrategySpace> space_;
};

TEST_P(PlanPruning, WeighsMemoryAsTheWorkloadDoes) {
  const StrategyEvaluator evaluator(machine_, *space_, DeviceState::Warm);
  for_some(300, [&](std::size_t index, const Workload& workload) {
    EXPECT_EQ(*evaluator.memory(index), workload.memory(*machine_.platform)->total());
  });
}

TEST_P(PlanPruning, BoundsEveryStep) {
  const StrategyEvaluator evaluator(machine_, *space_, DeviceState::Warm);
  for_some(60, [&](std::size_t index, const Workload& workload) {
    const Seconds least = evaluator.least_time(index);
    EXPECT_GT(least, Seconds(0));
    EXPECT_LE(least, evaluator.step(workload).step_time);
  });
}

TEST_P(PlanPruning, BoundsStepsWhoseDiesHaveSettled) {
  const StrategyEvaluator evaluator(machine_, *space_, DeviceState::Settled);
  for_some(10, [&](std::size_t index, const Workload& workload) {
    const Report report =
        evaluate(machine_, workload,
                 {.fidelity = Fidelity::Analytic, .ignore_memory = true, .operate = true});
    EXPECT_LE(evaluator.least_time(index), report.step.step_time);
  });
}

// With events no step is shorter either: all but the closed form's own approximations hold there.
TEST_P(PlanPruning, BoundsStepsOfEvents) {
  const StrategyEvaluator evaluator(machine_, *space_, DeviceState::Warm);
  for_some(8, [&](std::size_t index, const Workload& workload) {
    const Report report = evaluate(machine_, workload, {.ignore_memory = true});
    EXPECT_LE(evaluator.least_time(index), report.step.step_time);
  });
}

std::string best_of(const PlanResult& result) {
  const std::string json = to_json(result);
  const std::size_t best = json.find("\"best\"");
  return json.substr(best, json.find("\"rejected\"") - best);
}

TEST_P(PlanPruning, ChangesNothingInTheTable) {
  Changes pruned = GetParam().changes;
  pruned.emplace_back("plan.search", GetParam().search);
  Changes all = pruned;
  all.emplace_back("plan.prune", "false");
  const PlanResult few = planned(pruned);
  const PlanResult every = planned(all);
  EXPECT_EQ(best_of(few), best_of(every));
  EXPECT_EQ(few.rejected, every.rejected);
  EXPECT_EQ(few.evaluated, few.legal);
  EXPECT_EQ(every.pruned, 0U);
  EXPECT_GT(few.pruned, few.legal / 4);
}

std::string name_of(const testing::TestParamInfo<Job>& job) {
  std::string name = job.param.name;
  std::replace(name.begin(), name.end(), ' ', '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(Jobs, PlanPruning, testing::ValuesIn(jobs()), name_of);

// The global batch is given: a shorter step is more tokens in a second.
TEST(PlanObjective, FindsTheSameWithoutPruning) {
  std::vector<std::string> tables;
  for (const char* objective : {"time", "tokens_per_s"}) {
    for (const char* prune : {"true", "false"}) {
      const PlanResult result =
          planned({{"plan.search", "{tensor: [2, 8], microbatch: [1, 4], recompute: [none]}"},
                   {"plan.objective", objective},
                   {"plan.prune", prune}});
      tables.push_back(best_of(result));
      EXPECT_EQ(std::string(to_text(result.objective)), objective);
    }
  }
  for (const std::string& table : tables) EXPECT_EQ(table, tables.front());
}

// A limit takes the best away: those that come up in their place were not ruled out.
TEST(PlanLimits, FindTheSameWithoutPruning) {
  const Changes narrow = {
      {"plan.search", "{tensor: [4], microbatch: [1], context: [1], recompute: [none]}"}};
  const PlanResult free = planned(narrow);
  ASSERT_FALSE(free.best.empty());
  const std::string step = std::to_string(1.02 * free.best[0].analytic.si());
  for (const std::string& limits :
       {"{throughput.step_time_s: {min: " + step + "}}",
        "{throughput.step_time_s: {max: " + step + "}}",
        std::string("{throughput.mfu: {max: 0.4}}"),
        std::string("{memory.device_total_bytes: {max: 10.0e+9}}"),
        std::string("{power.device_mean_w: {max: 560}, throughput.mfu: {min: 0.1}}")}) {
    Changes pruned = narrow;
    pruned.emplace_back("plan.limits", limits);
    Changes all = pruned;
    all.emplace_back("plan.prune", "false");
    const PlanResult few = planned(pruned);
    const PlanResult every = planned(all);
    EXPECT_EQ(best_of(few), best_of(every)) << limits;
  }
}

// What a bound shows to be out of reach is not evaluated, and is rejected as if it had been.
TEST(PlanLimits, OutOfReachRejectWithoutEvaluating) {
  const Changes narrow = {
      {"plan.search", "{tensor: [4], microbatch: [1], context: [1], recompute: [none]}"}};
  for (const char* limits :
       {"{throughput.mfu: {min: 0.99}}", "{throughput.tokens_per_s: {min: 1.0e+12}}",
        "{throughput.step_time_s: {max: 1.0e-3}}", "{memory.device_total_bytes: {max: 1.0e+6}}",
        "{power.device_mean_w: {max: 1}, throughput.hfu: {min: 0.99}}"}) {
    Changes pruned = narrow;
    pruned.emplace_back("plan.limits", limits);
    Changes all = pruned;
    all.emplace_back("plan.prune", "false");
    const PlanResult few = planned(pruned), every = planned(all);
    EXPECT_TRUE(few.best.empty()) << limits;
    EXPECT_EQ(few.rejected, every.rejected) << limits;
    EXPECT_EQ(few.evaluated, few.legal) << limits;
    // Some fit: none is the nearest to that.
    EXPECT_EQ(few.nearest, "") << limits;
  }
}

// The bounds alone leave nothing to evaluate; a limit of no metric is a mistake nevertheless.
TEST(PlanLimits, OfNoMetricAreMistakesWhateverTheOthersRuleOut) {
  const Changes limits = {
      {"plan.search", "{tensor: [4], microbatch: [1], context: [1], recompute: [none]}"},
      {"plan.limits", "{throughput.mfu: {min: 0.99}, power.device_w: {max: 500}}"}};
  EXPECT_THROW((void)planned(limits), ConfigError);
}

// No evaluation keeps a limit that a bound shows to be out of reach.
TEST_P(PlanPruning, BoundsOfLimitsAreKept) {
  std::vector<Limit> limits;
  for (const char* metric : {"throughput.mfu", "throughput.hfu", "throughput.tokens_per_s"}) {
    limits.push_back({.metric = metric, .where = {}, .least = 0, .most = {}});
  }
  limits.push_back({.metric = "throughput.step_time_s", .where = {}, .least = {}, .most = 1e300});
  limits.push_back({.metric = "memory.activations_bytes", .where = {}, .least = {}, .most = 0});
  const StrategyEvaluator evaluator(machine_, *space_, DeviceState::Settled);
  for_some(6, [&](std::size_t index, const Workload& workload) {
    const Report report =
        evaluate(machine_, workload,
                 {.fidelity = Fidelity::Analytic, .ignore_memory = true, .operate = true});
    // What the step reaches is within reach.
    for (Limit& limit : limits) {
      const double value = metric(report, limit.metric);
      if (limit.least) limit.least = value;
      if (limit.most) limit.most = value;
    }
    const Limit* beyond =
        LimitBounds(machine_, limits).out_of_reach(workload, evaluator.least_time(index));
    EXPECT_EQ(beyond, nullptr) << beyond->metric;
    // At the step that the report has, a hair more is not.
    const bool one_peak = machine_.platform->kinds().size() == 1;
    for (Limit& limit : limits) {
      if (!one_peak && limit.metric.ends_with("fu")) continue;  // bounded by the lowest of several
      if (limit.least) *limit.least *= 1 + 1e-9;
      if (limit.most) *limit.most *= 1 - 1e-9;
      const std::vector<Limit> one{limit};
      EXPECT_NE(LimitBounds(machine_, one).out_of_reach(workload, report.step.step_time), nullptr)
          << limit.metric;
    }
  });
}

// Nothing overlaps and the host keeps ahead: the step is what the compute stream does, all of which
// the bound knows.
TEST(PlanBound, IsTheStepWhereNothingOverlaps) {
  const Changes job = {{"workload.model.hidden", "8192"},
                       {"workload.model.feed_forward", "32768"},
                       {"workload.software.launch_time", "1 ns"}};
  const Machine machine = make_machine(scenario(job), builtin_registry());
  const auto space =
      machine.workload->strategies(*machine.platform, {{"pipeline", {"1"}},
                                                       {"tensor", {"1"}},
                                                       {"context", {"1"}},
                                                       {"sharding", {"none", "zero1"}},
                                                       {"overlap_data", {"false"}}});
  const StrategyEvaluator evaluator(machine, *space, DeviceState::Warm);
  ASSERT_GT(space->size(), 10U);
  for (std::size_t i = 0; i < space->size(); ++i) {
    const Seconds step = evaluator.step(*space->at(i).workload).step_time;
    // Sums in another order, and the ratio by which the bound allows for that.
    EXPECT_NEAR(evaluator.least_time(i) / step, 1, 1e-8);
  }
}

}  // namespace
}  // namespace orrery
