#include "job/governor.hpp"

#include <gtest/gtest.h>

namespace orrery {
namespace {

// A device of 1000 MHz whose die may reach 80, 90 and 100 degC and its memory 85, 95 and 105.
class Device final : public PowerModel {
 public:
  [[nodiscard]] BoardPower idle(Temperature) const override { return {}; }
  [[nodiscard]] BoardPower held(const OperatingPoint&) const override { return {}; }
  [[nodiscard]] BoardPower communicating(const OperatingPoint&, BytesPerSecond,
                                         BytesPerSecond) const override {
    return {};
  }
  [[nodiscard]] Watts memory_at_rest() const override { return Watts(0); }
  [[nodiscard]] PerKelvin leakage_growth() const override { return PerKelvin(0); }
  [[nodiscard]] Watts limit() const override { return Watts(500); }
  [[nodiscard]] Watts lowest_cap() const override { return Watts(100); }
  [[nodiscard]] Hertz highest_clock() const override { return Hertz(1e9); }
  [[nodiscard]] Hertz lowest_clock() const override { return Hertz(2e8); }
  [[nodiscard]] double spread() const override { return 0; }
  [[nodiscard]] const ThermalLimits& die_limits() const override { return die_; }
  [[nodiscard]] const ThermalLimits& memory_limits() const override { return memory_; }

 private:
  ThermalLimits die_{.operating = Temperature::celsius(80),
                     .slowdown = Temperature::celsius(90),
                     .shutdown = Temperature::celsius(100)};
  ThermalLimits memory_{.operating = Temperature::celsius(85),
                        .slowdown = Temperature::celsius(95),
                        .shutdown = Temperature::celsius(105)};
};

constexpr Hertz kClock(8e8);
constexpr Seconds kSecond(1);

class GovernorTest : public testing::Test {
 protected:
  void update(double die, double memory = 50) {
    governor_.update(Temperature::celsius(die), Temperature::celsius(memory), kClock, kSecond);
  }
  Device device_;
  Governor governor_{device_};
};

TEST_F(GovernorTest, LeavesACoolDeviceAlone) {
  for (int i = 0; i < 100; ++i) update(79.9);
  EXPECT_EQ(governor_.state(), Governor::State::Free);
  EXPECT_EQ(governor_.limit(), Hertz(0));
}

TEST_F(GovernorTest, RampsDownFromThePresentClockAboveOperating) {
  update(82);
  EXPECT_EQ(governor_.state(), Governor::State::Ramped);
  EXPECT_LT(governor_.limit(), kClock);
  EXPECT_GT(governor_.limit(), 0.9 * kClock);
  const Hertz first = governor_.limit();
  update(82);
  EXPECT_LT(governor_.limit(), first);
}

TEST_F(GovernorTest, NeverGoesBelowTheLadder) {
  for (int i = 0; i < 1000; ++i) update(89);
  EXPECT_EQ(governor_.limit(), device_.lowest_clock());
}

TEST_F(GovernorTest, HalvesAtSlowdown) {
  update(90);
  EXPECT_EQ(governor_.state(), Governor::State::Slowed);
  EXPECT_EQ(governor_.limit(), Hertz(5e8));
}

TEST_F(GovernorTest, DoesNotGoUpAtSlowdown) {
  for (int i = 0; i < 1000; ++i) update(89);  // down to the lowest clock
  update(91);
  EXPECT_EQ(governor_.limit(), device_.lowest_clock());
}

TEST_F(GovernorTest, ActsOnTheMemoryToo) {
  update(50, 86);
  EXPECT_EQ(governor_.state(), Governor::State::Ramped);
  update(50, 95);
  EXPECT_EQ(governor_.state(), Governor::State::Slowed);
  update(50, 105);
  EXPECT_EQ(governor_.state(), Governor::State::ShutDown);
}

TEST_F(GovernorTest, ShutsDownForGood) {
  update(100);
  EXPECT_EQ(governor_.state(), Governor::State::ShutDown);
  update(30);
  EXPECT_EQ(governor_.state(), Governor::State::ShutDown);
}

TEST_F(GovernorTest, LetsGoWhenItHasCooledDown) {
  for (int i = 0; i < 10; ++i) update(83);
  for (int i = 0; i < 1000 && governor_.state() != Governor::State::Free; ++i) update(70);
  EXPECT_EQ(governor_.state(), Governor::State::Free);
  EXPECT_EQ(governor_.limit(), Hertz(0));
}

// A die of 60 s whose excess over the room goes as the clock settles at its limit, without swinging
// by more than a kelvin.
TEST_F(GovernorTest, HoldsTheOperatingTemperature) {
  double excess = 40;  // K above a room of 30 degC
  double low = 1e9, high = 0;
  for (int i = 0; i < 4000; ++i) {
    update(30 + excess);
    const double clock = governor_.limit() > Hertz(0) ? governor_.limit().si() : 1e9;
    excess += (70 * clock / 1e9 - excess) / 60;
    if (i < 3000) continue;
    low = std::min(low, excess);
    high = std::max(high, excess);
  }
  EXPECT_NEAR(low, 50, 1.0);
  EXPECT_NEAR(high, 50, 1.0);
}

}  // namespace
}  // namespace orrery
