#include <gtest/gtest.h>

#include <stdexcept>
#include <string>

#include <orrery/quantity.hpp>

namespace orrery {
namespace {

constexpr double kRounding = 1e-15;  // a scale such as 1e-3 is no exact double

void expect_si(const std::string& text, double si, Dimension dimension) {
  const Measure measure = parse_measure(text);
  EXPECT_NEAR(measure.value, si, kRounding * si) << text;
  EXPECT_EQ(measure.dimension, dimension) << text;
}

std::string problem_of(const std::string& text) {
  try {
    parse_measure(text);
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "no problem";
}

TEST(ParseMeasure, ReadsTimes) {
  expect_si("5 us", 5e-6, Seconds::kDimension);
  expect_si("5e-6 s", 5e-6, Seconds::kDimension);
  expect_si("2 min", 2.0 * 60, Seconds::kDimension);
  expect_si("1.5 h", 1.5 * 60 * 60, Seconds::kDimension);
  expect_si("1 day", 24.0 * 60 * 60, Seconds::kDimension);
}

TEST(ParseMeasure, KeepsPowersOf1000And1024Apart) {
  expect_si("80 GB", 80e9, Bytes::kDimension);
  expect_si("80 GiB", 80.0 * 1024 * 1024 * 1024, Bytes::kDimension);
  expect_si("1 TiB/s", 1024.0 * 1024 * 1024 * 1024, BytesPerSecond::kDimension);
}

TEST(ParseMeasure, ReadsABitAsAnEighthOfAByte) {
  expect_si("8 bit", 1.0, Bytes::kDimension);
  expect_si("400 Gbit/s", 400e9 / 8, BytesPerSecond::kDimension);
  expect_si("5 pJ/bit", 5e-12 * 8, JoulesPerByte::kDimension);
  expect_si("5 pJ/B", 5e-12, JoulesPerByte::kDimension);
}

TEST(ParseMeasure, ReadsComputePowerAndEnergy) {
  expect_si("312 TFLOP/s", 312e12, FlopsPerSecond::kDimension);
  expect_si("2 PFLOP", 2e15, Flops::kDimension);
  expect_si("700 W", 700.0, Watts::kDimension);
  expect_si("1 kWh", 1000.0 * 60 * 60, Joules::kDimension);
  expect_si("1.98 GHz", 1.98e9, Hertz::kDimension);
  expect_si("0.4 pJ/FLOP", 0.4e-12, JoulesPerFlop::kDimension);
}

TEST(ParseMeasure, ReadsABareNumberAsDimensionless) {
  expect_si("0.5", 0.5, Dimension{});
  expect_si(" +3 ", 3.0, Dimension{});
}

TEST(ParseMeasure, SuggestsTheUnitWhenOnlyCaseDiffers) {
  EXPECT_EQ(problem_of("5 mb"), "unknown unit 'mb'; did you mean 'MB'?");
  EXPECT_EQ(problem_of("5 gb/s"), "unknown unit 'gb/s'; did you mean 'GB/s'?");
}

TEST(ParseMeasure, SuggestsBitsWhenARateIsWrittenWithASmallB) {
  EXPECT_EQ(problem_of("400 Gb/s"), "unknown unit 'Gb/s'; did you mean 'Gbit/s'?");
  EXPECT_EQ(problem_of("400 Gbps"), "unknown unit 'Gbps'; did you mean 'Gbit/s'?");
}

TEST(ParseMeasure, RejectsWhatIsNoNumber) {
  for (const char* text : {"", " ", "fast", "GB", "-", "+-5 s"}) {
    EXPECT_EQ(problem_of(text), "it does not start with a number") << text;
  }
  EXPECT_EQ(problem_of("1,000 GB"), "the number is malformed after '1'");
  EXPECT_EQ(problem_of("1.2.3 GB"), "the number is malformed after '1.2'");
}

TEST(ParseMeasure, RejectsNumbersThatAreNotFinite) {
  EXPECT_EQ(problem_of("nan s"), "the number is not finite");
  EXPECT_EQ(problem_of("-inf s"), "the number is not finite");
  EXPECT_EQ(problem_of("1e999 s"), "the number is out of range");
  EXPECT_EQ(problem_of("1e308 TB"), "the number is out of range");
}

TEST(ParseMeasure, RejectsAUnitWithoutASpaceBefore) {
  EXPECT_EQ(problem_of("700W"), "no space before the unit; write '700 W'");
}

TEST(ParseMeasure, RejectsAUnitThatIsNearNothing) {
  EXPECT_EQ(problem_of("5 furlongs"), "unknown unit 'furlongs'");
}

TEST(Describe, NamesTheDimensionAndAnExampleThatParsesToIt) {
  const Dimension all[] = {Seconds::kDimension,       Hertz::kDimension,
                           Bytes::kDimension,         BytesPerSecond::kDimension,
                           Flops::kDimension,         FlopsPerSecond::kDimension,
                           Joules::kDimension,        Watts::kDimension,
                           JoulesPerFlop::kDimension, JoulesPerByte::kDimension};
  for (const Dimension dimension : all) {
    const std::string text = describe(dimension);
    const auto quote = text.find('\'');
    const std::string example = text.substr(quote + 1, text.size() - quote - 2);
    EXPECT_EQ(parse_measure(example).dimension, dimension) << text;
  }
  EXPECT_EQ(describe(BytesPerSecond::kDimension), "a bandwidth such as '50 GB/s'");
}

TEST(Describe, WritesOutADimensionWithoutAName) {
  EXPECT_EQ(describe({.joule = 1, .kelvin = -2, .second = -1}), "a quantity in J K^-2 s^-1");
}

}  // namespace
}  // namespace orrery
