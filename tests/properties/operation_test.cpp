/// What holds of power, heat and jobs whatever the scenario.
#include <algorithm>
#include <cmath>
#include <filesystem>

#include <gtest/gtest.h>

#include "properties/support.hpp"

namespace orrery::properties_test {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> scenario_files() {
  std::vector<std::string> files;
  for (const auto& entry :
       fs::recursive_directory_iterator(fs::path(ORRERY_SOURCE_DIR) / "scenarios")) {
    const std::string file = entry.path().string();
    const bool expected = file.ends_with("expected.yaml");
    const bool validation = file.find("/validation/") != std::string::npos;
    if (entry.path().extension() == ".yaml" && !expected && !validation) files.push_back(file);
  }
  std::sort(files.begin(), files.end());
  return files;
}

Report run_file(const std::string& file, const Changes& changes) {
  LoadOptions options;
  options.overrides = changes;
  const Registry registry = builtin_registry();
  return Simulation(load_scenario(file, options), registry).run();
}

class AnyScenario : public testing::TestWithParam<std::string> {};

// Electricity in = heat out + stored, over a cold start; and no device above its limits.
TEST_P(AnyScenario, KeepsItsEnergyAndItsLimits) {
  const Report report = run_file(
      GetParam(), {{"job", "{duration: 20 min, interval: 2 s}"}, {"run.fidelity", "analytic"}});
  if (!report.operation || !report.operation->job) GTEST_SKIP() << "no long work";
  const OperationReport& operation = *report.operation;
  EXPECT_LT(std::abs(operation.energy.balance_error), 1e-6);
  EXPECT_GT(operation.energy.total, Joules(0));
  const PowerReport& power = operation.power;
  EXPECT_NEAR(power.server_mean.si(),
              (power.devices + power.others + power.fans + power.supply_loss).si(),
              1e-9 * power.server_mean.si());
  EXPECT_NEAR(power.facility_mean.si(),
              (power.it_mean + power.distribution_loss + power.plant).si(),
              1e-9 * power.facility_mean.si());
  EXPECT_GE(power.device_peak, power.device_mean);
  // What crossed the boundary is the mean power times the time.
  EXPECT_NEAR(operation.energy.total.si(), (power.facility_mean * operation.job->duration).si(),
              0.002 * operation.energy.total.si());
  if (!operation.thermal) return;
  for (const DeviceThermal& device : operation.thermal->devices) {
    EXPECT_LE(device.power, Watts(1201)) << device.name;
    EXPECT_LE(device.clock_mean, Hertz(2112e6 * (1 + 1e-9))) << device.name;
    EXPECT_GE(device.highest, operation.thermal->inlet - Kelvins(1)) << device.name;
    EXPECT_GE(device.highest, device.mean - Kelvins(1e-6)) << device.name;
  }
}

std::string file_name(const testing::TestParamInfo<std::string>& info) {
  std::string name = fs::relative(info.param, fs::path(ORRERY_SOURCE_DIR) / "scenarios").string();
  for (char& c : name) {
    if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
  }
  return name;
}

INSTANTIATE_TEST_SUITE_P(Operation, AnyScenario, testing::ValuesIn(scenario_files()), file_name);

const Changes kOneServer = {{"system.servers", "1"}, {"run.fidelity", "analytic"}};

Watts device_power(const Report& report) { return report.operation->power.device_mean; }
double step_of(const Report& report) { return report.step.step_time.si(); }
double hottest(const Report& report) {
  double result = 0;
  for (const DeviceThermal& device : report.operation->thermal->devices) {
    result = std::max(result, device.highest.celsius());
  }
  return result;
}

// One kernel draws the same all the time, a little more than at the whole kelvin it is costed at.
TEST(Power, OfADeviceIsNowhereBelowItsMean) {
  const Library library({std::string(ORRERY_SOURCE_DIR) + "/configs"});
  const Node stream = parse_yaml(
      "system: {server: {use: servers/dgx-h100}}\n"
      "workload: {kind: stream, bytes: 10 GB, regime: sustained}\n",
      "stream.yaml");
  for (const char* inlet : {"18 degC", "22.3 degC", "25.6 degC"}) {
    const Scenario scenario =
        make_scenario(stream, library, {{"environment", std::string("{inlet: ") + inlet + "}"}});
    const PowerReport power = Simulation(scenario, builtin_registry()).run().operation->power;
    EXPECT_GE(power.device_peak, power.device_mean) << inlet;
  }
}

TEST(PowerCap, NeverRaisesPowerOrSpeed) {
  Report last = run(kOneServer);
  for (const char* cap : {"650 W", "600 W", "500 W", "400 W", "300 W", "220 W"}) {
    const Report report = run(kOneServer + Changes{{"run.cap", cap}});
    EXPECT_LE(device_power(report), device_power(last) * (1 + 1e-9)) << cap;
    EXPECT_GE(step_of(report), step_of(last) * (1 - 1e-9)) << cap;
    EXPECT_LE(device_power(report).si(), parse_measure(cap).value * (1 + 1e-9));
    EXPECT_LE(report.operation->power.device_peak.si(), parse_measure(cap).value * (1 + 1e-6))
        << cap;
    last = report;
  }
}

TEST(PowerCap, AtTheDevicesOwnLimitChangesNothing) {
  const Report free = run(kOneServer);
  const Report capped = run(kOneServer + Changes{{"run.cap", "700 W"}});
  EXPECT_NEAR(step_of(capped), step_of(free), 1e-7 * step_of(free));
  EXPECT_NEAR(device_power(capped).si(), device_power(free).si(), 1e-6 * device_power(free).si());
}

TEST(Clock, LockedLowerIsNeitherFasterNorHotter) {
  Report last = run(kOneServer);
  for (const char* clock : {"1800 MHz", "1500 MHz", "1200 MHz", "900 MHz"}) {
    const Report report = run(kOneServer + Changes{{"run.clock", clock}});
    EXPECT_GE(step_of(report), step_of(last) * (1 - 1e-9)) << clock;
    EXPECT_LE(hottest(report), hottest(last) + 0.1) << clock;
    for (const DeviceThermal& device : report.operation->thermal->devices) {
      EXPECT_LE(device.clock_mean.si(), parse_measure(clock).value * (1 + 1e-9));
    }
    last = report;
  }
}

// Steps are evaluated at whole kelvins: two dies less than a kelvin apart may be taken as equal.
TEST(Cooling, ABetterSinkIsNeverHotterNorSlower) {
  const Report usual = run(kOneServer);
  Report last = usual;
  for (const char* resistance : {"0.018 K/W", "0.012 K/W", "0.008 K/W", "0.004 K/W"}) {
    const Report report =
        run(kOneServer + Changes{{"system.server.cooling.die.to_sink", resistance}});
    if (resistance != std::string("0.018 K/W")) {
      EXPECT_LE(hottest(report), hottest(last) + 0.1) << resistance;
      EXPECT_LE(step_of(report), step_of(last) * (1 + 1e-7)) << resistance;
    }
    last = report;
  }
}

TEST(Cooling, WarmerAirIsNeverFaster) {
  double last_step = 0, last_hottest = 0;
  for (const char* inlet : {"15 degC", "25 degC", "35 degC", "45 degC", "55 degC"}) {
    const Report report =
        run(kOneServer + Changes{{"environment", std::string("{inlet: ") + inlet + "}"}});
    EXPECT_GE(step_of(report), last_step * (1 - 1e-7)) << inlet;
    EXPECT_GE(hottest(report), last_hottest - 0.1) << inlet;
    last_step = step_of(report);
    last_hottest = hottest(report);
  }
}

// Fans hold air-cooled dies near their set point; plates and tanks do not have any.
TEST(Cooling, LiquidIsCoolerAndNoSlowerThanAir) {
  const Report air = run(kOneServer);
  const Report liquid =
      run(kOneServer + Changes{{"system.server.cooling", "{use: cooling/liquid-8gpu-h100}"}});
  EXPECT_LT(hottest(liquid), hottest(air));
  EXPECT_LE(step_of(liquid), step_of(air));
  EXPECT_LT(liquid.operation->power.fans, air.operation->power.fans);
}

TEST(Energy, OfTheTilesIsThatOfTheBoard) {
  for (const char* fidelity : {"event", "analytic"}) {
    const Report report = run({{"run.fidelity", fidelity}});
    const EnergyReport& energy = report.operation->energy;
    Joules tiles{};
    for (const Joules tile : energy.device_step_by_phase) tiles += tile;
    EXPECT_NEAR(tiles.si(), energy.device_step.total().si(),
                1e-9 * energy.device_step.total().si());
  }
}

TEST(Energy, OfBothFidelitiesAgree) {
  const Joules event = run({{"run.fidelity", "event"}}).operation->energy.device_step.total();
  const Joules analytic = run({{"run.fidelity", "analytic"}}).operation->energy.device_step.total();
  EXPECT_NEAR(analytic / event, 1, 0.02);
}

// Kernels beside communication are slowed, and take what they take alone: the trace spreads that,
// where the sum also counts what waiting draws in the added time.
TEST(PowerTrace, HoldsTheEnergyOfTheStep) {
  const Report report = run({{"record", "{step: true}"}});
  ASSERT_EQ(report.step.power.size(), report.rank_names.size());
  for (std::size_t rank = 0; rank < report.step.power.size(); ++rank) {
    const PowerTrace& trace = report.step.power[rank];
    EXPECT_EQ(trace.front().time, Seconds(0));
    EXPECT_EQ(trace.back().time, report.step.step_time);
    Joules sum{};
    for (std::size_t i = 0; i + 1 < trace.size(); ++i) {
      EXPECT_GE(trace[i].power, Watts(0));
      sum += trace[i].power * (trace[i + 1].time - trace[i].time);
    }
    const Joules energy = report.step.rank_energy[rank].board.total();
    EXPECT_NEAR(sum / energy, 1, 0.05) << report.rank_names[rank];
  }
}

Report job(const std::string& map, const Changes& changes = {}) {
  return run(kOneServer + Changes{{"job", map}} + changes);
}

TEST(Job, RunsItsSteps) {
  const Report report = job("{steps: 100, start: settled}");
  const JobReport& result = *report.operation->job;
  EXPECT_NEAR(result.steps, 100, 1e-6);
  EXPECT_NEAR(result.duration.si(), 100 * step_of(report), 0.005 * result.duration.si());
  EXPECT_NEAR(result.tokens, 100 * report.throughput->tokens_per_second * step_of(report),
              1e-6 * result.tokens);
}

TEST(Job, RunsUntilItsTokens) {
  const Report report = job("{tokens: 20e6}");
  EXPECT_NEAR(report.operation->job->tokens, 20e6, 20);
}

TEST(Job, WaitsForItsCheckpoints) {
  const Report report = job("{steps: 100, checkpoint: {every: 30, takes: 7 s}, start: settled}");
  const JobReport& result = *report.operation->job;
  EXPECT_NEAR(result.checkpoint.si(), 3 * 7, 1e-6);  // after 30, 60 and 90 steps
  EXPECT_NEAR(result.steps, 100, 1e-6);
}

TEST(Job, FollowsACapAndLetsItGo) {
  const Report report =
      job("{duration: 300 s, start: settled, events: "
          "[{at: 100 s, until: 200 s, what: cap, cap: 300 W}]}",
          {{"record", "{interval: 10 s}"}});
  const TimeSeries& series = report.operation->job_series;
  const auto column = static_cast<std::size_t>(
      std::find(series.columns.begin(), series.columns.end(), "step_time_s") -
      series.columns.begin());
  const auto at = [&](double time) {
    for (const auto& row : series.rows) {
      if (row.front() >= time) return row[column];
    }
    return 0.0;
  };
  EXPECT_GT(at(150), 1.2 * at(50));
  EXPECT_NEAR(at(290), at(50), 0.01 * at(50));
}

TEST(Job, OfAServerWithoutFansShutsDownAndSaysWhy) {
  const Report report = run({{"system.servers", "2"},
                             {"run.fidelity", "analytic"},
                             {"job",
                              "{duration: 2 h, start: settled, events: [{at: 60 s, what: "
                              "fans, servers: [1], left: 0}]}"}});
  const JobReport& result = *report.operation->job;
  EXPECT_LT(result.duration, Seconds(7200));
  EXPECT_NE(result.stopped.find("server1.gpu"), std::string::npos) << result.stopped;
  EXPECT_NE(result.stopped.find("fans failed at 1.000 min"), std::string::npos) << result.stopped;
  EXPECT_GT(result.slowed + result.throttled, Seconds(0));
  EXPECT_FALSE(report.operation->job_series.empty());
}

TEST(Job, OfASeedHasItsSlowestServerApart) {
  const Report report = run({{"run.seed", "5"}, {"run.fidelity", "analytic"}});
  std::size_t servers = 0;
  for (const DeviceThermal& device : report.operation->thermal->devices) {
    if (device.name.ends_with("gpu0")) ++servers;
  }
  EXPECT_EQ(servers, 2U);
  const Report again = run({{"run.seed", "5"}, {"run.fidelity", "analytic"}});
  EXPECT_NEAR(step_of(again), step_of(report), 1e-9 * step_of(report));
}

}  // namespace
}  // namespace orrery::properties_test
