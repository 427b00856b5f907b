// Classes of ranks on four servers of eight, uniform or with devices that differ.
#include <orrery/sdk/folded_job.hpp>

#include "workload/groups.hpp"

#include <map>
#include <set>

#include <gtest/gtest.h>

#include "unit/platform/support.hpp"
#include "unit/workload/support.hpp"

namespace orrery::workload_test {
namespace {

using platform_test::platform_with;

struct Job {
  int tensor = 1, pipeline = 1, context = 1;
  Sharding sharding = Sharding::None;
  bool tied = false;
};

Recipe recipe_of(const Job& job) {
  Recipe recipe = gpt3_recipe(job.tensor);
  recipe.parallelism.pipeline = job.pipeline;
  recipe.parallelism.context = job.context;
  recipe.parallelism.sharding = job.sharding;
  recipe.model.tied_embeddings = job.tied;
  recipe.microbatch = 1;
  recipe.global_batch = 96;
  return recipe;
}

/// A job on a machine of 32 devices, and its classes.
struct Folded {
  Recipe recipe;
  Platform platform;
  WorkTables tables;
  FoldedJob job;
  Groups groups;

  Folded(const Job& of, const std::string& degraded, bool fold = true)
      : recipe(recipe_of(of)),
        platform(platform_with(degraded.empty() ? platform_test::Changes{}
                                                : platform_test::Changes{{"degraded", degraded}})),
        job(platform, Groups(recipe, platform).layout(), fold),
        groups(recipe, job, tables) {}

  [[nodiscard]] std::vector<int> weights() const {
    std::vector<int> result;
    for (const auto& of : job.classes()) result.push_back(of.weight);
    return result;
  }
  [[nodiscard]] std::vector<int> first_ranks() const {
    std::vector<int> result;
    for (const auto& of : job.classes()) result.push_back(of.rank);
    return result;
  }
  // By class and kind of group.
  [[nodiscard]] std::vector<std::vector<std::int32_t>> meetings() const {
    std::vector<std::vector<std::int32_t>> result;
    for (const RepresentedRank& rank : job.represented()) result.push_back(rank.meetings);
    return result;
  }
};

using Numbers = std::vector<int>;

const std::string kSlowDevice = "[{devices: server1.gpu3, clock: 0.5}]";  // rank 11

TEST(FoldedJob, AUniformMachineHasAClassPerStage) {
  for (const int stages : {1, 2, 4}) {
    const Folded folded({.tensor = 2, .pipeline = stages}, "");
    EXPECT_EQ(folded.weights(), Numbers(static_cast<std::size_t>(stages), 32 / stages));
    for (int rank = 0; rank < 32; ++rank) {
      EXPECT_EQ(folded.job.class_of(rank), rank / (32 / stages));
    }
    for (const auto& meetings : folded.meetings()) {
      EXPECT_EQ(meetings, std::vector<std::int32_t>(kGroupKinds, -1));
    }
  }
}

TEST(FoldedJob, OffEveryRankIsAClass) {
  const Folded folded({.tensor = 2, .pipeline = 2}, "", false);
  EXPECT_EQ(folded.weights(), Numbers(32, 1));
  EXPECT_EQ(folded.job.class_of(17), 17);
}

TEST(FoldedJob, AStragglerAmongDataRanksIsOneOfTwoClasses) {
  // One group of 32: the straggler, and all others.
  const Folded folded({}, kSlowDevice);
  EXPECT_EQ(folded.first_ranks(), (Numbers{0, 11}));
  EXPECT_EQ(folded.weights(), (Numbers{31, 1}));
  const auto meetings = folded.meetings();
  const auto data = static_cast<std::size_t>(GroupKind::Data);
  EXPECT_GE(meetings[0][data], 0);
  EXPECT_EQ(meetings[0][data], meetings[1][data]);
  EXPECT_EQ(meetings[0][static_cast<std::size_t>(GroupKind::Tensor)], -1);
}

TEST(FoldedJob, AStragglerAmongTensorRanksSplitsTheGrid) {
  // Tensor 8, data 4: the straggler 11 of server 1; its tensor peers; its data peers 3, 19, 27; all
  // others.
  const Folded folded({.tensor = 8}, kSlowDevice);
  EXPECT_EQ(folded.first_ranks(), (Numbers{0, 3, 8, 11}));
  EXPECT_EQ(folded.weights(), (Numbers{3 * 7, 3, 7, 1}));
  const auto meetings = folded.meetings();
  const auto tensor = static_cast<std::size_t>(GroupKind::Tensor);
  const auto data = static_cast<std::size_t>(GroupKind::Data);
  EXPECT_EQ(meetings[0][tensor], meetings[1][tensor]);  // a healthy server
  EXPECT_EQ(meetings[2][tensor], meetings[3][tensor]);  // the straggler's
  EXPECT_NE(meetings[0][tensor], meetings[2][tensor]);
  EXPECT_EQ(meetings[0][data], meetings[2][data]);  // healthy positions
  EXPECT_EQ(meetings[1][data], meetings[3][data]);  // the straggler's
  EXPECT_NE(meetings[0][data], meetings[1][data]);
}

TEST(FoldedJob, AStragglerAmongTensorRanksAloneSplitsOnlyThem) {
  // Two of a server's eight work, the straggler one of them: its peer and it.
  Recipe recipe = recipe_of({.tensor = 8});
  recipe.parallelism.data = 1;
  const Platform platform = platform_with({{"degraded", "[{devices: server0.gpu3, clock: 0.5}]"}});
  const FoldedJob job(platform, Groups(recipe, platform).layout(), true);
  ASSERT_EQ(job.classes().size(), 2U);
  EXPECT_EQ(job.classes()[0].weight, 7);
  EXPECT_EQ(job.classes()[1].rank, 3);
}

TEST(FoldedJob, EveryStageHasTheClassesOfTheStraggler) {
  // Pipeline 4 of a server each; tensor 2 x data 4 in it. Of the straggler's stage: 11, its tensor
  // peer 10, its data peers 9, 13, 15 and theirs 8, 12, 14. The other stages see the same classes.
  const Folded folded({.tensor = 2, .pipeline = 4}, kSlowDevice);
  Numbers expected;
  for (int stage = 0; stage < 4; ++stage) {
    const Numbers of_stage = {3, 3, 1, 1};  // first ranks 0, 1, 2, 3 of the stage
    expected.insert(expected.end(), of_stage.begin(), of_stage.end());
  }
  EXPECT_EQ(folded.weights(), expected);
  EXPECT_EQ(folded.job.class_of(11), 7);
  EXPECT_EQ(folded.job.class_of(10), 6);
  for (const int rank : {9, 13, 15}) EXPECT_EQ(folded.job.class_of(rank), 5);
  for (const int rank : {8, 12, 14}) EXPECT_EQ(folded.job.class_of(rank), 4);
  for (int rank = 0; rank < 24; ++rank) {
    EXPECT_EQ(folded.job.class_of(rank) + 4, folded.job.class_of(rank + 8));
  }
}

TEST(FoldedJob, APositionThatIsHotInEveryServerSplitsServersAlike) {
  // Tensor 8: position 7 and the others, the same in all servers.
  const Folded folded({.tensor = 8}, "[{devices: '*.gpu7', clock: 0.5}]");
  EXPECT_EQ(folded.weights(), (Numbers{28, 4}));
  EXPECT_EQ(folded.first_ranks(), (Numbers{0, 7}));
}

TEST(FoldedJob, ASlowLinkIsACondition) {
  // Data parallel on all: everybody's group holds the slow link, but only one device has it.
  const Folded folded({}, "[{devices: server2.gpu0, scale_out: 0.5}]");
  EXPECT_EQ(folded.weights(), (Numbers{31, 1}));
}

struct Case {
  Job job;
  std::string degraded;
};

std::vector<Case> cases() {
  const std::vector<Job> jobs = {{},
                                 {.tensor = 4},
                                 {.tensor = 8},
                                 {.context = 4},
                                 {.tensor = 2, .context = 2},
                                 {.pipeline = 4},
                                 {.tensor = 2, .pipeline = 2},
                                 {.tensor = 2, .pipeline = 4, .tied = true},
                                 {.tensor = 2, .pipeline = 2, .context = 2, .tied = true},
                                 {.pipeline = 8, .sharding = Sharding::Zero1},
                                 {.sharding = Sharding::Hybrid},
                                 {.tensor = 2, .sharding = Sharding::Hybrid}};
  const std::vector<std::string> machines = {
      "", kSlowDevice, "[{devices: '*.gpu7', clock: 0.5}]",
      "[{devices: server2.*, clock: 0.5}, {devices: server0.gpu0, scale_up: 0.5}]",
      "[{devices: server0.gpu1, clock: 0.5}, {devices: server3.gpu6, clock: 0.25}]"};
  std::vector<Case> result;
  for (const Job& job : jobs) {
    for (const std::string& machine : machines) result.push_back({job, machine});
  }
  return result;
}

class Partition : public testing::TestWithParam<Case> {
 protected:
  Partition() : folded_(GetParam().job, GetParam().degraded) {}

  // Of the group of a rank: how many of its members are in each class.
  [[nodiscard]] std::map<int, int> members(GroupKind kind, int rank) const {
    std::map<int, int> count;
    const RankSpan group = folded_.groups.span(kind, rank);
    for (int i = 0; i < group.count; ++i) {
      ++count[folded_.job.class_of(group.first + i * group.stride)];
    }
    return count;
  }

  Folded folded_;
};

TEST_P(Partition, WeightsAreTheRanks) {
  Numbers count(folded_.job.classes().size());
  for (int rank = 0; rank < 32; ++rank)
    ++count[static_cast<std::size_t>(folded_.job.class_of(rank))];
  EXPECT_EQ(folded_.weights(), count);
  for (std::size_t i = 0; i < count.size(); ++i) {
    EXPECT_EQ(folded_.job.class_of(folded_.first_ranks()[i]), static_cast<int>(i));
  }
  const Numbers first = folded_.first_ranks();
  EXPECT_TRUE(std::is_sorted(first.begin(), first.end()));
}

TEST_P(Partition, IsEquitable) {
  // Ranks of a class have equal devices, stages, and groups: in layout and in members by class.
  for (int rank = 0; rank < 32; ++rank) {
    const int first = folded_.first_ranks()[static_cast<std::size_t>(folded_.job.class_of(rank))];
    EXPECT_EQ(folded_.platform.condition(rank), folded_.platform.condition(first));
    ASSERT_EQ(folded_.groups.stage_of(rank), folded_.groups.stage_of(first));
    for (const GroupKind kind : folded_.groups.meeting()) {
      EXPECT_EQ(members(kind, rank), members(kind, first)) << rank << " " << static_cast<int>(kind);
      if (folded_.groups.span(kind, rank).count == 1) continue;
      EXPECT_EQ(folded_.groups.links(kind, rank), folded_.groups.links(kind, first));
    }
  }
}

TEST_P(Partition, NeighbouringStagesMeetClassByClass) {
  const int per_stage = folded_.groups.devices_per_stage();
  for (int rank = 0; rank + per_stage < 32; ++rank) {
    const int own = folded_.job.class_of(rank);
    const int first = folded_.first_ranks()[static_cast<std::size_t>(own)];
    EXPECT_EQ(folded_.job.class_of(rank + per_stage), folded_.job.class_of(first + per_stage));
  }
}

TEST_P(Partition, MembersOfAMeetingShareItsNumberAndNobodyElseDoes) {
  const auto meetings = folded_.meetings();
  ASSERT_EQ(meetings.size(), folded_.job.classes().size());
  std::map<std::int32_t, std::pair<GroupKind, std::set<int>>> known;
  for (const GroupKind kind : folded_.groups.meeting()) {
    for (int rank = 0; rank < 32; ++rank) {
      const RankSpan group = folded_.groups.span(kind, rank);
      const bool in_it = rank >= group.first && (rank - group.first) % group.stride == 0 &&
                         (rank - group.first) / group.stride < group.count;
      if (!in_it) continue;  // stages between the first and the last tie no embedding
      std::set<int> classes;
      for (const auto& [of, count] : members(kind, rank)) classes.insert(of);
      const std::int32_t number = meetings[static_cast<std::size_t>(folded_.job.class_of(rank))]
                                          [static_cast<std::size_t>(kind)];
      EXPECT_EQ(number >= 0, classes.size() > 1);
      if (number < 0) continue;
      const auto [entry, added] = known.emplace(number, std::make_pair(kind, classes));
      EXPECT_EQ(entry->second, std::make_pair(kind, classes));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Jobs, Partition, testing::ValuesIn(cases()));

TEST(FoldedJob, RefinesWhereGroupsCutServersInOtherPlaces) {
  // Six tensor ranks on servers of eight: groups lie within a server or cut it after 2 or 4.
  Recipe recipe = recipe_of({.tensor = 6});
  recipe.parallelism.data = 4;
  const Platform platform = platform_with({});
  const FoldedJob job(platform, Groups(recipe, platform).layout(), true);
  int sum = 0;
  for (const auto& of : job.classes()) sum += of.weight;
  EXPECT_EQ(sum, 24);
  EXPECT_GT(job.classes().size(), 1U);
  for (int rank = 0; rank < 24; ++rank) {
    const int first = job.classes()[static_cast<std::size_t>(job.class_of(rank))].rank;
    for (const GroupKind kind : {GroupKind::Tensor, GroupKind::Data}) {
      const auto index = static_cast<std::size_t>(kind);
      EXPECT_EQ(job.links(index, rank), job.links(index, first)) << rank;
    }
  }
}

TEST(FoldedJob, SplitsStagesWhoseMessagesCrossLeavesForSomeOnly) {
  // Leaves of three servers and stages of two: servers 0 and 1 send to 2, on their leaf, and to 3,
  // on the next; 2 and 3 to 4 and 5, across and along; 4 and 5 to 0 and 1, both across.
  const Platform platform =
      platform_with({{"servers", "6"}, {"fabric.leaf.ports", "50"}, {"fabric.spine.ports", "50"}});
  ASSERT_EQ(platform.fabric_parts().front(), 24);
  JobLayout layout{.ranks = 48, .programs = 3};
  layout.groups = {
      {.name = "pipeline", .count = 2, .stride = 16, .shape = ProcessGroups::Shape::Ring}};
  const FoldedJob job(platform, layout, true);
  EXPECT_EQ(job.classes().size(), 6U);
  for (int rank = 0; rank < 48; ++rank) EXPECT_EQ(job.class_of(rank), rank / 8) << rank;
  EXPECT_EQ(job.links(0, 0), job.links(0, 24));
  EXPECT_NE(job.links(0, 0), job.links(0, 8));
}

TEST(FoldedJob, HasAClassPerStageWhereLeavesTakeWholeStages) {
  const Platform platform = platform_with({{"servers", "8"}});  // two on a leaf
  for (const int servers : {1, 2, 4}) {
    JobLayout layout{.ranks = 64, .programs = 8 / servers};
    layout.groups = {{.name = "pipeline",
                      .count = 2,
                      .stride = 8 * servers,
                      .shape = ProcessGroups::Shape::Ring},
                     {.name = "data", .count = servers, .stride = 8}};
    const FoldedJob job(platform, layout, true);
    EXPECT_EQ(job.classes().size(), static_cast<std::size_t>(layout.programs)) << servers;
  }
}

TEST(FoldedJob, PutsRanksOnTheDevicesThatAreListed) {
  // Ranks 0 to 2 on devices 11 (the straggler), 2 and 8: one group of three.
  const Platform platform = platform_with({{"degraded", kSlowDevice}});
  JobLayout layout{.ranks = 3};
  layout.groups = {{.name = "all", .count = 3, .stride = 1}};
  layout.devices = {11, 2, 8};
  const FoldedJob job(platform, layout, true);
  ASSERT_EQ(job.classes().size(), 2U);
  EXPECT_EQ(job.class_of(1), job.class_of(2));
  const std::vector<RepresentedRank> ranks = job.represented();
  EXPECT_EQ(ranks[0].kind, platform.kind(11));
  EXPECT_EQ(ranks[1].kind, platform.kind(2));
  EXPECT_EQ(ranks[1].weight, 2);
  EXPECT_GE(ranks[0].meetings[0], 0);
  EXPECT_EQ(ranks[0].meetings[0], ranks[1].meetings[0]);
  EXPECT_EQ(job.group_layout(job.links(0, 0)), platform.layout(std::vector{2, 8, 11}));
}

TEST(FoldedJob, RefusesALayoutThatContradictsItself) {
  const Platform platform = platform_with({});
  const auto made = [&](const JobLayout& layout) { return FoldedJob(platform, layout, true); };
  EXPECT_THROW(made({.ranks = 33}), InternalError);                       // more than devices
  EXPECT_THROW(made({.ranks = 32, .programs = 3}), InternalError);        // 32 / 3 is not whole
  EXPECT_THROW(made({.ranks = 2, .devices = {4, 4}}), InternalError);     // one device twice
  EXPECT_THROW(made({.ranks = 2, .devices = {4, 32}}), InternalError);    // none such
  EXPECT_THROW(made({.ranks = 2, .devices = {4, 5, 6}}), InternalError);  // three devices
  EXPECT_THROW(made({.ranks = 2, .groups = {{.count = 0}}}), InternalError);
}

TEST(FoldedJob, LooksAtEveryDeviceOfAServerWhereTheirPlacesDiffer) {
  // Six cards on three PCIe switches of two: of two groups of three, each has a pair behind one
  // switch, whose way to the third is longer. Groups of two are alike.
  const Platform platform = platform_with({{"server.scale_up", "{kind: pcie}"},
                                           {"server.accelerators", "6"},
                                           {"server.nics", "6"},
                                           {"server.sockets", "1"}});
  EXPECT_EQ(platform.period(), 6);
  JobLayout layout{.ranks = 24};
  layout.groups = {{.name = "tensor", .count = 2, .stride = 1}};
  EXPECT_EQ(FoldedJob(platform, layout, true).classes().size(), 1U);
  EXPECT_EQ(FoldedJob(platform, layout, true).classes().front().weight, 24);
}

}  // namespace
}  // namespace orrery::workload_test
