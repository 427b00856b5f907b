/// Power of a GPU's board and the clock that its cap leaves.
#include <gtest/gtest.h>

#include <cmath>

#include <orrery/error.hpp>

#include "accelerator/gpu_power.hpp"
#include "models/accelerator/gpu_support.hpp"

namespace orrery::accelerator::test {
namespace {

// A board of 300 W: 40 W fixed, 20 W leaking at 65 degC, 100 W of clock, 1 pJ a FLOP; half of the
// voltage up to 500 MHz, all of it at 1500.
PowerSpec hand_made() {
  PowerSpec spec;
  spec.limit = Watts(300);
  spec.lowest_cap = Watts(100);
  spec.idle = Watts(30);
  spec.fixed = Watts(40);
  spec.leakage = Watts(20);
  spec.leakage_growth = PerKelvin(0.01);
  spec.clock = Watts(100);
  spec.energy[Dtype::Bf16] = JoulesPerFlop(1e-12);
  spec.memory = JoulesPerByte(100e-12);
  spec.link = JoulesPerByte(40e-12);
  spec.polling = 0.1;
  spec.stalled = 0.2;
  spec.voltage = {{.clock = Hertz(500e6), .ratio = 0.5}, {.clock = Hertz(1500e6), .ratio = 1.0}};
  spec.lowest_clock = Hertz(300e6);
  spec.clock_step = Hertz(100e6);
  spec.spread = 0.05;
  return spec;
}

// 1 s of arithmetic on all multiprocessors at the highest clock.
KernelDemand product_of(double teraflops) {
  return {.compute = Seconds(1),
          .reference = Hertz(1500e6),
          .active = 1,
          .flops = Flops(teraflops * 1e12)};
}

OperatingPoint capped(double watts, double celsius = 65) {
  OperatingPoint point;
  point.temperature = Temperature::celsius(celsius);
  point.power_cap = Watts(watts);
  return point;
}

TEST(GpuPower, AddsUpItsParts) {
  const GpuPower power(hand_made());
  const BoardPower top = power.at(product_of(120), Hertz(1500e6), Temperature::celsius(65));
  EXPECT_DOUBLE_EQ(top.fixed.si(), 40);
  EXPECT_DOUBLE_EQ(top.leakage.si(), 20);
  EXPECT_DOUBLE_EQ(top.clock.si(), 100);
  EXPECT_NEAR(top.compute.si(), 120, 1e-9);
  // At 1000 MHz: V = 0.75; the kernel takes 1.5 s.
  const BoardPower slow = power.at(product_of(120), Hertz(1000e6), Temperature::celsius(85));
  EXPECT_NEAR(slow.leakage.si(), 20 * 0.75 * std::exp(0.01 * 20), 1e-9);
  EXPECT_NEAR(slow.clock.si(), 100 * 0.75 * 0.75 / 1.5, 1e-9);
  EXPECT_NEAR(slow.compute.si(), 0.75 * 0.75 * 120 / 1.5, 1e-9);
}

TEST(GpuPower, CountsMemoryByItsBytesAndStalledUnitsByTheirShare) {
  const GpuPower power(hand_made());
  const KernelDemand copy = {
      .memory = Seconds(2), .active = 1, .dtype = Dtype::Fp32, .bytes = Bytes(2e12)};
  const BoardPower found = power.at(copy, Hertz(1500e6), Temperature::celsius(65));
  EXPECT_NEAR(found.memory.si(), 100, 1e-9);  // 1 TB/s x 100 pJ/B
  EXPECT_NEAR(found.clock.si(), 100 * 0.2, 1e-9);
}

TEST(GpuPower, RisesWithTheClock) {
  const GpuPower power(hand_made());
  Watts last{};
  for (double mhz = 300; mhz <= 1500; mhz += 20) {
    const Watts now = power.at(product_of(150), Hertz(mhz * 1e6), Temperature::celsius(60)).total();
    EXPECT_GT(now, last) << mhz;
    last = now;
  }
}

TEST(GpuPower, MeetsTheCapBetweenTwoStepsOfItsLadder) {
  const GpuPower power(hand_made());
  for (const double cap : {120.0, 150.0, 200.0, 250.0}) {
    const Resolved found = power.resolve(product_of(150), capped(cap));
    EXPECT_TRUE(found.capped);
    EXPECT_LT(found.clock, Hertz(1500e6));
    EXPECT_NEAR(found.power.total().si(), cap, 1e-9 * cap);
    // Between steps of 100 MHz power bends: the straight line is off by less than 2 %.
    const BoardPower there = power.at(product_of(150), found.clock, Temperature::celsius(65));
    EXPECT_NEAR(there.total().si(), cap, 0.02 * cap) << cap;
  }
}

TEST(GpuPower, RunsAtTheTopWhereTheCapAllows) {
  const GpuPower power(hand_made());
  const Resolved found = power.resolve(product_of(100), capped(0));  // 260 W of 300
  EXPECT_FALSE(found.capped);
  EXPECT_EQ(found.clock, Hertz(1500e6));
  EXPECT_NEAR(found.power.total().si(), 260, 1e-9);
  EXPECT_NEAR(found.time.si(), 1, 1e-12);
}

TEST(GpuPower, NeverGainsFromALowerCapOrAHotterDie) {
  const GpuPower power(hand_made());
  Hertz last(1e12);
  for (double cap = 300; cap >= 110; cap -= 10) {
    const Hertz now = power.resolve(product_of(150), capped(cap)).clock;
    EXPECT_LE(now, last);
    last = now;
  }
  last = Hertz(1e12);
  for (double celsius = 30; celsius <= 95; celsius += 5) {
    const Hertz now = power.resolve(product_of(150), capped(200, celsius)).clock;
    EXPECT_LT(now, last);
    last = now;
  }
}

TEST(GpuPower, PausesWhereTheLowestClockDrawsTooMuch) {
  const GpuPower power(hand_made());
  KernelDemand copy = {
      .memory = Seconds(1), .active = 1, .dtype = Dtype::Fp32, .bytes = Bytes(1.5e12)};
  const Resolved free = power.resolve(copy, capped(300));
  const Resolved found = power.resolve(copy, capped(120));
  // 150 W of memory traffic, 40 fixed, 10 leaking, 1 of clock (0.2 of 100 W x 0.25 x 0.2): what is
  // above the 50 W at rest has to fit into 70 W.
  EXPECT_NEAR(found.time / free.time, (150 + 1) / 70.0, 1e-6);
  EXPECT_NEAR(found.power.total().si(), 120, 1e-9);
}

TEST(GpuPower, SlowestOfManyIsSlowerAtTheSamePower) {
  const GpuPower power(hand_made());
  OperatingPoint point = capped(200);
  const Resolved one = power.resolve(product_of(150), point);
  point.slowest_deviations = 2;
  const Resolved slowest = power.resolve(product_of(150), point);
  EXPECT_LT(slowest.clock, one.clock);
  EXPECT_NEAR(slowest.power.total().si(), 200, 1e-9);  // the mean device draws its cap, too
  // Where no cap holds it, the slowest is as fast, and the mean device draws what it drew.
  EXPECT_NEAR(power.resolve(product_of(20), point).power.total().si(), 40 + 20 + 100 + 20, 1e-9);
}

TEST(GpuPower, KeepsToALockedClock) {
  const GpuPower power(hand_made());
  OperatingPoint point;
  point.clock_limit = Hertz(1234e6);
  EXPECT_EQ(power.resolve(product_of(50), point).clock, Hertz(1200e6));  // a step of the ladder
  point.clock_limit = Hertz(1e6);
  EXPECT_EQ(power.resolve(product_of(50), point).clock, Hertz(300e6));
  point.clock_limit = Hertz(1e10);
  EXPECT_EQ(power.resolve(product_of(50), point).clock, Hertz(1500e6));
}

TEST(GpuPower, LeavesLessToAKernelBesideCommunication) {
  const GpuPower power(hand_made());
  OperatingPoint point = capped(200);
  const Hertz alone = power.resolve(product_of(150), point).clock;
  point.beside = Watts(30);
  EXPECT_LT(power.resolve(product_of(150), point).clock, alone);
  EXPECT_NEAR(power.resolve(product_of(150), point).power.total().si(), 170, 1e-9);
}

TEST(GpuPower, KnowsItsStates) {
  const GpuPower power(hand_made());
  const OperatingPoint warm = capped(0, 65);
  EXPECT_DOUBLE_EQ(power.idle(Temperature::celsius(30)).total().si(), 30);
  EXPECT_DOUBLE_EQ(power.held(warm).total().si(), 60);
  EXPECT_DOUBLE_EQ(power.communicating(warm, {}, {}).total().si(), 70);
  EXPECT_DOUBLE_EQ(
      power.communicating(warm, BytesPerSecond(1e12), BytesPerSecond(1e11)).total().si(),
      70 + 40 + 10);
}

std::string mistakes(const std::string& change) {
  try {
    gpu("{use: accelerators/h100-sxm-80gb, power: {" + change + "}}");
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "";
}

TEST(GpuPower, ReportsImpossibleCurves) {
  const auto expect = [](const std::string& change, const std::string& word) {
    const std::string found = mistakes(change);
    EXPECT_NE(found.find(word), std::string::npos) << change << " got: " << found;
  };
  expect(
      "voltage: [{clock: 1200 MHz, ratio: 0.7}, {clock: 1000 MHz, ratio: 0.8}, {clock: 1980 "
      "MHz, ratio: 1.0}]",
      "clocks that rise");
  expect(
      "voltage: [{clock: 1000 MHz, ratio: 0.9}, {clock: 1200 MHz, ratio: 0.8}, {clock: 1980 "
      "MHz, ratio: 1.0}]",
      "ratios that do not fall");
  expect("voltage: [{clock: 1000 MHz, ratio: 0.9}]", "expected the last point at ratio 1");
  expect("lowest_cap: 90 W", "expected more than the 142.0 W that the held device draws");
  expect("lowest_cap: 900 W", "at most the limit");
  expect("lowest_clock: 2 GHz", "expected less than the boost clock");
  expect("die: {operating: 95 degC}", "operating < slowdown < shutdown");
  expect("energy: {bf16: 0 pJ/FLOP}", "must be greater than zero");
}

}  // namespace
}  // namespace orrery::accelerator::test
