/// Power, temperature and job in the summary and in JSON, from a report made by hand.
#include <gtest/gtest.h>

#include <sstream>

#include <nlohmann/json.hpp>

#include <orrery/error.hpp>
#include <orrery/report.hpp>

namespace orrery {
namespace {

Report hand_made() {
  Report report;
  report.scenario = "made";
  report.throughput.emplace();
  report.throughput->step_time = Seconds(2);
  OperationReport& operation = report.operation.emplace();
  operation.power = {.machine = true,
                     .servers = 4,
                     .device_mean = Watts(600),
                     .device_peak = Watts(700),
                     .devices = Watts(4800),
                     .others = Watts(1500),
                     .fans = Watts(500),
                     .supply_loss = Watts(400),
                     .server_mean = Watts(7200),
                     .server_peak = Watts(7300),
                     .network = Watts(1200),
                     .it_mean = Watts(30000),
                     .distribution_loss = Watts(1000),
                     .plant = Watts(5000),
                     .facility_mean = Watts(36000),
                     .pue = 1.2};
  operation.energy.step = Joules(72000);
  operation.energy.token = Joules(0.072);
  operation.energy.total = Joules(3.6e9);
  ThermalReport& thermal = operation.thermal.emplace();
  thermal.inlet = thermal.room = Temperature::celsius(22);
  thermal.outlet = thermal.exhaust = Temperature::celsius(36);
  thermal.lifetime_factor = 0.8;
  for (const double hot : {55.0, 71.0}) {
    DeviceThermal device;
    device.name = hot < 60 ? "server0.gpu0" : "server0.gpu7";
    device.mean = Temperature::celsius(hot - 1);
    device.highest = Temperature::celsius(hot);
    device.memory_highest = Temperature::celsius(hot + 9);
    thermal.devices.push_back(device);
  }
  JobReport& job = operation.job.emplace();
  job.horizon = Seconds(7200);
  job.duration = Seconds(3600);
  job.steps = 1800;
  job.throttled = Seconds(60);
  job.throttle_cause = "server0.gpu7 die at 87.1 degC, its limit 87.0 degC";
  job.stopped = "server0.gpu7 die at 95.0 degC";
  return report;
}

TEST(OperationJson, EndsItsKeysInTheirUnit) {
  const auto json = nlohmann::json::parse(to_json(hand_made()));
  EXPECT_EQ(json["power"]["device_mean_w"], 600.0);
  EXPECT_EQ(json["power"]["server_fans_w"], 500.0);
  EXPECT_EQ(json["power"]["pue"], 1.2);
  EXPECT_EQ(json["energy"]["total_j"], 3.6e9);
  EXPECT_NEAR(json["thermal"]["hottest_c"].get<double>(), 71, 1e-9);
  EXPECT_EQ(json["thermal"]["devices"][1]["name"], "server0.gpu7");
  EXPECT_EQ(json["job"]["throttled_s"], 60.0);
  EXPECT_EQ(json["job"]["stopped"], "server0.gpu7 die at 95.0 degC");
}

TEST(OperationJson, LeavesOutWhatIsNotKnown) {
  Report report = hand_made();
  report.operation->power.machine = false;
  report.operation->thermal.reset();
  report.operation->job.reset();
  const auto json = nlohmann::json::parse(to_json(report));
  EXPECT_FALSE(json["power"].contains("server_mean_w"));
  EXPECT_FALSE(json.contains("thermal"));
  EXPECT_FALSE(json.contains("job"));
  EXPECT_FALSE(json["energy"].contains("total_j"));
}

TEST(Metric, TakesIndices) {
  EXPECT_NEAR(metric(hand_made(), "thermal.devices[0].max_c"), 55, 1e-9);
  EXPECT_THROW((void)metric(hand_made(), "thermal.devices[2].max_c"), ConfigError);
  EXPECT_THROW((void)metric(hand_made(), "thermal.devices[x].max_c"), ConfigError);
  EXPECT_THROW((void)metric(hand_made(), "thermal.devices"), ConfigError);
}

TEST(OperationSummary, FitsATerminalAndSaysWhatMatters) {
  const std::string text = to_summary(hand_made());
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    std::size_t width = 0;
    for (const char c : line) width += (static_cast<unsigned char>(c) & 0xc0) != 0x80 ? 1 : 0;
    EXPECT_LE(width, 110U) << line;
  }
  for (const char* part : {"PUE 1.200", "600.0 W mean", "hottest   server0.gpu7", "max 71.0",
                           "1800 steps", "1000 kWh", "stopped", "its limit 87.0 degC"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << " in\n" << text;
  }
}

TEST(OperationSummary, SaysWhoseEnergyItIs) {
  Report report = hand_made();
  EXPECT_NE(to_summary(report).find("(the facility)"), std::string::npos);
  report.operation->power.pue = 0;
  EXPECT_NE(to_summary(report).find("(all IT)"), std::string::npos);
  report.operation->power.machine = false;
  report.devices = 32;
  EXPECT_NE(to_summary(report).find("(all 32 devices)"), std::string::npos);
  report.devices = 1;
  EXPECT_NE(to_summary(report).find("(the device)"), std::string::npos);
}

TEST(OperationSummary, SaysOfAnIdleDeviceThatItIs) {
  Report report = hand_made();
  report.operation->thermal->devices[1].clock_mean = Hertz(1.4e9);
  const std::string text = to_summary(report);
  EXPECT_EQ(text.find("0 Hz"), std::string::npos) << text;
  const std::size_t coolest = text.find("coolest   server0.gpu0");
  ASSERT_NE(coolest, std::string::npos);
  EXPECT_NE(text.substr(coolest, text.find('\n', coolest) - coolest).find(", idle"),
            std::string::npos)
      << text;
}

}  // namespace
}  // namespace orrery
