// What a summary says to people, from reports made by hand.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include <orrery/report.hpp>

namespace orrery {
namespace {

Report transfers_report() {
  Report report;
  report.scenario = "made";
  report.system = "a box";
  report.accelerator = "Chip";
  report.devices = 4;
  report.machine_devices = 8;
  report.device_names = "server0.gpu0 to server0.gpu3";
  report.throughput.emplace();
  report.throughput->step_time = Seconds(2);
  report.transfers = {{.name = "server0.gpu0 > server0.cpu0",
                       .bytes = gigabytes(20),
                       .time = Seconds(2),
                       .bandwidth = gigabytes(10) / Seconds(1),
                       .alone = Seconds(1),
                       .alone_limit = "server0.gpu0>server0.switch0",
                       .busiest = "server0.switch0>server0.cpu0",
                       .busiest_activity = 0.95},
                      {.name = "server0.ssd0 > server0.cpu0",
                       .bytes = gigabytes(5),
                       .time = Seconds(1),
                       .bandwidth = gigabytes(5) / Seconds(1),
                       .alone = Seconds(1),
                       .alone_limit = "server0.ssd0.read",
                       .busiest = "server0.ssd0.read",
                       .busiest_activity = 1},
                      {.name = "all_reduce of 4",
                       .bytes = gigabytes(4),
                       .time = Seconds(1),
                       .bandwidth = gigabytes(4) / Seconds(1),
                       .bus_bandwidth = gigabytes(6) / Seconds(1),
                       .algorithm = "ring",
                       .protocol = "simple",
                       .alone = Seconds(1)}};
  return report;
}

bool says(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST(Summary, OfTransfersSaysWhatHeldThemUp) {
  const std::string text = to_summary(transfers_report());
  EXPECT_TRUE(says(text,
                   "slowed by others: server0.switch0>server0.cpu0 is 95 % busy; alone 1 s, "
                   "limited by server0.gpu0>server0.switch0\n") ||
              says(text,
                   "slowed by others: server0.switch0>server0.cpu0 is 95 % busy; alone 1.000 "
                   "s, limited by server0.gpu0>server0.switch0\n"))
      << text;
  EXPECT_TRUE(says(text, "\n    limited by server0.ssd0.read\n")) << text;
}

TEST(Summary, OfTransfersNamesBothBandwidthsOfACollectiveAndItsAlgorithm) {
  const std::string text = to_summary(transfers_report());
  EXPECT_TRUE(says(text, "algorithm bandwidth 4.000 GB/s, bus bandwidth 6.000 GB/s; ring / simple"))
      << text;
  const auto json = nlohmann::json::parse(to_json(transfers_report()));
  EXPECT_EQ(json["transfers"][2]["algorithm"], "ring");
  EXPECT_EQ(json["transfers"][2]["bus_bandwidth_bytes_per_s"], 6e9);
  EXPECT_FALSE(json["transfers"][0].contains("algorithm"));
  EXPECT_EQ(json["transfers"][0]["alone_limit"], "server0.gpu0>server0.switch0");
  EXPECT_EQ(json["transfers"][0]["busiest"], "server0.switch0>server0.cpu0");
}

// Transfers name their parts; a job says where in the machine it is.
TEST(Summary, HeadsWithTheMachineAndWhatIsAtWork) {
  Report report = transfers_report();
  EXPECT_TRUE(says(to_summary(report), "\na box, 8 x Chip\n")) << to_summary(report);
  report.transfers.clear();
  EXPECT_TRUE(
      says(to_summary(report), "\na box, 8 x Chip; 4 at work: server0.gpu0 to server0.gpu3\n"))
      << to_summary(report);
  report.devices = 8;
  EXPECT_TRUE(says(to_summary(report), "\na box, 8 x Chip\n")) << to_summary(report);
}

}  // namespace
}  // namespace orrery
