#include "engine/routine_profile.hpp"

#include <algorithm>
#include <random>

#include <gtest/gtest.h>

#include "unit/engine/outline_support.hpp"

namespace orrery::engine_test {
namespace {

constexpr double kRounding = 1e-12;

/// An operation as the host and the device see it.
struct Piece {
  double time = 0;
  double launching = 0;
  bool waits = true;  // the device cannot end it before the host has launched it
};

RoutineProfile profile_of(const Piece& piece) {
  RoutineProfile profile;
  profile.time = Seconds(piece.time);
  profile.launching = Seconds(piece.launching);
  if (piece.waits) profile.host_excess = profile.launching - profile.time;
  profile.tiles[static_cast<std::size_t>(piece.waits ? Tile::Compute : Tile::TensorComm)] =
      profile.time;
  return profile;
}

// When the device ends: the host launches from `host` on, the device starts at 0.
double end_of(const std::vector<Piece>& pieces, double host) {
  double device = 0;
  for (const Piece& piece : pieces) {
    host += piece.launching;
    device += piece.time;
    if (piece.waits) device = std::max(device, host);
  }
  return device;
}

std::vector<Piece> random_pieces(std::mt19937& random) {
  std::uniform_real_distribution<double> uniform(0, 2);
  std::vector<Piece> pieces(1 + random() % 12);
  for (Piece& piece : pieces) {
    piece = {.time = uniform(random), .launching = uniform(random), .waits = random() % 4 != 0};
  }
  pieces.front().waits = true;
  return pieces;
}

RoutineProfile appended(const std::vector<Piece>& pieces) {
  RoutineProfile all = profile_of(pieces.front());
  for (std::size_t i = 1; i < pieces.size(); ++i) all.append(profile_of(pieces[i]));
  return all;
}

void expect_equal(const RoutineProfile& a, const RoutineProfile& b) {
  EXPECT_NEAR(a.time.si(), b.time.si(), kRounding * b.time.si());
  EXPECT_NEAR(a.launching.si(), b.launching.si(), kRounding * b.launching.si());
  EXPECT_NEAR(a.host_excess.si(), b.host_excess.si(), kRounding * b.launching.si());
  for (std::size_t t = 0; t < a.tiles.size(); ++t) {
    EXPECT_NEAR(a.tiles[t].si(), b.tiles[t].si(), kRounding * b.time.si());
  }
  EXPECT_EQ(a.closed, b.closed);
}

class RandomSequence : public testing::TestWithParam<std::uint32_t> {
 protected:
  std::mt19937 random_{GetParam()};
};

TEST_P(RandomSequence, AppendSumsAndDelaysAsTheHostDoes) {
  const std::vector<Piece> pieces = random_pieces(random_);
  const RoutineProfile all = appended(pieces);
  double time = 0, launching = 0;
  for (const Piece& piece : pieces) {
    time += piece.time;
    launching += piece.launching;
  }
  EXPECT_NEAR(all.time.si(), time, kRounding * time);
  EXPECT_NEAR(all.launching.si(), launching, kRounding * launching);
  // The host ahead, just in time and behind.
  for (const double host : {-100.0, -5.0, -1.0, 0.0, 1.0, 5.0}) {
    const double delay = std::max(0.0, host + all.host_excess.si());
    EXPECT_NEAR(end_of(pieces, host), time + delay, 1e-11) << host;
  }
}

TEST_P(RandomSequence, RepeatingIsAppendingItself) {
  const std::vector<Piece> pieces = random_pieces(random_);
  const RoutineProfile once = appended(pieces);
  for (const std::uint32_t times : {1U, 2U, 5U, 40U}) {
    RoutineProfile all = once;
    for (std::uint32_t i = 1; i < times; ++i) all.append(once);
    expect_equal(once.repeated(times), all);
  }
}

TEST_P(RandomSequence, AppendIsAssociative) {
  const RoutineProfile a = appended(random_pieces(random_)), b = appended(random_pieces(random_)),
                       c = appended(random_pieces(random_));
  RoutineProfile left = a;
  left.append(b);
  left.append(c);
  RoutineProfile right = b;
  right.append(c);
  RoutineProfile all = a;
  all.append(right);
  expect_equal(left, all);
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomSequence, testing::Range(0U, 50U));

TEST(RoutineProfile, IsOpenWhenAPartIs) {
  RoutineProfile closed, open;
  open.closed = false;
  for (const bool first : {false, true}) {
    RoutineProfile all = first ? open : closed;
    all.append(first ? closed : open);
    EXPECT_FALSE(all.closed);
  }
}

TEST(RoutineProfiles, OfAnOperation) {
  OutlineBench bench;
  const Step block = bench.compute(Block{gemm(2, 3), memory_bound(5, 2)});
  CollectiveCost cost = timed(3, 1, 40);
  cost.memory = BytesPerSecond(20);
  cost.flows = {between(6)};
  const Step blocking = bench.collective(cost, Stream::Compute, Tile::TensorComm);
  const Step host = bench.host(7);
  const CostTable costs = bench.costs(bench.outline);
  const OutlineIndex index(bench.outline);
  const LinkSlots links(bench.outline, costs);
  RoutineProfiles profiles(index, costs, links, Seconds(0.5), 0);
  const RoutineProfile of_block = profiles.of(block.op);
  EXPECT_EQ(of_block.time, Seconds(2 * 3 + 5 * 2));
  EXPECT_EQ(of_block.launching, Seconds(0.5 * 5));
  EXPECT_EQ(of_block.host_excess, Seconds(2.5 - 16));
  const RoutineProfile of_collective = profiles.of(blocking.op);
  EXPECT_EQ(of_collective.time, Seconds(4));
  EXPECT_EQ(of_collective.launching, Seconds(0.5));
  EXPECT_LT(of_collective.host_excess, Seconds(-1e29)) << "it never waits for the host";
  EXPECT_EQ(seconds(of_collective.tiles, Tile::TensorComm), 4);
  const RoutineProfile of_host = profiles.of(host.op);
  EXPECT_EQ(of_host.time, Seconds(7));
  EXPECT_EQ(of_host.launching, Seconds(0));
}

TEST(RoutineProfiles, ARoutineIsThatOfItsSteps) {
  // Layer: 1 s, 2 s blocking; three of them after 4 s, before 1 s of host work.
  OutlineBench bench;
  const auto layer =
      bench.add({bench.compute(1), bench.collective(timed(2), Stream::Compute, Tile::TensorComm)});
  const auto chunk = bench.add({bench.compute(4), OutlineBench::run(layer, 3), bench.host(1)});
  const CostTable costs = bench.costs(bench.outline);
  const OutlineIndex index(bench.outline);
  const LinkSlots links(bench.outline, costs);
  RoutineProfiles profiles(index, costs, links, Seconds(0.5), 0);
  const RoutineProfile& all = profiles.of(chunk);
  EXPECT_NEAR(all.time.si(), 4 + 3 * 3 + 1, kRounding);
  EXPECT_NEAR(seconds(all.tiles, Tile::Compute), 7, kRounding);
  EXPECT_NEAR(seconds(all.tiles, Tile::TensorComm), 6, kRounding);
  EXPECT_NEAR(seconds(all.tiles, Tile::Host), 1, kRounding);
  EXPECT_NEAR(all.launching.si(), 0.5 * 7, kRounding);
  EXPECT_NEAR(all.host_excess.si(), 0.5 - 4, kRounding) << "of the first kernel";
  EXPECT_TRUE(all.closed);
}

TEST(RoutineProfiles, ARoutineThatWaitsForItsOwnCommunicationIsClosed) {
  // Beside from 0 to 3; 1 s of compute, then it is awaited: 2 s of its tile.
  OutlineBench bench;
  const auto closed =
      bench.add({bench.collective(timed(3), Stream::TensorComm, Tile::TensorComm, {Step::kEntry}),
                 bench.compute(1), bench.compute(1, {0})});
  const auto open = bench.add(
      {bench.compute(1), bench.collective(timed(3), Stream::DataComm, Tile::DataComm, {0})});
  const CostTable costs = bench.costs(bench.outline);
  const OutlineIndex index(bench.outline);
  const LinkSlots links(bench.outline, costs);
  RoutineProfiles profiles(index, costs, links, Seconds(0), 0);
  EXPECT_TRUE(profiles.of(closed).closed);
  EXPECT_NEAR(profiles.of(closed).time.si(), 4, kRounding);
  EXPECT_NEAR(seconds(profiles.of(closed).tiles, Tile::TensorComm), 2, kRounding);
  EXPECT_FALSE(profiles.of(open).closed);
}

}  // namespace
}  // namespace orrery::engine_test
