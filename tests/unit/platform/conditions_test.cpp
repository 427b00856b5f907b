// Devices that differ from the others: slow clocks, degraded links, servers of another build.
#include <gtest/gtest.h>

#include <orrery/error.hpp>

#include "unit/platform/support.hpp"

namespace orrery::platform_test {
namespace {

// By device, the clocks of a machine of 4 servers of 8.
std::vector<double> clocks(const Platform& platform) {
  std::vector<double> result;
  for (int device = 0; device < platform.devices(); ++device) {
    result.push_back(platform.kinds()[static_cast<std::size_t>(platform.kind(device))].clock);
  }
  return result;
}

Platform degraded(const std::string& list) { return platform_with({{"degraded", list}}); }

template <class Is>
void expect_slow(const Platform& platform, double clock, Is is) {
  const std::vector<double> found = clocks(platform);
  for (int device = 0; device < platform.devices(); ++device) {
    const bool slow = is(device / 8, device % 8);
    EXPECT_EQ(found[static_cast<std::size_t>(device)], slow ? clock : 1.0) << device;
    EXPECT_EQ(platform.condition(device) != 0, slow) << device;
  }
}

TEST(Conditions, AMachineWithoutAnyIsUniform) {
  const Platform platform = platform_with({});
  EXPECT_TRUE(platform.uniform());
  ASSERT_EQ(platform.kinds().size(), 1U);
  EXPECT_EQ(platform.kinds()[0].devices, 32);
  EXPECT_EQ(platform.kinds()[0].clock, 1);
  EXPECT_EQ(platform.kinds()[0].accelerator.get(), &platform.accelerator());
  for (const int device : {0, 13, 31}) {
    EXPECT_EQ(platform.kind(device), 0);
    EXPECT_EQ(platform.condition(device), 0);
  }
}

TEST(Conditions, NameOneDevice) {
  const Platform platform = degraded("[{devices: server3.gpu5, clock: 0.5}]");
  expect_slow(platform, 0.5, [](int server, int gpu) { return server == 3 && gpu == 5; });
  EXPECT_FALSE(platform.uniform());
  ASSERT_EQ(platform.kinds().size(), 2U);
  EXPECT_EQ(platform.kinds()[0].devices, 31);
  EXPECT_EQ(platform.kinds()[1].devices, 1);
  EXPECT_EQ(platform.kinds()[1].accelerator.get(), &platform.accelerator());
}

TEST(Conditions, NameAPositionOfEveryServer) {
  const Platform platform = degraded("[{devices: '*.gpu7', clock: 0.75}]");
  expect_slow(platform, 0.75, [](int, int gpu) { return gpu == 7; });
  EXPECT_EQ(platform.kinds()[1].devices, 4);
}

TEST(Conditions, NameAServer) {
  expect_slow(degraded("[{devices: server2.*, clock: 0.75}]"), 0.75,
              [](int server, int) { return server == 2; });
  expect_slow(degraded("[{devices: server2.gpu*, clock: 0.75}]"), 0.75,
              [](int server, int) { return server == 2; });
}

TEST(Conditions, NameEveryDevice) {
  const Platform platform = degraded("[{devices: '*.*', clock: 0.75}]");
  expect_slow(platform, 0.75, [](int, int) { return true; });
  EXPECT_EQ(platform.kinds()[0].devices, 0);
  EXPECT_EQ(platform.kinds()[1].devices, 32);
}

TEST(Conditions, SlicesAndTpusAreNamesToo) {
  expect_slow(degraded("[{devices: slice1.tpu2, clock: 0.5}]"), 0.5,
              [](int server, int gpu) { return server == 1 && gpu == 2; });
}

TEST(Conditions, OfSeveralEntriesMultiply) {
  const Platform platform = degraded(
      "[{devices: server1.*, clock: 0.5}, {devices: '*.gpu3', clock: 0.25, scale_up: 0.5},"
      " {devices: server1.gpu3, scale_up: 0.5, scale_out: 0.25}]");
  const std::vector<double> found = clocks(platform);
  EXPECT_EQ(found[0], 1);
  EXPECT_EQ(found[3], 0.25);
  EXPECT_EQ(found[8 + 2], 0.5);
  EXPECT_EQ(found[8 + 3], 0.125);
  const std::vector<int> pair = {8 + 3, 16 + 3};
  const std::vector<int> healthy = {8 + 2, 16 + 2};
  const GroupLayout layout = platform.layout(pair), other = platform.layout(healthy);
  EXPECT_NEAR(layout.within.ring.bandwidth / other.within.ring.bandwidth, 0.25, kExact);
  EXPECT_NEAR(layout.between.ring.bandwidth / other.between.ring.bandwidth, 0.25, kExact);
}

TEST(Conditions, WithNothingLostAreNone) {
  const Platform platform = degraded("[{devices: server1.gpu3, clock: 1, scale_out: 1}]");
  EXPECT_TRUE(platform.uniform());
  EXPECT_EQ(platform.kinds().size(), 1U);
}

TEST(Conditions, OfLinksAreNoKindOfDevice) {
  const Platform platform = degraded("[{devices: server1.gpu3, scale_up: 0.5}]");
  EXPECT_FALSE(platform.uniform());
  EXPECT_EQ(platform.kinds().size(), 1U);
  EXPECT_EQ(platform.kind(8 + 3), 0);
  EXPECT_NE(platform.condition(8 + 3), platform.condition(8 + 2));
}

TEST(Conditions, EqualOnesAreOne) {
  const Platform platform =
      degraded("[{devices: server1.gpu3, clock: 0.5}, {devices: server2.gpu0, clock: 0.5}]");
  EXPECT_EQ(platform.condition(8 + 3), platform.condition(16));
  ASSERT_EQ(platform.kinds().size(), 2U);
  EXPECT_EQ(platform.kinds()[1].devices, 2);
}

TEST(Conditions, AGroupTalksAsItsSlowestMember) {
  const Platform healthy = platform_with({});
  const Platform platform = degraded(
      "[{devices: server0.gpu1, scale_up: 0.5}, {devices: server1.gpu2, scale_out: 0.25}]");
  const std::vector<int> inside = {0, 1, 2, 3}, others = {4, 5, 6, 7}, across = {2, 10};
  EXPECT_NEAR(
      platform.layout(inside).within.ring.bandwidth / healthy.layout(inside).within.ring.bandwidth,
      0.5, kExact);
  EXPECT_EQ(platform.layout(others), healthy.layout(others));
  const GroupLayout slow = platform.layout(across), fast = healthy.layout(across);
  EXPECT_EQ(slow.within.ring.bandwidth, fast.within.ring.bandwidth);
  EXPECT_NEAR(slow.between.ring.bandwidth / fast.between.ring.bandwidth, 0.25, kExact);
  EXPECT_NEAR(slow.between.alone / fast.between.alone, 0.25, kExact);
  EXPECT_NEAR(slow.between.to_all.bandwidth.si(), 0.25 * fast.between.to_all.bandwidth.si(),
              kExact * fast.between.ring.bandwidth.si());
  EXPECT_EQ(slow.between.ring.latency, fast.between.ring.latency);
}

/// Memory as the `accelerator` map says, in bytes.
class SizedAccelerator final : public Accelerator {
 public:
  explicit SizedAccelerator(Bytes memory) : memory_(memory) {}
  [[nodiscard]] const std::string& name() const override { return name_; }
  [[nodiscard]] Bytes memory_capacity() const override { return memory_; }
  [[nodiscard]] FlopsPerSecond peak(Dtype) const override { return FlopsPerSecond(1); }
  [[nodiscard]] bool supports(Dtype) const override { return true; }
  [[nodiscard]] BytesPerSecond memory_bandwidth() const override { return BytesPerSecond(1); }
  [[nodiscard]] int multiprocessors() const override { return 1; }
  [[nodiscard]] Cost cost(const Work&, const OperatingPoint&) const override { return {}; }

 private:
  Bytes memory_;
  std::string name_ = "sized";
};

std::string other_server(int memory, const std::string& scale_up, const std::string& nic) {
  return "{name: other, accelerator: {memory: " + std::to_string(memory) +
         "}, accelerators: 8, scale_up: {kind: nvlink, bandwidth: " + scale_up +
         ", latency: 0.4 us, switches: 6}, cpu: {launch_time: 4 us, socket_link: {bandwidth: 96 "
         "GB/s, latency: 0.1 us}}, sockets: 2, pcie: {bandwidth: 32 GB/s, latency: 0.25 us, "
         "devices_per_switch: 2}, nic: {bandwidth: " +
         nic + ", latency: 0.3 us}, nics: 8}";
}

Platform mixed_platform(const Changes& changes) {
  Diagnostics diagnostics;
  Node system = system_with({{"server.accelerator", "{memory: 80}"}});
  for (const auto& [path, value] : changes) {
    system = system.with_value_at(path, parse_yaml(value, "change.yaml"));
  }
  Reader reader(system, "system", diagnostics);
  Platform platform(reader, [](Reader& of) {
    const double memory = static_cast<double>(of.integer("memory", 1));
    of.finish();
    return std::make_shared<const SizedAccelerator>(Bytes(memory));
  });
  diagnostics.throw_if_any();
  return platform;
}

TEST(MixedServers, FillTheMachineFromItsEnd) {
  // Server 3 is of the first other build, server 2 of the second.
  const Platform platform = mixed_platform(
      {{"mixed", "[{servers: 1, server: " + other_server(40, "300 GB/s", "200 Gbit/s") +
                     "}, {servers: 1, server: " + other_server(60, "300 GB/s", "200 Gbit/s") +
                     "}]"}});
  ASSERT_EQ(platform.kinds().size(), 3U);
  const std::vector<double> memory = {80, 80, 60, 40};
  for (int device = 0; device < 32; ++device) {
    const DeviceKind& kind = platform.kinds()[static_cast<std::size_t>(platform.kind(device))];
    EXPECT_EQ(kind.accelerator->memory_capacity(),
              Bytes(memory[static_cast<std::size_t>(device / 8)]))
        << device;
  }
  EXPECT_EQ(platform.kinds()[0].devices, 16);
  EXPECT_EQ(platform.kinds()[1].devices, 8);
  EXPECT_EQ(platform.kinds()[2].devices, 8);
  EXPECT_EQ(platform.accelerator().memory_capacity(), Bytes(80));
  EXPECT_EQ(platform.memory_capacity(), Bytes(40)) << "of the device that has least";
}

TEST(MixedServers, AGroupOfBothTalksAsTheSlower) {
  // The other build has half of the links inside and twice their latency, and half of the NICs'.
  const Platform platform = mixed_platform(
      {{"mixed", "[{servers: 2, server: " + other_server(80, "150 GB/s", "100 Gbit/s") + "}]"}});
  const std::vector<int> first = {0, 1}, last = {30, 31}, both = {0, 24}, slow = {16, 24};
  EXPECT_NEAR(gigabytes_per_second(platform.layout(first).within.ring.bandwidth), 300,
              300 * kExact);
  EXPECT_NEAR(gigabytes_per_second(platform.layout(last).within.ring.bandwidth), 150, 150 * kExact);
  const GroupLayout across = platform.layout(both);
  EXPECT_NEAR(gigabytes_per_second(across.within.ring.bandwidth), 150, 150 * kExact);
  EXPECT_NEAR(gigabytes_per_second(across.between.ring.bandwidth), 12.5, 12.5 * kExact);
  EXPECT_EQ(across.between.alone, platform.layout(slow).between.alone);
  EXPECT_GE(across.between.ring.latency, platform.layout(slow).between.ring.latency);
  EXPECT_GT(platform.layout(last).within.ring.latency, platform.layout(first).within.ring.latency);
}

TEST(MixedServers, MayBeDegradedToo) {
  const Platform platform = mixed_platform(
      {{"mixed", "[{servers: 1, server: " + other_server(40, "150 GB/s", "200 Gbit/s") + "}]"},
       {"degraded", "[{devices: '*.gpu0', clock: 0.5, scale_up: 0.5}]"}});
  ASSERT_EQ(platform.kinds().size(), 4U);  // two accelerators at two clocks
  EXPECT_NE(platform.kind(0), platform.kind(24));
  const std::vector<int> group = {24, 25};
  EXPECT_NEAR(gigabytes_per_second(platform.layout(group).within.ring.bandwidth), 75, 75 * kExact);
}

std::string first_error(const Changes& changes) {
  try {
    (void)mixed_platform(changes);
  } catch (const ConfigError& error) {
    return error.messages().front();
  }
  return "";
}

TEST(Conditions, ReportNamesThatAreNone) {
  const std::string expected =
      "devices: expected names of devices such as server0.gpu3, *.gpu7 or server0.*, up to "
      "server3.gpu7; got '";
  for (const std::string name :
       {"server4.gpu0", "server0.gpu8", "server0", "gpu0", "*", "server0.", ".gpu0", "server0.nic0",
        "server1x.gpu0", "server0.gpu", "rack0.gpu0"}) {
    const std::string said = first_error({{"degraded", "[{devices: '" + name + "', clock: 0.5}]"}});
    EXPECT_NE(said.find(expected + name + "'"), std::string::npos) << name << ": " << said;
  }
}

TEST(Conditions, ReportRatiosThatAreNone) {
  for (const char* key : {"clock", "scale_up", "scale_out"}) {
    for (const char* value : {"0", "2", "-1"}) {
      const std::string said = first_error(
          {{"degraded", std::string("[{devices: '*.*', ") + key + ": " + value + "}]"}});
      EXPECT_NE(said.find(std::string(key) + ": expected "), std::string::npos) << said;
    }
  }
  EXPECT_NE(first_error({{"degraded", "[{clock: 0.5}]"}}).find("missing key 'devices'"),
            std::string::npos);
  EXPECT_NE(first_error({{"degraded", "[{devices: '*.*', clok: 0.5}]"}}).find("'clok'"),
            std::string::npos);
}

TEST(MixedServers, LeaveOneOfTheOrdinary) {
  const std::string server = other_server(40, "300 GB/s", "200 Gbit/s");
  for (const char* count : {"4", "5"}) {
    const std::string said =
        first_error({{"mixed", std::string("[{servers: ") + count + ", server: " + server + "}]"}});
    EXPECT_NE(said.find(std::string("servers: expected fewer than the 4 that are left of the "
                                    "system's 4; got ") +
                        count),
              std::string::npos)
        << said;
  }
  const std::string two =
      "[{servers: 2, server: " + server + "}, {servers: 2, server: " + server + "}]";
  EXPECT_NE(first_error({{"mixed", two}}).find("expected fewer than the 2 that are left"),
            std::string::npos);
}

}  // namespace
}  // namespace orrery::platform_test
