#include <filesystem>

#include <gtest/gtest.h>

#include <orrery/error.hpp>

#include "unit/platform/support.hpp"

namespace orrery::platform_test {
namespace {

TEST(Platform, NamesItsPartsByPlace) {
  const Platform platform = platform_with({});
  for (const char* name :
       {"server3.gpu5", "server3.gpu5.hbm", "server0.nvswitch", "server2.pcie_switch3",
        "server1.cpu1", "server0.nic7", "leaf0", "leaf1", "spine0"}) {
    EXPECT_GE(find(platform, name), 0) << name;
  }
  EXPECT_EQ(platform.device_name(3 * 8 + 5), "server3.gpu5");
  EXPECT_EQ(whole(platform).component_of_device(3 * 8 + 5), find(platform, "server3.gpu5"));
}

TEST(Platform, BuildsAsManySwitchesAsPortsAsk) {
  // Two servers a leaf, 16 uplinks; three leaves on a spine of 40 ports with 8 cables each: two
  // spines.
  const Platform platform = platform_with({{"servers", "5"}});
  EXPECT_EQ(count(platform, ComponentKind::LeafSwitch), 3);
  EXPECT_EQ(count(platform, ComponentKind::SpineSwitch), 2);
  EXPECT_EQ(count(platform, ComponentKind::PcieSwitch), 5 * 4);
  const Route up = route(platform, "leaf0", "spine1");
  EXPECT_DOUBLE_EQ(gigabytes_per_second(up.bandwidth), 8 * 25);
}

TEST(Platform, GivesEveryRailItsLeavesAndSpines) {
  // 20 servers a pod: two pods; 20 uplinks, as 20 cables to one spine.
  const Platform platform = platform_with({{"servers", "30"}, {"fabric.rails", "true"}});
  EXPECT_EQ(count(platform, ComponentKind::LeafSwitch), 2 * 8);
  EXPECT_EQ(count(platform, ComponentKind::SpineSwitch), 8);
}

TEST(Platform, ThatIsOneServerHasNoFabric) {
  const Platform platform = platform_with({{"servers", "1"}});
  EXPECT_EQ(count(platform, ComponentKind::LeafSwitch), 0);
  EXPECT_EQ(platform.devices(), 8);
}

TEST(Platform, TellsWhatTheSystemSays) {
  const Platform platform = platform_with({});
  EXPECT_EQ(platform.name(), "small");
  EXPECT_EQ(platform.servers(), 4);
  EXPECT_EQ(platform.devices_per_server(), 8);
  EXPECT_EQ(platform.accelerator().name(), "fake");
  EXPECT_EQ(platform.launch_time(), microseconds(4));
  EXPECT_EQ(platform.communication().kind(), Node::Kind::Null);
}

TEST(Platform, LaysTheSystemsCommunicationOverTheServers) {
  const Platform platform = platform_with(
      {{"server.communication", "{model: a, scale_up: {x: 1}}"}, {"communication", "{model: b}"}});
  ASSERT_NE(platform.communication().find("model"), nullptr);
  EXPECT_EQ(platform.communication().find("model")->text(), "b");
  EXPECT_NE(platform.communication().find("scale_up"), nullptr);
}

TEST(Platform, NeedsNoScaleUpForOneDevice) {
  const Platform platform = platform_of(parse_yaml(
      "server: {name: box, accelerator: {}, accelerators: 1, sockets: 1, cpu: {launch_time: 4 us},"
      " pcie: {bandwidth: 32 GB/s, latency: 0.1 us}}",
      "test.yaml"));
  EXPECT_EQ(platform.name(), "box");
  const int device = 0;
  EXPECT_EQ(platform.layout(std::span(&device, 1)).ranks, 1);
}

std::string first_error(const Changes& changes) {
  try {
    (void)platform_with(changes);
  } catch (const ConfigError& error) {
    return error.messages().front();
  }
  return "";
}

struct Mistake {
  Changes changes;
  std::string message;
};

TEST(Platform, ReportsMistakesAtTheKey) {
  const std::vector<Mistake> mistakes = {
      {{{"server.nics", "0"}}, "servers: 4 need a network, but their server has no NICs"},
      {{{"server.accelerators", "0"}}, "accelerators"},
      {{{"servers", "81"}},
       "servers: expected at most 80, as the spine's 40 ports join as many leaves of 2 servers; "
       "got 81; "
       "use fewer, switches of more ports or rails: true"},
      {{{"servers", "801"}, {"fabric.rails", "true"}}, "servers: expected at most 800"},
      {{{"servers", "2000000000000"}}, "servers: expected at most 1000000"},
      {{{"fabric.servers_per_leaf", "3"}}, "servers_per_leaf: expected at most 2"},
      {{{"fabric.leaf.ports", "12"}}, "leaf: 12 ports cannot take the 8 NICs of one server"},
      {{{"fabric.oversubscription", "0.5"}}, "oversubscription"},
      {{{"fabric.kind", "torus"}}, "fat_tree"},
      {{{"server.scale_up.kind", "nvlnk"}}, "did you mean 'nvlink'?"},
      {{{"server.scale_up.switches", "0"}, {"server.scale_up.in_switch_reduction", "true"}},
       "in_switch_reduction: expected switches of at least 1; got 0"},
      {{{"server.nic.bandwith", "1 GB/s"}}, "bandwith"},
      {{{"server.nic.bandwidth", "200"}}, "bandwidth"},
  };
  for (const Mistake& mistake : mistakes) {
    const std::string found = first_error(mistake.changes);
    EXPECT_NE(found.find(mistake.message), std::string::npos)
        << mistake.message << "\n  got: " << found;
  }
}

TEST(Platform, AsksForAFabricOfSeveralServers) {
  Diagnostics diagnostics;
  Node system =
      parse_yaml(std::string(kSystem).substr(0, std::string(kSystem).find("fabric:")), "test.yaml");
  EXPECT_THROW((void)platform_of(system), ConfigError);
  system = system.with_value_at("servers", Node::scalar("1", {}));
  EXPECT_NO_THROW((void)platform_of(system));
}

TEST(Platform, AsksForASpineOfSeveralLeaves) {
  Node system =
      system_with({{"fabric", "{leaf: {ports: 40, port_bandwidth: 25 GB/s, latency: 1 us}}"}});
  EXPECT_NO_THROW((void)platform_of(system));  // a leaf without uplinks takes five servers
  system = system.with_value_at("servers", Node::scalar("6", {}));
  try {
    (void)platform_of(system);
    FAIL();
  } catch (const ConfigError& error) {
    EXPECT_NE(std::string(error.what()).find("servers: expected at most 5, what one leaf takes"),
              std::string::npos)
        << error.what();
  }
}

// Every shipped entry must read without a complaint, with the entries that it uses.
TEST(PlatformConfigs, AllRead) {
  const Library library({std::filesystem::path(ORRERY_SOURCE_DIR) / "configs"});
  int systems = 0;
  for (const std::string& entry : library.entries()) {
    const bool server = entry.starts_with("servers/") || entry.starts_with("racks/");
    if (!server && !entry.starts_with("clusters/")) continue;
    const std::string use = server ? "server: {use: " + entry + "}" : "use: " + entry;
    const Platform platform = platform_of(library.resolve(parse_yaml(use, "test.yaml")));
    const std::vector<int> ends = {0, platform.devices() - 1};
    EXPECT_GT(platform.layout(ends).within.ring.bandwidth, BytesPerSecond(0)) << entry;
    EXPECT_EQ(platform.communication().kind(), Node::Kind::Map) << entry;
    ++systems;
  }
  EXPECT_GT(systems, 20);
}

}  // namespace
}  // namespace orrery::platform_test
