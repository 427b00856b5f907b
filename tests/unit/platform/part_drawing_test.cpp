// The drawing of a machine, line by line.
#include <gtest/gtest.h>

#include "unit/platform/support.hpp"

namespace orrery::platform_test {
namespace {

constexpr const char* kDrawn = R"(
name: box
server:
  accelerator: {}
  accelerators: 3
  scale_up: {kind: links}
  sockets: 1
  pcie_switches: 1
  storage: {count: 1, read: 7 GB/s, write: 5 GB/s, latency: 80 us}
  links:
    - {kind: pcie, bandwidth: 32 GB/s, latency: 0.5 us, between: [[gpu0, pcie_switch0], [gpu1, pcie_switch0], [gpu2, pcie_switch0], [pcie_switch0, cpu0]]}
  cpu: {launch_time: 4 us}
)";

// Each link under both of its ends, with what it carries from there; equal components in one.
TEST(Drawing, HasEveryLinkUnderBothOfItsEnds) {
  const Platform machine = platform_of(parse_yaml(kDrawn, "test.yaml"));
  EXPECT_EQ(whole(machine).drawing(),
            "server0.gpu0 to gpu2\n"
            "  hbm      2.000 TB/s    hbm\n"
            "  pcie     32.00 GB/s    pcie_switch0\n"
            "server0.pcie_switch0\n"
            "  pcie     32.00 GB/s    gpu0 to gpu2, cpu0\n"
            "server0.cpu0\n"
            "  pcie     32.00 GB/s    pcie_switch0\n"
            "  drive    5.000 GB/s out, 7.000 GB/s in  ssd0\n"
            "server0.ssd0\n"
            "  drive    7.000 GB/s out, 5.000 GB/s in  cpu0\n");
}

// A leaf takes eight adapters of each of two servers, and names them whole.
TEST(Drawing, NamesPartsOfServersFromOutside) {
  const Platform machine = platform_with({});
  const std::string text = whole(machine).drawing();
  EXPECT_NE(text.find("leaf0"), std::string::npos);
  EXPECT_NE(text.find("server0.nic0 to server0.nic7, server1.nic0 to server1.nic7"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("server3.gpu0, gpu1\n"), std::string::npos) << text;
}

}  // namespace
}  // namespace orrery::platform_test
