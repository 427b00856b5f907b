#include <gtest/gtest.h>

#include <orrery/validation.hpp>

namespace orrery::study_test {
namespace {

// One case that is predicted 10 % too high.
SuiteResult ten_percent() {
  SuiteResult suite;
  suite.cases.emplace_back();
  suite.cases[0].measured = 2;
  suite.cases[0].predicted = 2.2;
  return suite;
}

TEST(SuiteGate, HoldsWithoutTargetAndCeiling) { EXPECT_EQ(ten_percent().failure(), ""); }

TEST(SuiteGate, FailsAboveTheCeiling) {
  SuiteResult suite = ten_percent();
  suite.ceiling = 0.11;
  EXPECT_EQ(suite.failure(), "");
  suite.ceiling = 0.09;
  EXPECT_EQ(suite.failure(), "mean 10.00 % is above its ceiling of 9.00 %");
  suite.target_mean = 0.05;
  suite.known_miss = "why";
  EXPECT_EQ(suite.failure(), "mean 10.00 % is above its ceiling of 9.00 %");
}

TEST(SuiteGate, FailsWhereATargetIsMissedUnknown) {
  SuiteResult suite = ten_percent();
  suite.target_mean = 0.05;
  EXPECT_EQ(suite.failure(), "the target is missed");
  suite.known_miss = "why";
  EXPECT_EQ(suite.failure(), "");
}

TEST(SuiteGate, FailsWhereAKnownMissIsNone) {
  SuiteResult suite = ten_percent();
  suite.known_miss = "why";
  EXPECT_EQ(suite.failure(), "known_miss without a target");
  suite.target_median = 0.2;
  EXPECT_EQ(suite.failure(), "known_miss, but the target is met");
}

TEST(SuiteGate, FailsWithoutCasesAndPredictions) {
  SuiteResult suite = ten_percent();
  suite.cases.emplace_back();
  EXPECT_EQ(suite.failure(), "1 of 2 cases have no prediction");
  suite.cases.clear();
  EXPECT_EQ(suite.failure(), "no cases");
}

}  // namespace
}  // namespace orrery::study_test
