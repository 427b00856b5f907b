// What links between switches let devices send, against the graph: every message goes over all
// shortest paths evenly, and the busiest link says the rate.
#include <map>
#include <numeric>
#include <queue>

#include <gtest/gtest.h>

#include "unit/platform/support.hpp"

namespace orrery::platform_test {
namespace {

/// The network of a whole machine: NICs and switches.
class NetworkGraph {
 public:
  explicit NetworkGraph(const Platform& platform) : part_(whole(platform)) {
    for (std::size_t i = 0; i < part_.links().size(); ++i) {
      const Link& link = part_.links()[i];
      if (link.kind != "network") continue;
      next_[link.from].push_back({link.to, static_cast<int>(i)});
      next_[link.to].push_back({link.from, static_cast<int>(i)});
    }
  }

  [[nodiscard]] int nic(int server, int number) const {
    return part_.find("server" + std::to_string(server) + ".nic" + std::to_string(number));
  }

  /// A message of `share` from NIC to NIC: every switch deals what it gets to its next hops, by
  /// their bandwidth.
  void send(int from, int to, double share) {
    const std::map<int, int> far = distances(to);
    std::map<int, double> here{{from, share}};
    for (int left = far.at(from); left > 0; --left) {
      std::map<int, double> there;
      for (const auto& [component, amount] : here) deal(component, amount, far, there);
      here = there;
    }
  }

  /// GB/s of every sender whose messages sum to 1, when the busiest link is full.
  [[nodiscard]] double rate() const {
    double least = 1e30;
    for (const auto& [way, load] : loads_) {
      const Link& link = part_.links()[static_cast<std::size_t>(way.first)];
      least = std::min(least, gigabytes_per_second(link.bandwidth) / load);
    }
    return least;
  }

 private:
  struct Hop {
    int component = 0, link = 0;
  };

  [[nodiscard]] std::map<int, int> distances(int to) const {
    std::map<int, int> far{{to, 0}};
    std::queue<int> open({to});
    while (!open.empty()) {
      const int here = open.front();
      open.pop();
      for (const Hop& hop : next_.at(here)) {
        if (far.emplace(hop.component, far.at(here) + 1).second) open.push(hop.component);
      }
    }
    return far;
  }

  void deal(int component, double amount, const std::map<int, int>& far,
            std::map<int, double>& there) {
    std::vector<Hop> nearer;
    double all = 0;
    for (const Hop& hop : next_.at(component)) {
      if (far.at(hop.component) >= far.at(component)) continue;
      nearer.push_back(hop);
      all += bandwidth(hop);
    }
    for (const Hop& hop : nearer) {
      const double part = amount * bandwidth(hop) / all;
      const Link& link = part_.links()[static_cast<std::size_t>(hop.link)];
      loads_[{hop.link, link.from == component}] += part;
      there[hop.component] += part;
    }
  }

  [[nodiscard]] double bandwidth(const Hop& hop) const {
    return part_.links()[static_cast<std::size_t>(hop.link)].bandwidth.si();
  }

  MachinePart part_;
  std::map<int, std::vector<Hop>> next_;
  std::map<std::pair<int, bool>, double> loads_;
};

constexpr int kNics = 8;

std::vector<int> all_devices(const Platform& platform) {
  std::vector<int> devices(static_cast<std::size_t>(platform.devices()));
  std::iota(devices.begin(), devices.end(), 0);
  return devices;
}

struct Machine {
  const char* name;
  Changes changes;
};

class FabricRates : public testing::TestWithParam<Machine> {
 protected:
  Platform platform_ = platform_with(GetParam().changes);
  NetworkGraph network_{platform_};
};

// Every NIC sends to the one of its number in the next server.
TEST_P(FabricRates, OfNeighboursAreThoseOfTheGraph) {
  for (int server = 0; server < platform_.servers(); ++server) {
    for (int nic = 0; nic < kNics; ++nic) {
      const int next = (server + 1) % platform_.servers();
      network_.send(network_.nic(server, nic), network_.nic(next, nic), 1);
    }
  }
  const double rate =
      gigabytes_per_second(platform_.layout(all_devices(platform_)).between.ring.bandwidth);
  EXPECT_NEAR(rate, network_.rate(), 1e-9 * rate);
}

TEST_P(FabricRates, OfAllPairsAreThoseOfTheGraph) {
  const int servers = platform_.servers();
  for (int from = 0; from < servers; ++from) {
    for (int to = 0; to < servers; ++to) {
      for (int nic = 0; nic < kNics && from != to; ++nic) {
        network_.send(network_.nic(from, nic), network_.nic(to, nic), 1.0 / (servers - 1));
      }
    }
  }
  const double rate =
      gigabytes_per_second(platform_.layout(all_devices(platform_)).between.to_all.bandwidth);
  EXPECT_NEAR(rate, network_.rate(), 1e-9 * rate);
}

constexpr const char* kCore = "{ports: 40, port_bandwidth: 200 Gbit/s, latency: 0.13 us}";
constexpr const char* kFastSpine = "{ports: 40, port_bandwidth: 400 Gbit/s, latency: 0.13 us}";

// All leaves and pods are full: a class of links has the mean load of its machine. Where uplinks
// are no whole number at the oversubscription there are more of them: the graph has them, and so
// the rate.
INSTANTIATE_TEST_SUITE_P(Machines, FabricRates,
                         testing::Values(Machine{"two_levels", {{"servers", "8"}}},
                                         Machine{"oversubscribed",
                                                 {{"servers", "8"},
                                                  {"fabric.servers_per_leaf", "2"},
                                                  {"fabric.oversubscription", "2"}}},
                                         Machine{"uneven",
                                                 {{"servers", "8"},
                                                  {"fabric.servers_per_leaf", "2"},
                                                  {"fabric.oversubscription", "7"}}},
                                         Machine{"rails",
                                                 {{"servers", "12"},
                                                  {"fabric.rails", "true"},
                                                  {"fabric.servers_per_leaf", "3"},
                                                  {"fabric.oversubscription", "3"}}},
                                         Machine{"fast_spines",
                                                 {{"servers", "8"},
                                                  {"fabric.servers_per_leaf", "2"},
                                                  {"fabric.oversubscription", "4"},
                                                  {"fabric.spine", kFastSpine}}},
                                         Machine{"three_levels",
                                                 {{"servers", "16"},
                                                  {"fabric.core", kCore},
                                                  {"fabric.servers_per_pod", "4"},
                                                  {"fabric.core_oversubscription", "5"}}},
                                         Machine{"three_levels_of_rails",
                                                 {{"servers", "24"},
                                                  {"fabric.core", kCore},
                                                  {"fabric.rails", "true"},
                                                  {"fabric.servers_per_leaf", "2"},
                                                  {"fabric.servers_per_pod", "6"},
                                                  {"fabric.core_oversubscription", "3"}}}),
                         [](const auto& machine) { return machine.param.name; });

}  // namespace
}  // namespace orrery::platform_test
