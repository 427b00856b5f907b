#pragma once
/// The machine graph behind a MachinePart, for the files that make it.

#include <algorithm>
#include <functional>
#include <map>
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
  /// Where a component lies: its server of the part, or -1.
  [[nodiscard]] int server_of(int component) const {
    for (std::size_t i = 0; i < machine.servers.size(); ++i) {
      const auto& devices = machine.servers[i].devices;
      if (std::find(devices.begin(), devices.end(), component) != devices.end()) {
        return static_cast<int>(i);
      }
    }
    return -1;
  }
  [[nodiscard]] Route way(int from, int to) const;
  void add_memory(int component, LinkUse& use) const;

  // The place of a machine's device among the servers of the part.
  struct Place {
    int server = 0, device = 0;
  };
  [[nodiscard]] Place place_of(int device) const;
  void add_local(const LinkUse& local, const Place& place, double share, bool reversed,
                 LinkUse& use) const;
  [[nodiscard]] LinkUse between_servers(const std::vector<Place>& from,
                                        const std::vector<Place>& to, double share) const;
  /// What `condition` says of devices, on their links; a NIC that several share is as slow as the
  /// product of what they say.
  void degrade(const Conditions& conditions);
  void scale(const std::function<bool(const Link&)>& which, double ratio);
  void add_inside(const std::vector<Place>& members, LinkUse& use) const;
  void add_power();
};

}  // namespace orrery
