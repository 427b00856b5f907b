#include "job/step_cache.hpp"

#include <gtest/gtest.h>

#include "engine/cost_table.hpp"
#include "job/operation.hpp"

namespace orrery {
namespace {

KindPoints at(double celsius, double cap = 0) {
  return {{.die = Temperature::celsius(celsius), .cap = Watts(cap)}};
}

// Notes the temperatures that it is asked for.
struct Recorder {
  std::vector<double> asked;
  StepFunction function() {
    return [this](const KindPoints& points) {
      asked.push_back(points.front().die.kelvin());
      StepResult step;
      step.step_time = Seconds(points.front().die.kelvin());
      return step;
    };
  }
};

TEST(StepCache, SimulatesAtWholeKelvins) {
  Recorder recorder;
  StepCache cache(recorder.function());
  EXPECT_EQ(cache.at({{.die = Temperature::kelvin(340.4)}}).step_time, Seconds(340));
  EXPECT_EQ(cache.points().front().die, Temperature::kelvin(340));
}

TEST(StepCache, StaysUntilATemperatureIsThreeQuartersOfAKelvinAway) {
  Recorder recorder;
  StepCache cache(recorder.function());
  (void)cache.at({{.die = Temperature::kelvin(340.0)}});
  EXPECT_EQ(cache.at({{.die = Temperature::kelvin(340.7)}}).step_time, Seconds(340));
  EXPECT_EQ(cache.at({{.die = Temperature::kelvin(340.8)}}).step_time, Seconds(341));
  EXPECT_EQ(cache.at({{.die = Temperature::kelvin(340.3)}}).step_time, Seconds(341));
  EXPECT_EQ(recorder.asked.size(), 2U);
}

TEST(StepCache, RemembersEveryPoint) {
  Recorder recorder;
  StepCache cache(recorder.function());
  for (int i = 0; i < 3; ++i) {
    for (const double celsius : {50.0, 60.0, 70.0}) (void)cache.at(at(celsius));
  }
  EXPECT_EQ(cache.evaluations(), 3);
  EXPECT_EQ(recorder.asked.size(), 3U);
  (void)cache.at(at(50, 500));  // another cap is another point
  EXPECT_EQ(cache.evaluations(), 4);
}

TEST(Spread, WithoutASeedIsTheExpectationOverAllDevices) {
  const Spread spread = spread_of(4, 8, {});
  EXPECT_EQ(spread.slowest_server, -1);
  EXPECT_DOUBLE_EQ(spread.slowest, expected_slowest(32));
  EXPECT_DOUBLE_EQ(spread.others, spread.slowest);
}

TEST(Spread, OfASeedIsTheSameEveryTime) {
  const Spread a = spread_of(100, 8, 7);
  const Spread b = spread_of(100, 8, 7);
  EXPECT_EQ(a.slowest_server, b.slowest_server);
  EXPECT_EQ(a.slowest, b.slowest);
  EXPECT_NE(spread_of(100, 8, 8).slowest, a.slowest);
}

TEST(Spread, OfManySeedsIsAboutWhatIsExpected) {
  double slowest = 0, others = 0;
  constexpr int kSeeds = 200;
  for (std::uint64_t seed = 0; seed < kSeeds; ++seed) {
    const Spread spread = spread_of(20, 8, seed);
    EXPECT_GE(spread.slowest, spread.others);
    slowest += spread.slowest / kSeeds;
    others += spread.others / kSeeds;
  }
  // The standard error of 200 maxima is some 0.03.
  EXPECT_NEAR(slowest, expected_slowest(160), 0.1);
  // The other nineteen servers' slowest, without the very slowest.
  EXPECT_NEAR(others, (20 * expected_slowest(8) - slowest) / 19, 0.1);
}

}  // namespace
}  // namespace orrery
