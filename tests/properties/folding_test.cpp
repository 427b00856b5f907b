// One represented rank for all that behave alike, and one event for operations that nothing
// touches, change no result.
#include <gtest/gtest.h>

#include "properties/support.hpp"

namespace orrery::properties_test {
namespace {

struct Case {
  std::string name;
  Changes changes;
};

std::vector<Case> machines() {
  return {
      {"uniform", {}},
      {"straggler", {{"system.degraded", "[{devices: server1.gpu3, clock: 0.7}]"}}},
      {"hot_position", {{"system.degraded", "[{devices: '*.gpu7', clock: 0.9}]"}}},
      {"slow_link", {{"system.degraded", "[{devices: server2.gpu0, scale_out: 0.5}]"}}},
      {"mixed", {{"system.mixed", "[{servers: 1, server: {use: servers/dgx-a100}}]"}}},
  };
}

std::vector<Case> with_machines(const std::vector<Case>& jobs) {
  std::vector<Case> all;
  for (const Case& job : jobs) {
    for (const Case& machine : machines()) {
      all.push_back({job.name + "_" + machine.name, job.changes + machine.changes});
    }
  }
  return all;
}

// Every layout on a uniform machine, with a slow device, and with a slow link.
std::vector<Case> cases() {
  std::vector<Case> jobs;
  for (const Layout& layout : layouts()) {
    if (layout.name == "fp8") continue;  // an A100 has no such units
    jobs.push_back({layout.name, layout.changes});
  }
  return with_machines(jobs);
}

constexpr const char* kDense =
    "model: {name: small, layers: 2, hidden: 4096, heads: 32, feed_forward: 16384, vocabulary: "
    "32768, max_sequence: 2048}, sequence_length: 2048, precision: bf16, software: {use: "
    "software/megatron-core-2024}";
constexpr const char* kSparse =
    "model: {name: sparse, layers: 2, hidden: 4096, heads: 32, feed_forward: 16384, vocabulary: "
    "32768, max_sequence: 2048, moe: {experts: 8, experts_per_token: 2, expert_feed_forward: 4096}}"
    ", sequence_length: 2048, precision: bf16, software: {use: software/megatron-core-2024}";

std::string layer(const char* model, const std::string& pass, const std::string& parallelism) {
  return "{kind: transformer_layer, pass: " + pass + ", parallelism: {" + parallelism + "}, " +
         model + "}";
}

// The workload kinds beside training.
std::vector<Case> other_kinds() {
  const auto workload = [](const std::string& map) { return Changes{{"workload", map}}; };
  return {
      {"gemm", workload("{kind: gemm, m: 4096, n: 4096, k: 4096, regime: sustained}")},
      {"attention", workload("{kind: attention, version: flash2, batch: 2, heads: 16, "
                             "sequence_length: 4096, head_dim: 128}")},
      {"stream", workload("{kind: stream, bytes: 1 GB}")},
      {"collective", workload("{kind: collective, collective: all_reduce, bytes: 1 GB}")},
      {"few_ranks",
       workload("{kind: collective, collective: all_to_all, bytes: 64 MB, ranks: 12}")},
      {"listed", workload("{kind: collective, collective: all_gather, bytes: 64 MB, devices: "
                          "[server1.gpu3, 2, server2.gpu0, 31]}")},
      {"layer", workload(layer(kDense, "forward", "tensor: 8, sequence: true, data: 4"))},
      {"layer_backward", workload(layer(kDense, "backward", "tensor: 4, context: 2"))},
      {"layer_experts",
       workload(layer(kSparse, "forward", "tensor: 2, sequence: true, expert: 8"))},
      {"layer_experts_backward", workload(layer(kSparse, "backward", "expert: 8"))},
  };
}

class Folding : public testing::TestWithParam<Case> {};

void expect_equal(const Report& a, const Report& b) {
  const double step = b.step.step_time.si();
  EXPECT_NEAR(a.step.step_time.si(), step, 1e-9 * step);
  for (std::size_t t = 0; t < b.step.breakdown.size(); ++t) {
    EXPECT_NEAR(a.step.breakdown[t].si(), b.step.breakdown[t].si(), 1e-9 * step) << t;
  }
}

TEST_P(Folding, GivesWhatEveryRankGives) {
  const Report folded = run(GetParam().changes);
  const Report unfolded = run(GetParam().changes + Changes{{"run.fold", "false"}});
  EXPECT_EQ(unfolded.rank_names.size(), 32U);
  EXPECT_LT(folded.rank_names.size(), unfolded.rank_names.size());
  expect_equal(folded, unfolded);
}

TEST_P(Folding, GivesTheSameOperationByOperation) {
  expect_equal(run(GetParam().changes),
               run(GetParam().changes + Changes{{"run.coalesce", "false"}}));
}

INSTANTIATE_TEST_SUITE_P(Layouts, Folding, testing::ValuesIn(cases()),
                         [](const auto& of) { return of.param.name; });

class FoldingOfOtherKinds : public testing::TestWithParam<Case> {};

TEST_P(FoldingOfOtherKinds, GivesWhatEveryRankGives) {
  for (const char* fidelity : {"event", "analytic"}) {
    SCOPED_TRACE(fidelity);
    const Changes changes = GetParam().changes + Changes{{"run.fidelity", fidelity}};
    const Report folded = run(changes);
    const Report unfolded = run(changes + Changes{{"run.fold", "false"}});
    EXPECT_EQ(static_cast<int>(unfolded.rank_names.size()), unfolded.devices);
    EXPECT_LE(folded.rank_names.size(), unfolded.rank_names.size());
    expect_equal(folded, unfolded);
  }
}

INSTANTIATE_TEST_SUITE_P(Kinds, FoldingOfOtherKinds,
                         testing::ValuesIn(with_machines(other_kinds())),
                         [](const auto& of) { return of.param.name; });

Changes slow(const std::string& devices, const std::string& what) {
  return {{"system.degraded", "[{devices: " + devices + ", " + what + "}]"}};
}

TEST(ADeviceThatDiffers, IsFeltByALayerThatItTakesPartIn) {
  // Products take twice as long at half the clock, what memory and links bound as long as before;
  // seven tensor ranks wait for the eighth.
  const Changes one_server = Changes{{"system.servers", "1"}} +
                             Changes{{"workload", layer(kDense, "forward", "tensor: 8")}};
  const double healthy = step_seconds(one_server);
  const double straggling = step_seconds(one_server + slow("server0.gpu3", "clock: 0.5"));
  EXPECT_GT(straggling, 1.2 * healthy);
  EXPECT_LE(straggling, 2 * healthy);
}

TEST(ADeviceThatDiffers, IsFeltByAKernelOnIt) {
  const Changes gemm = {{"workload", "{kind: gemm, m: 8192, n: 8192, k: 8192, regime: burst}"}};
  const double healthy = step_seconds(gemm);
  EXPECT_EQ(step_seconds(gemm + slow("server0.gpu1", "clock: 0.5")), healthy);
  // Twice as long, but for the launch and what waits for memory.
  EXPECT_NEAR(step_seconds(gemm + slow("server0.gpu0", "clock: 0.5")) / healthy, 2, 0.1);
}

TEST(ACollective, RunsOnTheDevicesThatAreListed) {
  const auto seconds = [](const std::string& devices, const Changes& machine = {}) {
    return step_seconds(
        Changes{{"workload",
                 "{kind: collective, collective: all_reduce, bytes: 1 GB, " + devices + "}"}} +
        machine);
  };
  EXPECT_EQ(seconds("devices: [0, 1, 2, 3]"), seconds("ranks: 4"));
  EXPECT_EQ(seconds("devices: [server0.gpu5, server0.gpu2]"), seconds("devices: [2, 5]"));
  // A pair in two servers has the NICs between it, an eighth of what NVLink carries.
  EXPECT_GT(seconds("devices: [0, 8]"), 3 * seconds("devices: [0, 1]"));
  // A device whose links are slow slows the pairs that it is in and no other.
  const Changes degraded = slow("server0.gpu2", "scale_up: 0.5");
  EXPECT_EQ(seconds("devices: [0, 1]", degraded), seconds("devices: [0, 1]"));
  // At most twice as long: the copies and latency of a pair do not change.
  const double slower = seconds("devices: [0, 2]", degraded) / seconds("devices: [0, 2]");
  EXPECT_GT(slower, 1.5);
  EXPECT_LE(slower, 2);
}

Changes sixty_four(const std::string& parallelism) {
  return {{"system.servers", "8"}, {"workload.parallelism", parallelism}};
}

TEST(FoldingOf64Ranks, IsExactWithAndWithoutAStraggler) {
  const Changes layout = sixty_four("{tensor: 4, pipeline: 4, sequence: true, sharding: zero1}");
  const Changes slow = {{"system.degraded", "[{devices: server5.gpu2, clock: 0.6}]"}};
  for (const Changes& changes : {layout, layout + slow}) {
    expect_equal(run(changes), run(changes + Changes{{"run.fold", "false"}}));
  }
  EXPECT_EQ(run(layout).rank_names.size(), 4U);  // its stages
  // Of every stage: the straggler's replica and the others; in each the tensor rank of the
  // straggler and its three peers.
  EXPECT_EQ(run(layout + slow).rank_names.size(), 16U);
}

// Twelve ranks share parameters: no multiple of the four of a server.
TEST(FoldingOfThreeServers, IsExactWhateverTheDataRanksAre) {
  const Changes three = {{"system.servers", "3"}, {"workload.global_batch", "96"}};
  const Changes slow = {{"system.degraded", "[{devices: server1.gpu2, clock: 0.6}]"}};
  for (const char* layout :
       {"{tensor: 4, pipeline: 2}", "{pipeline: 2}", "{tensor: 2, pipeline: 2, context: 2}",
        "{tensor: 8}", "{sharding: zero3}", "{sharding: hybrid}", "{tensor: 2, sharding: hybrid}",
        "{tensor: 2, pipeline: 4, interleave: 2, sharding: zero1}"}) {
    const Changes changes = three + Changes{{"workload.parallelism", layout}};
    for (const Changes& machine : {changes, changes + slow}) {
      SCOPED_TRACE(layout);
      expect_equal(run(machine), run(machine + Changes{{"run.fold", "false"}}));
    }
  }
}

// Leaves of three servers; stages of two.
TEST(FoldingOnLeavesThatCutStages, IsExact) {
  const Changes six = {{"system.servers", "6"},
                       {"system.fabric.servers_per_leaf", "3"},
                       {"workload.global_batch", "48"}};
  for (const char* layout : {"{tensor: 8, pipeline: 3}", "{pipeline: 3, sharding: zero1}",
                             "{tensor: 4, context: 4, sharding: zero1}"}) {
    SCOPED_TRACE(layout);
    const Changes changes =
        six + Changes{{"workload.parallelism", layout}, {"workload.model.layers", "6"}};
    expect_equal(run(changes), run(changes + Changes{{"run.fold", "false"}}));
  }
}

TEST(AStraggler, SlowsTheStepByNoMoreThanItsOwnWork) {
  const Changes layout = sixty_four("{tensor: 8, pipeline: 1, sharding: zero1}");
  const double healthy = step_seconds(layout);
  const double slow =
      step_seconds(layout + Changes{{"system.degraded", "[{devices: server0.gpu0, clock: 0.8}]"}});
  EXPECT_GT(slow, 1.05 * healthy);  // most of the step is bound by the clock
  EXPECT_LT(slow, healthy / 0.8);
}

// One rank of 64 is slow: the tensor ranks of its replica and those of the others are classes that
// meet. All passes but those at the ends are replayed.
TEST(Coalescing, OfRanksThatMeetIsExact) {
  const Changes layout = sixty_four("{tensor: 4, pipeline: 4, sequence: true, sharding: zero1}") +
                         Changes{{"system.degraded", "[{devices: server5.gpu2, clock: 0.6}]"},
                                 {"workload.global_batch", "128"}};
  const Report coalesced = run(layout);
  const Report single = run(layout + Changes{{"run.coalesce", "false"}});
  expect_equal(coalesced, single);
  EXPECT_LT(4 * coalesced.step.events, single.step.events);
}

TEST(Coalescing, LeavesATenthOfTheEvents) {
  // Of 64 microbatches the first forward and the last backward, which move parameters and gradients
  // beside their kernels, and one more of each that is recorded.
  const Changes layout = sixty_four("{tensor: 4, pipeline: 4, sequence: true, sharding: zero1}") +
                         Changes{{"workload.model.layers", "64"}, {"workload.global_batch", "256"}};
  const Report coalesced = run(layout);
  const Report single = run(layout + Changes{{"run.coalesce", "false"}});
  EXPECT_LT(10 * coalesced.step.events, single.step.events);
}

}  // namespace
}  // namespace orrery::properties_test
