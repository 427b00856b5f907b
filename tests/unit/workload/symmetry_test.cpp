// Classes of ranks on four servers of eight, uniform or with devices that differ.
#include <orrery/outline.hpp>

#include "workload/symmetry.hpp"

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
  Outline outline;
  Groups groups;
  Symmetry symmetry;

  Folded(const Job& job, const std::string& degraded, bool fold = true)
      : recipe(recipe_of(job)),
        platform(platform_with(degraded.empty() ? platform_test::Changes{}
                                                : platform_test::Changes{{"degraded", degraded}})),
        groups(recipe, platform, outline),
        symmetry(groups, platform, fold) {}

  [[nodiscard]] std::vector<int> weights() const {
    std::vector<int> result;
    for (const auto& of : symmetry.classes()) result.push_back(of.weight);
    return result;
  }
  [[nodiscard]] std::vector<int> first_ranks() const {
    std::vector<int> result;
    for (const auto& of : symmetry.classes()) result.push_back(of.rank);
    return result;
  }
};

using Numbers = std::vector<int>;

const std::string kSlowDevice = "[{devices: server1.gpu3, clock: 0.5}]";  // rank 11

TEST(Symmetry, AUniformMachineHasAClassPerStage) {
  for (const int stages : {1, 2, 4}) {
    const Folded folded({.tensor = 2, .pipeline = stages}, "");
    EXPECT_EQ(folded.weights(), Numbers(static_cast<std::size_t>(stages), 32 / stages));
    for (int rank = 0; rank < 32; ++rank) {
      EXPECT_EQ(folded.symmetry.class_of(rank), rank / (32 / stages));
    }
    for (const auto& meetings : folded.symmetry.meetings(folded.groups)) {
      EXPECT_EQ(meetings, std::vector<std::int32_t>(kGroupKinds, -1));
    }
  }
}

TEST(Symmetry, OffEveryRankIsAClass) {
  const Folded folded({.tensor = 2, .pipeline = 2}, "", false);
  EXPECT_EQ(folded.weights(), Numbers(32, 1));
  EXPECT_EQ(folded.symmetry.class_of(17), 17);
}

TEST(Symmetry, AStragglerAmongDataRanksIsOneOfTwoClasses) {
  // One group of 32: the straggler, and all others.
  const Folded folded({}, kSlowDevice);
  EXPECT_EQ(folded.first_ranks(), (Numbers{0, 11}));
  EXPECT_EQ(folded.weights(), (Numbers{31, 1}));
  const auto meetings = folded.symmetry.meetings(folded.groups);
  const auto data = static_cast<std::size_t>(GroupKind::Data);
  EXPECT_GE(meetings[0][data], 0);
  EXPECT_EQ(meetings[0][data], meetings[1][data]);
  EXPECT_EQ(meetings[0][static_cast<std::size_t>(GroupKind::Tensor)], -1);
}

TEST(Symmetry, AStragglerAmongTensorRanksSplitsTheGrid) {
  // Tensor 8, data 4: the straggler 11 of server 1; its tensor peers; its data peers 3, 19, 27; all
  // others.
  const Folded folded({.tensor = 8}, kSlowDevice);
  EXPECT_EQ(folded.first_ranks(), (Numbers{0, 3, 8, 11}));
  EXPECT_EQ(folded.weights(), (Numbers{3 * 7, 3, 7, 1}));
  const auto meetings = folded.symmetry.meetings(folded.groups);
  const auto tensor = static_cast<std::size_t>(GroupKind::Tensor);
  const auto data = static_cast<std::size_t>(GroupKind::Data);
  EXPECT_EQ(meetings[0][tensor], meetings[1][tensor]);  // a healthy server
  EXPECT_EQ(meetings[2][tensor], meetings[3][tensor]);  // the straggler's
  EXPECT_NE(meetings[0][tensor], meetings[2][tensor]);
  EXPECT_EQ(meetings[0][data], meetings[2][data]);  // healthy positions
  EXPECT_EQ(meetings[1][data], meetings[3][data]);  // the straggler's
  EXPECT_NE(meetings[0][data], meetings[1][data]);
}

TEST(Symmetry, AStragglerAmongTensorRanksAloneSplitsOnlyThem) {
  // Two of a server's eight work, the straggler one of them: its peer and it.
  Recipe recipe = recipe_of({.tensor = 8});
  recipe.parallelism.data = 1;
  const Platform platform = platform_with({{"degraded", "[{devices: server0.gpu3, clock: 0.5}]"}});
  Outline outline;
  Groups groups(recipe, platform, outline);
  const Symmetry symmetry(groups, platform, true);
  ASSERT_EQ(symmetry.classes().size(), 2U);
  EXPECT_EQ(symmetry.classes()[0].weight, 7);
  EXPECT_EQ(symmetry.classes()[1].rank, 3);
}

TEST(Symmetry, EveryStageHasTheClassesOfTheStraggler) {
  // Pipeline 4 of a server each; tensor 2 x data 4 in it. Of the straggler's stage: 11, its tensor
  // peer 10, its data peers 9, 13, 15 and theirs 8, 12, 14. The other stages see the same classes.
  const Folded folded({.tensor = 2, .pipeline = 4}, kSlowDevice);
  Numbers expected;
  for (int stage = 0; stage < 4; ++stage) {
    const Numbers of_stage = {3, 3, 1, 1};  // first ranks 0, 1, 2, 3 of the stage
    expected.insert(expected.end(), of_stage.begin(), of_stage.end());
  }
  EXPECT_EQ(folded.weights(), expected);
  EXPECT_EQ(folded.symmetry.class_of(11), 7);
  EXPECT_EQ(folded.symmetry.class_of(10), 6);
  for (const int rank : {9, 13, 15}) EXPECT_EQ(folded.symmetry.class_of(rank), 5);
  for (const int rank : {8, 12, 14}) EXPECT_EQ(folded.symmetry.class_of(rank), 4);
  for (int rank = 0; rank < 24; ++rank) {
    EXPECT_EQ(folded.symmetry.class_of(rank) + 4, folded.symmetry.class_of(rank + 8));
  }
}

TEST(Symmetry, APositionThatIsHotInEveryServerSplitsServersAlike) {
  // Tensor 8: position 7 and the others, the same in all servers.
  const Folded folded({.tensor = 8}, "[{devices: '*.gpu7', clock: 0.5}]");
  EXPECT_EQ(folded.weights(), (Numbers{28, 4}));
  EXPECT_EQ(folded.first_ranks(), (Numbers{0, 7}));
}

TEST(Symmetry, ASlowLinkIsACondition) {
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
    const GroupSpan group = folded_.groups.span(kind, rank);
    for (int i = 0; i < group.count; ++i) {
      ++count[folded_.symmetry.class_of(group.first + i * group.stride)];
    }
    return count;
  }

  Folded folded_;
};

TEST_P(Partition, WeightsAreTheRanks) {
  Numbers count(folded_.symmetry.classes().size());
  for (int rank = 0; rank < 32; ++rank)
    ++count[static_cast<std::size_t>(folded_.symmetry.class_of(rank))];
  EXPECT_EQ(folded_.weights(), count);
  for (std::size_t i = 0; i < count.size(); ++i) {
    EXPECT_EQ(folded_.symmetry.class_of(folded_.first_ranks()[i]), static_cast<int>(i));
  }
  const Numbers first = folded_.first_ranks();
  EXPECT_TRUE(std::is_sorted(first.begin(), first.end()));
}

TEST_P(Partition, IsEquitable) {
  // Ranks of a class have equal devices, stages, and groups: in layout and in members by class.
  for (int rank = 0; rank < 32; ++rank) {
    const int first =
        folded_.first_ranks()[static_cast<std::size_t>(folded_.symmetry.class_of(rank))];
    EXPECT_EQ(folded_.platform.condition(rank), folded_.platform.condition(first));
    ASSERT_EQ(folded_.groups.stage_of(rank), folded_.groups.stage_of(first));
    for (const GroupKind kind : folded_.groups.meeting()) {
      EXPECT_EQ(members(kind, rank), members(kind, first)) << rank << " " << static_cast<int>(kind);
      if (folded_.groups.span(kind, rank).count == 1) continue;
      EXPECT_EQ(folded_.groups.layout(kind, rank), folded_.groups.layout(kind, first));
    }
  }
}

TEST_P(Partition, NeighbouringStagesMeetClassByClass) {
  const int per_stage = folded_.groups.devices_per_stage();
  for (int rank = 0; rank + per_stage < 32; ++rank) {
    const int own = folded_.symmetry.class_of(rank);
    const int first = folded_.first_ranks()[static_cast<std::size_t>(own)];
    EXPECT_EQ(folded_.symmetry.class_of(rank + per_stage),
              folded_.symmetry.class_of(first + per_stage));
  }
}

TEST_P(Partition, MembersOfAMeetingShareItsNumberAndNobodyElseDoes) {
  const auto meetings = folded_.symmetry.meetings(folded_.groups);
  ASSERT_EQ(meetings.size(), folded_.symmetry.classes().size());
  std::map<std::int32_t, std::pair<GroupKind, std::set<int>>> known;
  for (const GroupKind kind : folded_.groups.meeting()) {
    for (int rank = 0; rank < 32; ++rank) {
      const GroupSpan group = folded_.groups.span(kind, rank);
      const bool in_it = rank >= group.first && (rank - group.first) % group.stride == 0 &&
                         (rank - group.first) / group.stride < group.count;
      if (!in_it) continue;  // stages between the first and the last tie no embedding
      std::set<int> classes;
      for (const auto& [of, count] : members(kind, rank)) classes.insert(of);
      const std::int32_t number =
          meetings[static_cast<std::size_t>(folded_.symmetry.class_of(rank))]
                  [static_cast<std::size_t>(kind)];
      EXPECT_EQ(number >= 0, classes.size() > 1);
      if (number < 0) continue;
      const auto [entry, added] = known.emplace(number, std::make_pair(kind, classes));
      EXPECT_EQ(entry->second, std::make_pair(kind, classes));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Jobs, Partition, testing::ValuesIn(cases()));

TEST(Symmetry, RefinesWhereGroupsCutServersInOtherPlaces) {
  // Six tensor ranks on servers of eight: groups lie within a server or cut it after 2 or 4.
  Recipe recipe = recipe_of({.tensor = 6});
  recipe.parallelism.data = 4;
  const Platform platform = platform_with({});
  Outline outline;
  Groups groups(recipe, platform, outline);
  const Symmetry symmetry(groups, platform, true);
  int sum = 0;
  for (const auto& of : symmetry.classes()) sum += of.weight;
  EXPECT_EQ(sum, 24);
  EXPECT_GT(symmetry.classes().size(), 1U);
  for (int rank = 0; rank < 24; ++rank) {
    const int first = symmetry.classes()[static_cast<std::size_t>(symmetry.class_of(rank))].rank;
    for (const GroupKind kind : {GroupKind::Tensor, GroupKind::Data}) {
      EXPECT_EQ(groups.layout(kind, rank), groups.layout(kind, first)) << rank;
    }
  }
}

}  // namespace
}  // namespace orrery::workload_test
