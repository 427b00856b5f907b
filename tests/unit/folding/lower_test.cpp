// The way from a workload to its outline: ranks, their devices, and the check that they are right.
#include <functional>

#include <gtest/gtest.h>

#include <orrery/sdk/group_collectives.hpp>
#include <orrery/sdk/single_pass.hpp>
#include <orrery/workload.hpp>

#include "unit/platform/support.hpp"

namespace orrery {
namespace {

using platform_test::platform_with;

/// Groups of four ranks that reduce something; what it builds can be spoilt.
class Reduction final : public Workload {
 public:
  using Spoil = std::function<void(LoweredWorkload&, const FoldedJob&)>;
  explicit Reduction(int ranks, Spoil spoil = {}) : ranks_(ranks), spoil_(std::move(spoil)) {}

  JobLayout layout(const Platform&) const override {
    JobLayout layout{.ranks = ranks_};
    layout.groups = {{.name = "four", .count = 4, .stride = 1}};
    return layout;
  }

 protected:
  LoweredWorkload build(const FoldedJob& job, const LowerOptions&) const override {
    LoweredWorkload lowered;
    GroupCollectives collectives(job, lowered.outline);
    add_single_pass(job, lowered.outline, [&](Sequence& sequence, int rank) {
      sequence.blocking(collectives.add(0, rank, {.bytes = Bytes(1e6), .layout = {}}),
                        Tile::DataComm);
    });
    if (spoil_) spoil_(lowered, job);
    return lowered;
  }

 private:
  int ranks_;
  Spoil spoil_;
};

const char* const kSlow = "[{devices: server1.gpu3, clock: 0.5}]";

TEST(Lower, GivesEveryRankItsWeightKindAndMeeting) {
  // The straggler's group of four: it and three others. The 28 that are left never meet them.
  const LoweredWorkload lowered = Reduction(32).lower(platform_with({{"degraded", kSlow}}), {});
  ASSERT_EQ(lowered.outline.ranks.size(), 3U);
  EXPECT_EQ(lowered.work.devices, 32);
  std::vector<double> weights;
  for (const RepresentedRank& rank : lowered.outline.ranks) weights.push_back(rank.weight);
  EXPECT_EQ(weights, (std::vector<double>{28, 3, 1}));
  EXPECT_EQ(lowered.outline.ranks[0].meetings, std::vector<std::int32_t>{-1});
  EXPECT_EQ(lowered.outline.ranks[1].meetings, lowered.outline.ranks[2].meetings);
  EXPECT_EQ(lowered.outline.routines.size(), 2U);  // one for all: their links are equal
}

TEST(Lower, CountsTheDevicesOfTheJobAlone) {
  // The straggler is rank 11: not among the first eight.
  EXPECT_EQ(Reduction(8).lower(platform_with({{"degraded", kSlow}}), {}).outline.ranks.size(), 1U);
  const Platform two = platform_with({{"degraded", "[{devices: server0.*, clock: 0.5}]"}});
  EXPECT_EQ(Reduction(8).lower(two, {}).outline.ranks.front().kind, 1);
}

TEST(Lower, RefusesRanksThatAreNotTheDevicesOfTheJob) {
  const Platform platform = platform_with({{"degraded", kSlow}});
  const auto lowered = [&](const Reduction::Spoil& spoil) {
    return Reduction(32, spoil).lower(platform, {});
  };
  const auto with_ranks = [](const std::function<void(std::vector<RepresentedRank>&)>& change) {
    return [change](LoweredWorkload& made, const FoldedJob& job) {
      made.outline.ranks = job.represented();
      change(made.outline.ranks);
    };
  };
  EXPECT_NO_THROW(lowered(with_ranks([](auto&) {})));
  EXPECT_THROW(lowered(with_ranks([](auto& ranks) { ranks[0].weight += 1; })), InternalError);
  EXPECT_THROW(lowered(with_ranks([](auto& ranks) { ranks[0].kind = 1; })), InternalError);
  EXPECT_THROW(lowered(with_ranks([](auto& ranks) { ranks.pop_back(); })), InternalError);
  // One too many of one kind and one too few of the other: the sum alone would not tell.
  EXPECT_THROW(lowered(with_ranks([](auto& ranks) {
                 ranks[1].weight -= 1;
                 ranks[2].weight += 1;
               })),
               InternalError);
}

}  // namespace
}  // namespace orrery
