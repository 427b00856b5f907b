// Every folder of scenarios/ runs and gives what its expected.yaml says.
#include <algorithm>
#include <cmath>
#include <filesystem>

#include <gtest/gtest.h>

#include <orrery/builtin.hpp>
#include <orrery/reader.hpp>
#include <orrery/simulation.hpp>

#include "scenarios/process.hpp"

namespace orrery {
namespace {

namespace fs = std::filesystem;

const fs::path kScenarios = fs::path(ORRERY_SOURCE_DIR) / "scenarios";

std::vector<std::string> scenario_names() {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(kScenarios)) {
    const std::string folder = entry.path().filename().string();
    if (folder == "validation" || !entry.is_directory()) continue;
    if (fs::exists(entry.path() / "scenario.yaml")) {
      names.push_back(folder);
      continue;
    }
    for (const auto& file : fs::directory_iterator(entry.path())) {  // several that go together
      const bool expected = file.path().string().ends_with(".expected.yaml");
      if (!expected && file.path().extension() == ".yaml")
        names.push_back(folder + "/" + file.path().stem().string());
    }
  }
  std::sort(names.begin(), names.end());
  return names;
}

struct Expectation {
  std::string metric;
  std::string times;  // multiplies by this metric; empty for none
  std::string per;    // divides by this one
  double value = 0;
  double tolerance = 0;  // relative
  std::string reason;
};

std::vector<Expectation> read_expectations(const fs::path& file) {
  constexpr double kAny = 1e30;
  Diagnostics diagnostics;
  Reader reader(load_yaml(file), "expected.yaml", diagnostics);
  std::vector<Expectation> result;
  for (Reader& entry : reader.children("expected")) {
    result.push_back({.metric = entry.text("metric"),
                      .times = entry.text_or("times", ""),
                      .per = entry.text_or("per", ""),
                      .value = entry.ratio("value", -kAny, kAny),
                      .tolerance = entry.ratio("tolerance", 0, 1),
                      .reason = entry.text("reason")});
    entry.finish();
  }
  reader.finish();
  diagnostics.throw_if_any();
  return result;
}

// Of a name: a folder, or a file in one.
fs::path scenario_of(const std::string& name) {
  const fs::path folder = kScenarios / name;
  return fs::is_directory(folder) ? folder : fs::path(folder.string() + ".yaml");
}

fs::path expected_of(const std::string& name) {
  const fs::path folder = kScenarios / name;
  return fs::is_directory(folder) ? folder / "expected.yaml"
                                  : fs::path(folder.string() + ".expected.yaml");
}

class ScenarioFolder : public testing::TestWithParam<std::string> {};

void expect_metrics(const Report& report, const std::vector<Expectation>& expectations) {
  for (const Expectation& e : expectations) {
    const double got = metric(report, e.metric) *
                       (e.times.empty() ? 1.0 : metric(report, e.times)) /
                       (e.per.empty() ? 1.0 : metric(report, e.per));
    EXPECT_NEAR(got, e.value, std::abs(e.value) * e.tolerance) << e.metric << ": " << e.reason;
    EXPECT_FALSE(e.reason.empty()) << e.metric;
  }
}

// Adding 11 tiles of doubles loses a few units in the last place.
constexpr double kRounding = 1e-12;

void expect_tiles_sum_to_the_step(const Report& report) {
  ASSERT_TRUE(report.throughput);
  const double step = report.throughput->step_time.si();
  const auto sum = [](const Tiles& tiles) {
    double total = 0;
    for (const Seconds tile : tiles) {
      EXPECT_GE(tile.si(), 0);
      total += tile.si();
    }
    return total;
  };
  EXPECT_NEAR(sum(report.step.breakdown), step, step * kRounding);
  for (const Tiles& rank : report.step.rank_tiles) EXPECT_NEAR(sum(rank), step, step * kRounding);
  EXPECT_LE(report.step.critical_path.si(), step * (1 + kRounding));
}

TEST_P(ScenarioFolder, GivesWhatIsExpected) {
  const fs::path file = expected_of(GetParam());
  ASSERT_TRUE(fs::exists(file)) << "a scenario states what it expects: write " << file;
  const auto expectations = read_expectations(file);
  ASSERT_FALSE(expectations.empty());
  const Registry registry = builtin_registry();
  const Report report = Simulation(load_scenario(scenario_of(GetParam())), registry).run();
  expect_metrics(report, expectations);
  expect_tiles_sum_to_the_step(report);
}

TEST_P(ScenarioFolder, GivesTheSameBytesInFreshProcesses) {
  const std::vector<std::string> arguments{"run", scenario_of(GetParam()).string(), "--json", "-"};
  const Finished first = run_orrery(arguments);
  const Finished second = run_orrery(arguments);
  EXPECT_EQ(first.exit_code, 0);
  EXPECT_FALSE(first.output.empty());
  EXPECT_EQ(first.output, second.output);
}

std::string test_name(const testing::TestParamInfo<std::string>& info) {
  std::string name = info.param;
  std::replace(name.begin(), name.end(), '-', '_');
  std::replace(name.begin(), name.end(), '/', '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(Scenarios, ScenarioFolder, testing::ValuesIn(scenario_names()), test_name);

}  // namespace
}  // namespace orrery
