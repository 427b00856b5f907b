#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include <orrery/quantity.hpp>

namespace orrery {
namespace {

TEST(ToText, ShowsFourSignificantDigitsWithAFittingPrefix) {
  EXPECT_EQ(to_text(Seconds(1.234e-3)), "1.234 ms");
  EXPECT_EQ(to_text(Bytes(80e9)), "80.00 GB");
  EXPECT_EQ(to_text(BytesPerSecond(3.35e12)), "3.350 TB/s");
  EXPECT_EQ(to_text(FlopsPerSecond(989.4e12)), "989.4 TFLOP/s");
  EXPECT_EQ(to_text(Hertz(1.98e9)), "1.980 GHz");
  EXPECT_EQ(to_text(Watts(10200)), "10.20 kW");
}

TEST(ToText, ShowsLongTimesInMinutesHoursAndDays) {
  EXPECT_EQ(to_text(Seconds(90)), "1.500 min");
  EXPECT_EQ(to_text(Seconds(2.0 * 3600)), "2.000 h");
  EXPECT_EQ(to_text(Seconds(54.0 * 86400)), "54.00 day");
}

TEST(ToText, CarriesIntoTheNextPrefixWhenRoundingReachesIt) {
  EXPECT_EQ(to_text(Seconds(999.96e-6)), "1.000 ms");
  EXPECT_EQ(to_text(Seconds(999.94e-6)), "999.9 us");
  EXPECT_EQ(to_text(Seconds(59.9999)), "1.000 min");
}

TEST(ToText, ShowsZeroNegativeAndNotFiniteValues) {
  EXPECT_EQ(to_text(Seconds(0)), "0 s");
  EXPECT_EQ(to_text(Seconds(-1.5e-3)), "-1.500 ms");
  EXPECT_EQ(to_text(Watts(std::numeric_limits<double>::infinity())), "inf W");
  EXPECT_EQ(to_text(Bytes(0.5)), "0.5000 B");
}

template <class Q>
void expect_round_trip(double si) {
  constexpr double kFourDigits = 5e-4;  // half a unit of the fourth digit of 1.000
  const Measure back = parse_measure(to_text(Q(si)));
  EXPECT_EQ(back.dimension, Q::kDimension) << si;
  EXPECT_NEAR(back.value, si, kFourDigits * std::abs(si));
}

TEST(ToText, IsReadBackByParseMeasureOverTwentyDecades) {
  for (double si = 1.2345e-3; si < 1e17; si *= 3.7) {
    expect_round_trip<Seconds>(si * 1e-6);
    expect_round_trip<Bytes>(si);
    expect_round_trip<BytesPerSecond>(si);
    expect_round_trip<FlopsPerSecond>(si);
    expect_round_trip<Hertz>(si);
    expect_round_trip<Watts>(si);
  }
}

}  // namespace
}  // namespace orrery
