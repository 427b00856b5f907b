// Collectives of some devices of a machine: one price, however they are asked for.
#include <gtest/gtest.h>

#include "properties/support.hpp"

namespace orrery::properties_test {
namespace {

constexpr const char* kTwoServers = R"(
system: {use: clusters/eos, servers: 2}
workload: {kind: collective, collective: all_reduce, bytes: 650 MB, dtype: bf16}
)";

double seconds(const char* machine, const Changes& changes) {
  const Library library({std::string(ORRERY_SOURCE_DIR) + "/configs"});
  const Registry registry = builtin_registry();
  return Simulation(make_scenario(parse_yaml(machine, "machine.yaml"), library, changes), registry)
      .run()
      .step.step_time.si();
}

double as_collective(const char* machine, const std::string& kind, const std::string& devices,
                     const Changes& more = {}) {
  return seconds(machine,
                 Changes{{"workload.collective", kind}, {"workload.devices", devices}} + more);
}

double as_transfer(const char* machine, const std::string& kind, const std::string& devices) {
  return seconds(machine,
                 {{"workload", "{kind: transfers, collectives: [{operation: " + kind +
                                   ", bytes: 650 MB, dtype: bf16, devices: " + devices + "}]}"}});
}

// Sums and quotients of a few doubles; SimGrid's clock beside.
constexpr double kExact = 1e-6;
const Changes kAnalytic = {{"run.fidelity", "analytic"}};

// The lone card of server 1 has one adapter of 50 GB/s, over which all of its 650 MB must leave.
TEST(CollectiveGroup, WithALoneCardWaitsForItsAdapter) {
  const std::string devices = "[0, 1, 2, 3, 4, 5, 6, 8]";
  EXPECT_GT(as_collective(kTwoServers, "all_reduce", devices), 650e6 / 50e9);
  // Seven eighths of what it sends to all, and of what it gathers, go through it.
  EXPECT_GT(as_collective(kTwoServers, "all_to_all", devices), 7.0 / 8 * 650e6 / 50e9);
  EXPECT_GT(as_collective(kTwoServers, "all_gather", devices), 7.0 / 8 * 650e6 / 50e9);
  // No faster than two cards with an adapter each, nor slower than a ring of eight such cards.
  EXPECT_GE(as_collective(kTwoServers, "all_reduce", devices),
            as_collective(kTwoServers, "all_reduce", "[0, 8]") * (1 - kExact));
}

TEST(CollectiveGroup, CostsTheSameInBothFidelitiesAndAsATransfer) {
  struct Case {
    const char* machine;
    const char* devices;
  };
  for (const Case& one : {Case{kTwoServers, "[0, 1, 2, 3, 4, 5, 6, 8]"},
                          {kTwoServers, "[0, 1, 8]"},
                          {kTwoServers, "[0, 1, 8, 9]"},
                          {kTwoServers, "[0, 3]"},
                          {kTwoServers, "[0, 8]"},
                          {kBridgedPairs, "[0, 1]"},
                          {kBridgedPairs, "[0, 4]"},
                          {kBridgedPairs, "[0, 1, 2, 3]"},
                          {kBridgedPairs, "[0, 1, 2, 3, 4, 5, 6, 7]"}}) {
    for (const char* kind : {"all_reduce", "all_gather", "all_to_all", "send_recv"}) {
      const double event = as_collective(one.machine, kind, one.devices);
      EXPECT_NEAR(as_collective(one.machine, kind, one.devices, kAnalytic) / event, 1, kExact)
          << kind << " " << one.devices;
      EXPECT_NEAR(as_transfer(one.machine, kind, one.devices) / event, 1, kExact)
          << kind << " " << one.devices;
    }
  }
}

// Where pairs get less of the fabric than neighbours do.
TEST(CollectiveGroup, ExchangesAlikeInBothFidelitiesBehindNarrowLeaves) {
  const Changes narrow = {{"system.servers", "64"},
                          {"system.fabric.oversubscription", "4"},
                          {"workload.collective", "all_to_all"},
                          {"workload.ranks", "512"}};
  const double event = seconds(kTwoServers, narrow);
  EXPECT_GT(event,
            1.5 * seconds(kTwoServers, narrow + Changes{{"system.fabric.oversubscription", "1"}}));
  EXPECT_NEAR(seconds(kTwoServers, narrow + kAnalytic) / event, 1, kExact);
}

// Groups {0, 4} to {3, 7} share the 96 GB/s between the sockets: 24 instead of a slot's 32. A ring
// of two moves its buffer once at 0.65 of that, and copies half of it at 300 GB/s
// (communication/pcie); starts and hops are below 0.1 ms of 30 s.
TEST(CollectiveGroup, MayHaveOthersOfItsShapeBesideIt) {
  const Changes large = {
      {"workload.bytes", "650 GB"},
      {"system.server.pcie.bandwidth", "32 GB/s"},
      {"system.server.cpu",
       "{launch_time: 4 us, socket_link: {bandwidth: 96 GB/s, latency: 0.1 us}}"}};
  const double idle = as_collective(kBridgedPairs, "all_reduce", "[0, 4]", large);
  const double alike = as_collective(kBridgedPairs, "all_reduce", "[0, 4]",
                                     large + Changes{{"workload.others", "alike"}});
  const auto expected = [](double rate) { return 650 / (0.65 * rate) + 650.0 / 2 / 300; };
  EXPECT_NEAR(idle / expected(32), 1, 1e-5);
  EXPECT_NEAR(alike / expected(24), 1, 1e-5);
}

// A longer wire adds to every hop: the ring of eight has 14, and NCCL's protocol stays the same.
TEST(CollectiveGroup, TakesTheWiresOfItsGraphIntoAccount) {
  const auto with_latency = [](const char* latency) {
    return as_collective(kBridgedPairs, "all_reduce", "[0, 1]",
                         {{"workload.bytes", "1 KB"}, {"system.server.links[0].latency", latency}});
  };
  // Two ranks: two hops. The hops of nvlink3 hold 0.4 us of wire.
  EXPECT_NEAR(with_latency("10.4 us") - with_latency("0.4 us"), 2 * 10e-6, 1e-12);
  EXPECT_NEAR(with_latency("0.4 us"), with_latency("0 us"), 1e-15);
}

}  // namespace
}  // namespace orrery::properties_test
