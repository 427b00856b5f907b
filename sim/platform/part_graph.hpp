#pragma once
/// The machine graph behind a MachinePart, for the files that make it.

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "platform/index.hpp"
#include "platform/machine_graph.hpp"
#include "platform/part.hpp"
#include "platform/router.hpp"
#include "platform/server_wiring.hpp"

namespace orrery {

/// What a use of links takes of the part's resources.
std::vector<ResourceUse> uses_of(const MachineGraph& machine, const LinkUse& use);

struct MachinePart::Graph {
  PlatformSpec spec;
  std::vector<const ServerSpec*> specs;      // by server of the part
  std::vector<const ServerWiring*> wirings;  // likewise
  MachineGraph machine;
  Router router;
  std::vector<Resource> resources;
  std::map<std::string, int, std::less<>> names;
  GroupLayouts layouts;

  Graph(PlatformSpec the_spec, std::span<const int> servers,
        std::vector<const ServerSpec*> the_specs, std::vector<const ServerWiring*> the_wirings,
        GroupLayouts the_layouts)
      : spec(std::move(the_spec)),
        specs(std::move(the_specs)),
        wirings(std::move(the_wirings)),
        machine(spec, servers, specs),
        router(machine),
        layouts(std::move(the_layouts)) {
    for (int i = 0; i < static_cast<int>(machine.components.size()); ++i) {
      names.emplace(machine.components[index(i)].name, i);
    }
  }

  [[nodiscard]] Route route(int from, int to) const {
    return router.routes(from, std::span(&to, 1)).front();
  }
  /// What the network's links join an adapter with. Remembers some.
  [[nodiscard]] std::shared_ptr<const Router::Distances> network_of(int nic) const;
  /// Where a component lies: its server of the part, or -1 for a switch of the fabric.
  [[nodiscard]] int server_of(int component) const;
  void add_memory(int component, LinkUse& use) const;

  // The place of a machine's device among the servers of the part.
  struct Place {
    int server = 0, device = 0;
  };
  [[nodiscard]] Place place_of(int device) const;
  void add_local(const LinkUse& local, int server, double share, bool reversed, LinkUse& use) const;
  /// Adds what `share` takes from one component to another, and returns the latency of the longest
  /// way; none where there is no way.
  std::optional<Seconds> add_way(int from, int to, double share, LinkUse& use) const;
  std::optional<Seconds> add_copy(int from, int to, LinkUse& use) const;
  /// The adapter of `server`, by number, at which the network lets arrive what leaves at another
  /// one: `wanted`, or else the first that it joins with it; -1 for none.
  [[nodiscard]] int arrival(int from, int wanted, int server) const;
  /// Adds what `share` takes from adapter `nic` of a server to a component there.
  std::optional<Seconds> add_entry(int nic, int server, int to, double share, LinkUse& use) const;
  /// The NICs that a component of server `server` sends over, evenly, by number.
  [[nodiscard]] std::vector<int> nics_at(int component, int server) const;
  /// Adds the network from one NIC to another of other servers.
  std::optional<Seconds> add_network(int from, int to, double share, LinkUse& use) const;
  /// `ring`: over the devices at which it opens in either server; otherwise each for itself.
  void add_between(const std::vector<Place>& from, const std::vector<Place>& to, double amount,
                   bool ring, LinkUse& use) const;
  bool add_ports(const NicUse& out, const MachineGraph::Server& here, const NicUse& in,
                 const MachineGraph::Server& there, double share, LinkUse& use) const;
  /// What `condition` says of devices, on their links; a NIC that several share is as slow as the
  /// product of what they say.
  void degrade(const Conditions& conditions);
  void scale(const std::function<bool(const Link&)>& which, double ratio);
  /// `open`: a ring that leaves the server and comes from another one.
  void add_inside(const std::vector<Place>& members, GroupPattern pattern, double share, bool open,
                  LinkUse& use) const;
  /// What is remembered of the network, by adapter.
  mutable std::mutex mutex;
  mutable std::map<int, std::shared_ptr<const Router::Distances>> networks;
  void add_power();
};

}  // namespace orrery
