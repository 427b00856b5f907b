#pragma once
/// Every part of the machine and every cable as a graph, with shortest routes.

#include <memory>

#include "platform/platform_spec.hpp"

namespace orrery {

class MachineGraph {
 public:
  explicit MachineGraph(const PlatformSpec& spec);
  ~MachineGraph();

  [[nodiscard]] const std::vector<Component>& components() const { return components_; }
  [[nodiscard]] const std::vector<Link>& links() const { return links_; }
  [[nodiscard]] int device(int index) const { return devices_[static_cast<std::size_t>(index)]; }
  [[nodiscard]] Route route(int from, int to) const;

 private:
  int add(std::string name, ComponentKind kind);
  void connect(int from, int to, BytesPerSecond bandwidth, Seconds latency, const char* kind);
  void add_server(const PlatformSpec& spec, int server);
  void add_fabric(const PlatformSpec& spec);

  struct Adjacency;   // Boost.Graph
  std::vector<Component> components_;
  std::vector<Link> links_;
  std::vector<int> devices_;
  std::vector<int> nics_;   // server by server
  std::unique_ptr<Adjacency> adjacency_;
};

}  // namespace orrery
