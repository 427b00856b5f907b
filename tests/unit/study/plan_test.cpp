// A search small enough to be counted and run by hand: four layers on one server of eight.
#include <orrery/plan.hpp>

#include <gtest/gtest.h>

#include <orrery/builtin.hpp>
#include <orrery/error.hpp>
#include <orrery/simulation.hpp>

namespace orrery {
namespace {

constexpr const char* kJob = R"(
system: {use: clusters/eos, servers: 1}
workload:
  model: {name: small, layers: 4, hidden: 2048, heads: 16, feed_forward: 8192, vocabulary: 32768,
          max_sequence: 1024, tied_embeddings: false}
  sequence_length: 1024
  global_batch: 32
  software: {use: software/megatron-core-2024}
plan:
  confirm: 2
  search: {tensor: [1, 2], pipeline: [2], interleave: [1], microbatch: [1, 2], sharding: [zero1],
           recompute: [none], sequence: [true], overlap_p2p: [true], overlap_data: [false, true]}
)";

using Changes = std::vector<std::pair<std::string, std::string>>;

Scenario scenario(const Changes& changes = {}) {
  const Library library({std::string(ORRERY_SOURCE_DIR) + "/configs"});
  return make_scenario(parse_yaml(kJob, "job.yaml"), library, changes);
}

PlanResult planned(const Changes& changes = {}, const PlanOptions& options = {}) {
  return plan(scenario(changes), builtin_registry(), options);
}

double analytic_step(Changes settings) {
  settings.emplace_back("run.fidelity", "analytic");
  const Registry registry = builtin_registry();
  return Simulation(scenario(settings), registry).run().step.step_time.si();
}

TEST(Plan, EvaluatesEveryLegalStrategy) {
  // Tensor 1 or 2, microbatch 1 or 2, data parallelism overlapped or not.
  const PlanResult result = planned();
  EXPECT_EQ(result.legal, 8U);
  EXPECT_EQ(result.evaluated, 8U);
  EXPECT_EQ(result.best.size(), 8U);
  EXPECT_FALSE(result.interrupted);
}

TEST(Plan, FindsWhatRunningThemAllFinds) {
  const PlanResult result = planned({{"plan.confirm", "0"}});
  double last = 0;
  for (const PlanCandidate& candidate : result.best) {
    const double step = analytic_step(candidate.settings);
    // The search takes dies of 65 degC, a run those that settle: some 10 K are 1 % of the clock.
    EXPECT_NEAR(candidate.analytic.si(), step, 0.01 * step);
    EXPECT_GE(step, 0.99 * last);
    last = step;
  }
}

TEST(Plan, ConfirmsTheBestWithEvents) {
  const PlanResult result = planned();
  const Registry registry = builtin_registry();
  for (std::size_t i = 0; i < result.best.size(); ++i) {
    ASSERT_EQ(result.best[i].event.has_value(), i < 2) << i;
    if (i >= 2) continue;
    const Report report = Simulation(scenario(result.best[i].settings), registry).run();
    EXPECT_NEAR(result.best[i].event->si(), report.step.step_time.si(),
                1e-9 * report.step.step_time.si());
  }
  EXPECT_LE(*result.best[0].event, *result.best[1].event);
}

TEST(Plan, DoesNotDependOnThreads) {
  const Changes wide = {{"plan.search", "{}"}, {"plan.confirm", "0"}};
  PlanOptions one, four;
  one.threads = 1;
  four.threads = 4;
  EXPECT_EQ(to_json(planned(wide, one)), to_json(planned(wide, four)));
}

TEST(Plan, KeepsWhatItFoundWhenItIsStopped) {
  PlanOptions options;
  options.threads = 1;
  options.stop = [] { return true; };
  const PlanResult result = planned({{"plan.search", "{}"}}, options);
  EXPECT_TRUE(result.interrupted);
  EXPECT_GT(result.evaluated, 0U);
  EXPECT_LT(result.evaluated, result.legal);
  EXPECT_FALSE(result.best.empty());
}

TEST(Plan, SaysWhatIsNearestWhenNothingFits) {
  const PlanResult result = planned({{"plan.memory_share", "0.01"}});
  EXPECT_TRUE(result.best.empty());
  ASSERT_EQ(result.rejected.size(), 1U);
  EXPECT_EQ(result.rejected[0].first, "does not fit in memory");
  EXPECT_EQ(result.rejected[0].second, 8U);
  EXPECT_NE(result.nearest.find("workload.microbatch=1"), std::string::npos) << result.nearest;
}

TEST(Plan, HoldsLimits) {
  const PlanResult all = planned({{"plan.confirm", "0"}});
  // Limits are of what a run says, whose dies are as warm as they settle.
  const double middle =
      (analytic_step(all.best[3].settings) + analytic_step(all.best[4].settings)) / 2;
  const PlanResult some =
      planned({{"plan.confirm", "0"},
               {"plan.limits", "{throughput.step_time_s: {max: " + std::to_string(middle) + "}}"}});
  EXPECT_EQ(some.best.size(), 4U);
  EXPECT_EQ(some.rejected[0].first, "throughput.step_time_s is beyond its limit");
  EXPECT_EQ(some.rejected[0].second, 4U);
}

TEST(Plan, RefusesALimitOfNoMetric) {
  try {
    (void)planned({{"plan.limits", "{throughput.mfuu: {min: 0.4}}"}});
    ADD_FAILURE() << "no error";
  } catch (const ConfigError& error) {
    const std::string problem = error.what();
    EXPECT_NE(problem.find("plan.limits"), std::string::npos) << problem;
    EXPECT_NE(problem.find("throughput.mfuu"), std::string::npos) << problem;
    EXPECT_NE(problem.find("did you mean 'mfu'"), std::string::npos) << problem;
  }
}

TEST(Plan, TakesUnevenStages) {
  const PlanResult result = planned(
      {{"workload.model.layers", "5"}, {"plan.search.pipeline", "[2]"}, {"plan.confirm", "1"}});
  ASSERT_FALSE(result.best.empty());
  EXPECT_NE(result.best[0].settings[0].second.find("layers_per_stage: [2, 3]"), std::string::npos)
      << result.best[0].settings[0].second;
}

// Machines and recipes of which many combinations are not legal.
TEST(Plan, ListsOnlyWhatRuns) {
  const Changes all = {{"plan",
                        "{confirm: 0, show: 100000, search: {tensor: [4], microbatch: [2], "
                        "recompute: [none, selective]}}"}};
  const Changes experts = {
      {"workload.model.moe",
       "{experts: 8, experts_per_token: 2, shared_experts: 1, expert_feed_forward: 1536}"}};
  const std::vector<Changes> jobs = {
      {},
      {{"system.servers", "3"}, {"workload.global_batch", "48"}},
      {{"workload.parallelism", "{context_style: ulysses, context: 2}"},
       {"workload.sequence_length", "8192"},
       {"workload.model.max_sequence", "8192"}},
      {{"workload.recompute", "selective"}, {"workload.recompute_modules", "[attention, norm]"}},
      experts};
  for (std::size_t job = 0; job < jobs.size(); ++job) {
    Changes changes = all;
    changes.insert(changes.end(), jobs[job].begin(), jobs[job].end());
    const PlanResult result = planned(changes);
    EXPECT_GT(result.best.size(), 10U) << job;
    for (std::size_t i = 0; i < result.best.size(); i += 11) {  // running all takes long
      const PlanCandidate& candidate = result.best[i];
      Changes run = changes;
      run.insert(run.end(), candidate.settings.begin(), candidate.settings.end());
      // The search takes dies of 65 degC.
      EXPECT_NEAR(analytic_step(run), candidate.analytic.si(), 0.01 * candidate.analytic.si());
    }
  }
}

TEST(Plan, LeavesTheAxesOfMaxTextBehind) {
  const Changes tpu = {{"system", "{use: clusters/tpu-v5e-256, servers: 2}"},
                       {"workload.software", "maxtext-2024"},
                       {"workload.global_batch", "1024"},
                       {"workload.parallelism", "{ici_tensor: 8, ici_fsdp: 32, dcn_data: 2}"},
                       {"plan.search", "{tensor: [4], pipeline: [1]}"}};
  const PlanResult result = planned(tpu);
  ASSERT_FALSE(result.best.empty());
  for (const PlanCandidate& candidate : result.best) {
    Changes run = tpu;
    run.insert(run.end(), candidate.settings.begin(), candidate.settings.end());
    EXPECT_NEAR(analytic_step(run), candidate.analytic.si(), 1e-9 * candidate.analytic.si());
  }
}

TEST(Plan, TakesAskedValuesThatItWouldNotTryByItself) {
  const PlanResult result = planned({{"workload.global_batch", "48"},
                                     {"plan.search.microbatch", "[3]"},
                                     {"plan.search.sharding", "[fsdp, zero1]"}});
  ASSERT_FALSE(result.best.empty());
  EXPECT_EQ(result.best[0].settings[1].second, "3");
}

TEST(Plan, SaysWhichAskedValuesAreInNoLayout) {
  const PlanResult result = planned({{"plan.search.tensor", "[1, 7]"}});
  ASSERT_EQ(result.rejected.size(), 1U);
  EXPECT_EQ(result.rejected[0].first, "no legal layout has tensor 7, as plan.search asks for");
}

std::string refusal(const Changes& changes) {
  try {
    (void)planned(changes);
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "";
}

TEST(Plan, RefusesWhatItDoesNotKnow) {
  EXPECT_NE(refusal({{"plan.search", "{tensr: [1]}"}}).find("did you mean 'tensor'?"),
            std::string::npos);
  EXPECT_NE(refusal({{"plan.search", "{sharding: [zero9]}"}})
                .find("plan.search.sharding: expected none, zero1, zero2, zero3 or hybrid; got "
                      "'zero9'"),
            std::string::npos);
  EXPECT_EQ(refusal({{"plan.search.tensor", "[]"}})
                .find("job.yaml:11:11: plan.search.tensor: expected at least one value"),
            0U)
      << refusal({{"plan.search.tensor", "[]"}});
  EXPECT_NE(refusal({{"plan.objective", "cost"}}).find("cost is not modelled yet"),
            std::string::npos);
  EXPECT_NE(
      refusal({{"workload", "{kind: gemm, m: 64, n: 64, k: 64}"}}).find("there is nothing to plan"),
      std::string::npos);
}

TEST(Plan, RefusesLimitsThatNothingCanKeep) {
  const auto limited = [](const char* limits) { return refusal({{"plan.limits", limits}}); };
  EXPECT_EQ(limited("{mfu: {min: 0.5}}"),
            "--set plan.limits:1:7: metric 'mfu': the report has no 'mfu'; did you mean "
            "'throughput.mfu'?");
  EXPECT_EQ(limited("{throughput.mfu: 0.5}"),
            "--set plan.limits:1:18: throughput.mfu: expected {min: …}, {max: …} or both");
  EXPECT_EQ(limited("{throughput.mfu: {min: 0.5, max: 0.1}}"),
            "--set plan.limits:1:34: throughput.mfu: expected a max of at least min 0.5; got 0.1");
}

TEST(Plan, RefusesAPrecisionThatTheDevicesDoNotHave) {
  EXPECT_NE(refusal({{"system.use", "clusters/selene"}, {"workload.precision", "fp8"}})
                .find("precision fp8 has no matrix units"),
            std::string::npos);
}

}  // namespace
}  // namespace orrery
