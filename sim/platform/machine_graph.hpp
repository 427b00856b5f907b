#pragma once
/// Every part and every wire of the machine that a `PlatformSpec` describes.

#include <vector>

#include <orrery/platform.hpp>

#include "platform/platform_spec.hpp"

namespace orrery {

struct MachineGraph {
  std::vector<Component> components;
  std::vector<Link> links;
  std::vector<int> devices;  ///< component indices, server by server

  /// Servers first, one after the other, then leaves and spines. O(components).
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
  void add_fabric(const PlatformSpec& spec, const std::vector<Server>& servers);
  int add_leaf(const PlatformSpec& spec, const std::vector<Server>& servers, int pod, int rail);
};

}  // namespace orrery
