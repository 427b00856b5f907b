#include "job/weather.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>

#include <orrery/error.hpp>

namespace orrery {
namespace {

namespace fs = std::filesystem;

// A table in a folder of its own, named by a YAML file beside it.
class Weathers : public testing::Test {
 protected:
  void SetUp() override {
    const auto* test = testing::UnitTest::GetInstance()->current_test_info();
    folder_ = fs::path(testing::TempDir()) / ("weather_" + std::string(test->name()));
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  WeatherSeries read(const std::string& table, const std::string& keys = "") {
    std::ofstream(folder_ / "w.csv") << table;
    Diagnostics diagnostics;
    const Node node = parse_yaml("{file: w.csv" + keys + "}", (folder_ / "s.yaml").string());
    WeatherSeries series = WeatherSeries::read(Reader(node, "weather", diagnostics));
    diagnostics.throw_if_any();
    return series;
  }
  std::string problem(const std::string& table, const std::string& keys = "") {
    try {
      (void)read(table, keys);
    } catch (const ConfigError& error) {
      return error.what();
    }
    return "";
  }
  fs::path folder_;
};

constexpr const char* kTable = "hour,dry_bulb_c,wet_bulb_c\n0,20,15\n1,24,16\n2,30,20\n";

TEST_F(Weathers, GoesStraightBetweenHours) {
  const WeatherSeries series = read(kTable);
  EXPECT_NEAR(series.at(Seconds(1800)).dry_bulb.celsius(), 22, 1e-9);
  EXPECT_NEAR(series.at(Seconds(5400)).wet_bulb.celsius(), 18, 1e-9);
  EXPECT_NEAR(series.at(Seconds(7200)).dry_bulb.celsius(), 30, 1e-9);
  EXPECT_EQ(series.duration(), Seconds(7200));
}

TEST_F(Weathers, StartsWhereItIsTold) {
  const WeatherSeries series = read(kTable, ", start: 1 h");
  EXPECT_NEAR(series.at(Seconds(0)).dry_bulb.celsius(), 24, 1e-9);
  EXPECT_EQ(series.duration(), Seconds(3600));
}

TEST_F(Weathers, NamesTheMissingHour) {
  const std::string found = problem("hour,dry_bulb_c,wet_bulb_c\n0,20,15\n2,30,20\n");
  EXPECT_NE(found.find("w.csv:3:1: hour 1 is missing"), std::string::npos) << found;
}

TEST_F(Weathers, RefusesWhatAirCannotBe) {
  EXPECT_NE(problem("hour,dry_bulb_c,wet_bulb_c\n0,20,25\n1,20,15\n").find("wet_bulb_c is above"),
            std::string::npos);
  EXPECT_NE(problem("hour,dry_bulb_c,wet_bulb_c\n0,200,15\n1,20,15\n").find("got 200"),
            std::string::npos);
  EXPECT_NE(problem("hour,dry_bulb_c,wet_bulb_c\n0,warm,15\n1,20,15\n").find("got 'warm'"),
            std::string::npos);
  EXPECT_NE(problem("hour,dry_bulb_c\n0,20\n").find("no column 'wet_bulb_c'"), std::string::npos);
  EXPECT_NE(problem(kTable, ", start: 5 h").find("the table ends after 2 h"), std::string::npos);
}

TEST(Weather, IsConstantWithoutATable) {
  Diagnostics diagnostics;
  const WeatherSeries series = WeatherSeries::read(
      Reader(parse_yaml("{dry_bulb: 30 degC}", "s.yaml"), "weather", diagnostics));
  EXPECT_TRUE(diagnostics.empty());
  EXPECT_NEAR(series.at(Seconds(1e6)).dry_bulb.celsius(), 30, 1e-9);
  EXPECT_TRUE(std::isinf(series.duration().si()));
}

}  // namespace
}  // namespace orrery
