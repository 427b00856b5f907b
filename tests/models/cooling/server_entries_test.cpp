// The entries of configs/cooling against what was published of such servers.
#include <gtest/gtest.h>

#include "models/cooling/server_support.hpp"

namespace orrery::cooling_test {
namespace {

// arXiv:2507.16781: eight H100 under load, 54-72 degC in air and 41-50 degC on cold plates; 25 degC
// at the inlet is assumed. The published ends have the spread between parts in them, ours only that
// between rows, so each end is met within 4 K.
constexpr double kNear = 4;
const Temperature kInlet = Temperature::celsius(25);
constexpr Watts kLoad(690);
constexpr Watts kOthers(1500);

Driven settled(const ServerCooling& cooling, int devices, Watts load, Watts others) {
  Driven server(cooling, devices);
  for (int i = 0; i < 600; ++i) server.step(load, others, kInlet, Seconds(2));
  return server;
}

TEST(ServerEntries, H100InAirAsPublished) {
  const auto cooling = entry("air-8gpu-h100");
  const Driven server = settled(*cooling, 8, kLoad, kOthers);
  EXPECT_NEAR(server.network.die(0).celsius(), 54, kNear);
  EXPECT_NEAR(server.network.hottest_die().celsius(), 72, kNear);
  EXPECT_NEAR(server.speed, 0.8, 0.03);  // at which the flow is rated
}

TEST(ServerEntries, H100OnColdPlatesAsPublished) {
  const auto cooling = entry("liquid-8gpu-h100");
  const Driven server = settled(*cooling, 8, kLoad, kOthers);
  EXPECT_NEAR(server.network.die(0).celsius(), 41, kNear);
  EXPECT_NEAR(server.network.hottest_die().celsius(), 50, kNear);
}

// DGX H100: 1105 CFM at 80 %, and 16.8 K from 10.2 kW.
TEST(ServerEntries, H100AirTakesUpItsRating) {
  const auto cooling = entry("air-8gpu-h100");
  const double flow = 1105 * 0.3048 * 0.3048 * 0.3048 / 60;
  const double density = 101325 / (287.05 * 298.15);
  EXPECT_NEAR(cooling->whole_stream(0.8, kInlet).si(), flow * density * 1006,
              1e-3 * flow * density * 1006);  // 1381 CFM is rounded
  EXPECT_NEAR(10200 / cooling->whole_stream(0.8, kInlet).si(), 16.8, 0.5);
}

struct Expected {
  const char* name;
  int devices;
  double load;    // W
  double others;  // W
  double inlet;   // degC
  double most;    // degC, where the vendor slows the device down
};

TEST(ServerEntries, AllStayBelowSlowdownAtFullLoad) {
  for (const Expected& it : {Expected{"air-8gpu-h100", 8, 700, 1500, 30, 89},
                             {"air-8gpu-a100", 8, 400, 1500, 30, 89},
                             {"air-8gpu-b200", 8, 1000, 2500, 30, 89},
                             {"air-8gpu-v100", 8, 300, 900, 30, 83},
                             {"liquid-8gpu-h100", 8, 700, 1500, 45, 89},
                             {"liquid-nvl72", 72, 1200, 46000, 45, 89},
                             {"liquid-tpu-v4", 64, 192, 5000, 30, 89},
                             {"immersion-8gpu-h100", 8, 700, 1500, 40, 89}}) {
    const auto cooling = entry(it.name);
    EXPECT_FALSE(cooling->caveat().empty()) << it.name;
    Driven server(*cooling, it.devices);
    for (int i = 0; i < 300; ++i)
      server.step(Watts(it.load), Watts(it.others), Temperature::celsius(it.inlet), Seconds(5));
    EXPECT_LT(server.network.hottest_die().celsius(), it.most) << it.name;
    EXPECT_GT(server.network.hottest_die().celsius(), it.inlet + 10) << it.name;
    EXPECT_LT(server.network.hottest_memory().celsius(), 95) << it.name;
  }
}

}  // namespace
}  // namespace orrery::cooling_test
