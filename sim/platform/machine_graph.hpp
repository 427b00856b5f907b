#pragma once
/// Every part and every wire of the machine that a `PlatformSpec` describes.

#include <map>
#include <span>
#include <string>
#include <vector>

#include <orrery/platform.hpp>

#include "platform/platform_spec.hpp"

namespace orrery {

struct MachineGraph {
  /// Component indices of one server's parts.
  struct Server {
    int index = 0;  ///< in the machine
    /// Its components and links follow one another, in the order of every server of its build.
    int first_component = 0, first_link = 0;
    std::vector<int> devices, pcie_switches, sockets, nics, memories, drives;
  };
  std::vector<Component> components;
  std::vector<Link> links;
  std::vector<int> devices;  ///< component indices, server by server
  std::vector<Server> servers;
  /// By component: whether it is a device that passes on what is for others. Those of a torus do,
  /// and over switches (NCCL's PXN); where a server lists its links they do not.
  std::vector<bool> devices_forward;

  /// The whole machine: servers first, one after the other, then switches from the leaves up.
  /// O(components).
  explicit MachineGraph(const PlatformSpec& spec);
  /// Some of its servers, sorted and without duplicates, each of its own build, and the switches
  /// between them. Names are those of the whole machine.
  MachineGraph(const PlatformSpec& spec, std::span<const int> servers,
               std::span<const ServerSpec* const> builds);

 private:
  int add(std::string name, ComponentKind kind);
  void connect(int from, int to, const WireSpec& wire, const char* kind);
  void add_server(const ServerSpec& spec, int index);
  void connect_scale_up(const ServerSpec& spec, const Server& server, const std::string& prefix);
  void connect_host(const ServerSpec& spec, const Server& server);
  void connect_sockets(const ServerSpec& spec, const Server& server);
  void add_memories(const ServerSpec& spec, Server& server, const std::string& prefix);
  void add_drives(const ServerSpec& spec, Server& server, const std::string& prefix);
  void connect_listed(const ServerSpec& spec, const Server& server);
  // machine_fabric.cpp
  using Switches = std::map<int, int>;  // component by number among those of its kind
  void add_fabric(const PlatformSpec& spec);
  Switches add_leaves(const PlatformSpec& spec);
  Switches add_spines(const FabricSpec& fabric, const Switches& leaves);
  void add_cores(const FabricSpec& fabric, const Switches& spines);
  void add_dragonfly(const PlatformSpec& spec);
  void add_group_links(const FabricSpec& fabric, const std::vector<int>& routers);
  void add_nic_links(const PlatformSpec& spec, const Server& server, int leaf, int rail);
};

}  // namespace orrery
