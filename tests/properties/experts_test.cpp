// What spreading experts costs, and what hides it.
#include <gtest/gtest.h>

#include "properties/support.hpp"

namespace orrery::properties_test {
namespace {

Changes experts(const std::string& parallelism) {
  return Changes{{"workload.parallelism", "{sharding: zero1, " + parallelism + "}"}} + kExperts;
}

double exchange_seconds(const Changes& changes) {
  return run(changes).step.breakdown[static_cast<std::size_t>(Tile::ExpertComm)].si();
}

TEST(Experts, ExchangeTokensOnlyWhenSpread) {
  EXPECT_EQ(exchange_seconds(experts("expert: 1")), 0);
  EXPECT_GT(exchange_seconds(experts("expert: 8")), 0);
}

TEST(Experts, WaitForTheFullestRank) {
  const double balanced = step_seconds(experts("expert: 8"));
  const double once_and_a_half = step_seconds(experts("expert: 8, imbalance: 1.5"));
  EXPECT_GT(once_and_a_half, balanced);
  EXPECT_LT(once_and_a_half, 1.5 * balanced);  // attention and the dense layers do not grow
  EXPECT_GT(step_seconds(experts("expert: 8, imbalance: 2")), once_and_a_half);
  EXPECT_NEAR(step_seconds(experts("expert: 8, capacity_factor: 1")), balanced, 1e-9 * balanced);
}

TEST(Experts, ExchangeInFp8HalfTheBytesOfTheFirst) {
  const Changes wide = experts("expert: 8");
  const Changes narrow = wide + Changes{{"workload.software.dispatch", "fp8"}};
  // Each pair of exchanges moves 1 + 2 bytes an element instead of 2 + 2, and latency stays.
  const double ratio = exchange_seconds(narrow) / exchange_seconds(wide);
  EXPECT_GT(ratio, 0.75);
  EXPECT_LT(ratio, 1.0);
}

TEST(Experts, OverlapHidesExchanges) {
  const Changes exposed = experts("expert: 8");
  for (const char* key : {"workload.overlap.expert", "workload.overlap.shared_expert"}) {
    const Changes hidden = exposed + Changes{{key, "true"}};
    EXPECT_LT(exchange_seconds(hidden), exchange_seconds(exposed)) << key;
    EXPECT_LT(step_seconds(hidden), step_seconds(exposed)) << key;
  }
}

TEST(Experts, OfTheirOwnAreReducedOverFewerRanks) {
  // 32 ranks: with 8 expert ranks an expert has 4 replicas. Its state is split over them, the rest
  // over all.
  const auto optimizer = [](const std::string& layout) {
    return run(experts(layout)).memory->use.optimizer.si();
  };
  // Either way 1/32 of all routed weights, since 8 ranks hold different ones and 4 share them.
  EXPECT_NEAR(optimizer("expert: 8"), optimizer("expert: 1"), 1e-9 * optimizer("expert: 1"));
}

TEST(RingAttention, HidesWhatGatheringExposes) {
  const auto exposed = [](const std::string& style) {
    const Changes changes = {{"workload.parallelism", "{context: 4, context_style: " + style + "}"},
                             {"workload.model.max_sequence", "32768"},
                             {"workload.sequence_length", "32768"}};
    return run(changes).step.breakdown[static_cast<std::size_t>(Tile::ContextComm)].si();
  };
  EXPECT_LT(exposed("ring"), exposed("all_gather"));
}

}  // namespace
}  // namespace orrery::properties_test
