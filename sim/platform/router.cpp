// The only file that includes Boost.Graph.
#include "platform/router.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <utility>

#include <boost/graph/compressed_sparse_row_graph.hpp>
#include <boost/graph/dijkstra_shortest_paths.hpp>
#include <boost/property_map/function_property_map.hpp>

#include <orrery/error.hpp>

#include "platform/index.hpp"

namespace orrery {
namespace {

// Integers, so that equal sums are equal: picoseconds above a count of links.
constexpr std::int64_t kPicosecond = 1 << 16;
constexpr std::int64_t kUnreached = std::numeric_limits<std::int64_t>::max();

std::int64_t cost_of(const Link& link) {
  return std::llround(link.latency.si() * 1e12) * kPicosecond + 1;
}

// More than any route takes: what a device that does not forward would pass on.
constexpr std::int64_t kBlocked = std::int64_t{1} << 57;

struct Edge {
  std::int64_t cost = 0;
  int link = 0;
  bool passes = true;  ///< may be taken after another link
};

// Whether what came to `component` may go on over `link`.
bool passes(const MachineGraph& machine, int link, int component) {
  return machine.links[index(link)].kind == "hbm" ||
         machine.components[index(component)].kind != ComponentKind::Device ||
         machine.devices_forward[index(component)];
}

}  // namespace

struct Router::Graph {
  using Adjacency = boost::compressed_sparse_row_graph<boost::directedS, boost::no_property, Edge,
                                                       boost::no_property, int, int>;
  Adjacency adjacency;

  [[nodiscard]] std::int64_t cost(const Adjacency::edge_descriptor& edge, int start) const {
    const Edge& taken = adjacency[edge];
    const bool blocked = !taken.passes && boost::source(edge, adjacency) != start;
    return blocked ? taken.cost + kBlocked : taken.cost;
  }
};

Router::Router(const MachineGraph& machine) : machine_(machine) {
  std::vector<std::pair<int, int>> ends;
  std::vector<Edge> edges;
  for (int i = 0; i < static_cast<int>(machine.links.size()); ++i) {
    const Link& link = machine.links[index(i)];
    ends.insert(ends.end(), {{link.from, link.to}, {link.to, link.from}});
    edges.push_back({.cost = cost_of(link), .link = i, .passes = passes(machine, i, link.from)});
    edges.push_back({.cost = cost_of(link), .link = i, .passes = passes(machine, i, link.to)});
  }
  const int vertices = static_cast<int>(machine.components.size());
  graph_ = std::make_unique<const Graph>(Graph{Graph::Adjacency(
      boost::edges_are_unsorted_multi_pass, ends.begin(), ends.end(), edges.begin(), vertices)});
}

Router::~Router() = default;

std::vector<Route> Router::routes(int from, std::span<const int> to) const {
  const auto known = [this](int component) {
    return component >= 0 && component < static_cast<int>(machine_.components.size());
  };
  ORRERY_CHECK(known(from) && std::all_of(to.begin(), to.end(), known));
  const Graph::Adjacency& graph = graph_->adjacency;
  std::vector<std::int64_t> cost(machine_.components.size());
  const auto ids = boost::get(boost::vertex_index, graph);
  boost::dijkstra_shortest_paths(
      graph, from,
      boost::weight_map(
          boost::make_function_property_map<Graph::Adjacency::edge_descriptor, std::int64_t>(
              [this, from](const Graph::Adjacency::edge_descriptor& edge) {
                return graph_->cost(edge, from);
              }))
          .distance_map(boost::make_iterator_property_map(cost.begin(), ids))
          .distance_inf(kUnreached));
  std::vector<Route> result;
  for (const int target : to) result.push_back(trace(from, target, cost));
  return result;
}

// Walks back from the end, each time to the lowest component that lies on a shortest route.
Route Router::trace(int from, int to, std::span<const std::int64_t> cost) const {
  const Graph::Adjacency& graph = graph_->adjacency;
  Route route;
  if (cost[index(to)] >= kBlocked) return route;
  while (to != from) {
    int previous = std::numeric_limits<int>::max();
    int taken = 0;
    const auto [first, last] = boost::out_edges(to, graph);
    for (auto edge = first; edge != last; ++edge) {
      const int neighbour = boost::target(*edge, graph);
      const bool shortest = cost[index(neighbour)] == cost[index(to)] - graph[*edge].cost;
      const bool open = neighbour == from || passes(machine_, graph[*edge].link, neighbour);
      if (!shortest || !open || neighbour >= previous) continue;
      previous = neighbour;
      taken = graph[*edge].link;
    }
    const Link& link = machine_.links[index(taken)];
    const BytesPerSecond way = link.from == previous ? link.bandwidth : link.back;
    route.bandwidth = route.links.empty() ? way : min(route.bandwidth, way);
    route.latency += link.latency;
    route.links.push_back(taken);
    to = previous;
  }
  std::reverse(route.links.begin(), route.links.end());
  return route;
}

}  // namespace orrery
