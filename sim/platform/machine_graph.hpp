#pragma once
/// Every part and every wire of the machine that a `PlatformSpec` describes.

#include <string>
#include <vector>

#include <orrery/platform.hpp>

#include "platform/platform_spec.hpp"

namespace orrery {

/// "server3.gpu5", or tpu where devices are joined as a torus.
std::string device_name(const ServerSpec& spec, int server, int device);

struct MachineGraph {
  std::vector<Component> components;
  std::vector<Link> links;
  std::vector<int> devices;  ///< component indices, server by server

  /// Servers first, one after the other, then switches from the leaves up. O(components).
  explicit MachineGraph(const PlatformSpec& spec);

 private:
  /// Component indices of one server's parts that others connect to.
  struct Server {
    std::vector<int> devices, pcie_switches, sockets, nics;
  };
  int add(std::string name, ComponentKind kind);
  void connect(int from, int to, const WireSpec& wire, const char* kind);
  Server add_server(const ServerSpec& spec, int index);
  void connect_scale_up(const ServerSpec& spec, const Server& server, const std::string& prefix);
  void connect_host(const ServerSpec& spec, const Server& server);
  // machine_fabric.cpp
  void add_fabric(const PlatformSpec& spec, const std::vector<Server>& servers);
  std::vector<int> add_leaves(const PlatformSpec& spec, const std::vector<Server>& servers);
  int add_leaf(const PlatformSpec& spec, const std::vector<Server>& servers, int unit, int rail);
  std::vector<int> add_spines(const FabricSpec& fabric, const std::vector<int>& leaves);
  void add_cores(const FabricSpec& fabric, const std::vector<int>& spines);
  void add_dragonfly(const PlatformSpec& spec, const std::vector<Server>& servers);
  void add_group_links(const FabricSpec& fabric, const std::vector<int>& routers);
  void add_nic_links(const PlatformSpec& spec, const Server& server, int leaf, int rail);
};

}  // namespace orrery
