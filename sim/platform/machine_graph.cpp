// The only file that includes Boost.Graph.
#include "platform/machine_graph.hpp"

#include <algorithm>
#include <limits>

#include <boost/graph/adjacency_list.hpp>
#include <boost/graph/dijkstra_shortest_paths.hpp>
#include <fmt/format.h>

#include <orrery/error.hpp>

namespace orrery {

struct LinkProperty {
  double latency = 0;   // s; ties in length are broken by the order of vertices
  int link = 0;
};
struct MachineGraph::Adjacency {
  using Graph = boost::adjacency_list<boost::vecS, boost::vecS, boost::undirectedS, boost::no_property,
                                      LinkProperty>;
  Graph graph;
};

MachineGraph::MachineGraph(const PlatformSpec& spec) : adjacency_(std::make_unique<Adjacency>()) {
  for (int server = 0; server < spec.servers; ++server) add_server(spec, server);
  if (spec.fabric.present) add_fabric(spec);
  adjacency_->graph = Adjacency::Graph(components_.size());
  for (std::size_t i = 0; i < links_.size(); ++i) {
    boost::add_edge(static_cast<std::size_t>(links_[i].from), static_cast<std::size_t>(links_[i].to),
                    LinkProperty{links_[i].latency.si(), static_cast<int>(i)}, adjacency_->graph);
  }
}

MachineGraph::~MachineGraph() = default;

int MachineGraph::add(std::string name, ComponentKind kind) {
  components_.push_back({std::move(name), kind});
  return static_cast<int>(components_.size() - 1);
}

void MachineGraph::connect(int from, int to, BytesPerSecond bandwidth, Seconds latency, const char* kind) {
  links_.push_back({.from = from, .to = to, .bandwidth = bandwidth, .latency = latency, .kind = kind});
}

void MachineGraph::add_server(const PlatformSpec& spec, int server) {
  const std::string prefix = fmt::format("server{}", server);
  const BytesPerSecond socket_link = spec.pcie_bandwidth * 4;
  std::vector<int> sockets, switches, pcie;
  for (int i = 0; i < spec.sockets; ++i) {
    sockets.push_back(add(fmt::format("{}.cpu{}", prefix, i), ComponentKind::Cpu));
    if (i > 0) connect(sockets[0], sockets.back(), socket_link, spec.pcie_latency, "socket");
  }
  for (int i = 0; i < spec.scale_up.switches; ++i) {
    switches.push_back(add(fmt::format("{}.nvswitch{}", prefix, i), ComponentKind::ScaleUpSwitch));
  }
  // A NIC shares a PCIe switch with its devices; without NICs every device has its own.
  const int groups = spec.nics > 0 ? std::min(spec.nics, spec.devices) : spec.devices;
  for (int i = 0; i < groups; ++i) {
    pcie.push_back(add(fmt::format("{}.pcie{}", prefix, i), ComponentKind::PcieSwitch));
    const auto socket = static_cast<std::size_t>(i * spec.sockets / groups);
    connect(sockets[socket], pcie.back(), spec.pcie_bandwidth, spec.pcie_latency, "pcie");
  }
  for (int i = 0; i < spec.devices; ++i) {
    const int device = add(fmt::format("{}.gpu{}", prefix, i), ComponentKind::Device);
    const int memory = add(fmt::format("{}.gpu{}.hbm", prefix, i), ComponentKind::Memory);
    devices_.push_back(device);
    connect(device, memory, spec.accelerator->memory_bandwidth(), Seconds(0), "hbm");
    const auto group = static_cast<std::size_t>(i * groups / spec.devices);
    connect(device, pcie[group], spec.pcie_bandwidth, spec.pcie_latency, "pcie");
    for (const int nvswitch : switches) {
      connect(device, nvswitch, spec.scale_up.bandwidth / static_cast<double>(spec.scale_up.switches),
              spec.scale_up.latency, "nvlink");
    }
  }
  for (int i = 0; i < spec.nics; ++i) {
    const int nic = add(fmt::format("{}.nic{}", prefix, i), ComponentKind::Nic);
    nics_.push_back(nic);
    connect(pcie[static_cast<std::size_t>(i * groups / spec.nics)], nic, spec.pcie_bandwidth,
            spec.pcie_latency, "pcie");
  }
}

void MachineGraph::add_fabric(const PlatformSpec& spec) {
  const FabricSpec& fabric = spec.fabric;
  const int leaves_per_group = fabric.rails ? spec.nics : 1;
  const int spine = add("spine", ComponentKind::SpineSwitch);
  for (int group = 0; group < spec.leaf_groups(); ++group) {
    const int first = group * fabric.servers_per_leaf;
    const int last = std::min(spec.servers, first + fabric.servers_per_leaf);
    for (int rail = 0; rail < leaves_per_group; ++rail) {
      const int leaf = add(fmt::format("leaf{}", group * leaves_per_group + rail), ComponentKind::LeafSwitch);
      const int ports = fabric.servers_per_leaf * (fabric.rails ? 1 : spec.nics);
      connect(leaf, spine, min(spec.nic.bandwidth, fabric.leaf.port_bandwidth) * (ports / fabric.oversubscription),
              fabric.leaf.latency + fabric.spine.latency, "network");
      for (int server = first; server < last; ++server) {
        for (int nic = 0; nic < spec.nics; ++nic) {
          if (fabric.rails && nic != rail) continue;
          connect(nics_[static_cast<std::size_t>(server * spec.nics + nic)], leaf,
                  min(spec.nic.bandwidth, fabric.leaf.port_bandwidth), spec.nic.latency, "network");
        }
      }
    }
  }
}

Route MachineGraph::route(int from, int to) const {
  const auto& graph = adjacency_->graph;
  const auto count = boost::num_vertices(graph);
  std::vector<std::size_t> before(count);
  std::vector<double> distance(count);
  boost::dijkstra_shortest_paths(graph, static_cast<std::size_t>(from),
                                 boost::weight_map(boost::get(&LinkProperty::latency, graph))
                                     .predecessor_map(before.data())
                                     .distance_map(distance.data()));
  Route route;
  for (auto at = static_cast<std::size_t>(to); at != static_cast<std::size_t>(from); at = before[at]) {
    if (before[at] == at) return {};   // unreachable
    const int link = graph[boost::edge(before[at], at, graph).first].link;
    const Link& crossed = links_[static_cast<std::size_t>(link)];
    route.links.push_back(link);
    route.latency += crossed.latency;
    route.bandwidth = route.links.size() == 1 ? crossed.bandwidth : min(route.bandwidth, crossed.bandwidth);
  }
  std::reverse(route.links.begin(), route.links.end());
  return route;
}

}  // namespace orrery
