// Which devices the numbers of a report are about.
#include <gtest/gtest.h>

#include "properties/support.hpp"

namespace orrery::properties_test {
namespace {

const Changes kKernel = {{"workload", "{kind: gemm, m: 8192, n: 8192, k: 8192, regime: sustained}"},
                         {"system.servers", "2"}};

TEST(AKernel, HeatsTheDeviceThatItRunsOn) {
  const Report report = run(kKernel);
  EXPECT_EQ(report.devices, 1);
  EXPECT_EQ(report.machine_devices, 16);
  EXPECT_EQ(report.device_names, "server0.gpu0");
  const PowerReport& power = report.operation->power;
  EXPECT_EQ(power.servers, 1);
  EXPECT_EQ(power.idle_devices, 7);
  // The mean is of the one that works: its energy over the step.
  const double drawn = (report.step.energy.board.total() / report.step.step_time).si();
  EXPECT_NEAR(power.device_mean.si(), drawn, 1e-9 * drawn);
  EXPECT_GT(power.device_mean, 3.0 * power.idle_mean);
  const Watts all = power.device_mean + 7.0 * power.idle_mean;
  EXPECT_NEAR(power.devices.si(), all.si(), 1e-9 * all.si());
}

TEST(AKernel, IsRatedByTheDeviceThatItRunsOn) {
  // A server of A100, with less than a third of the peak, beside it changes nothing.
  const double alone = run(kKernel).throughput->mfu;
  const Changes mixed = {{"system.mixed", "[{servers: 1, server: {use: servers/dgx-a100}}]"}};
  EXPECT_NEAR(run(kKernel + mixed).throughput->mfu, alone, 1e-9);
}

TEST(AReport, NamesTheDevicesOfTheJob) {
  const auto names = [](const std::string& who) {
    const Report report =
        run({{"workload", "{kind: collective, collective: all_reduce, bytes: 1 MB, " + who + "}"}});
    return report.device_names;
  };
  EXPECT_EQ(names("ranks: 12"), "server0.gpu0 to server1.gpu3");
  EXPECT_EQ(names("devices: [server3.gpu7, 0]"), "server0.gpu0, server3.gpu7");
  EXPECT_EQ(names("devices: [0, 1, 2, 3, 4, 31]"),
            "server0.gpu0, server0.gpu1, server0.gpu2, server0.gpu3 and 2 more");
}

}  // namespace
}  // namespace orrery::properties_test
