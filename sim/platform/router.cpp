// The only file that includes Boost.Graph.
#include "platform/router.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <set>
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

// More than any route takes: what a link that may not be taken costs.
constexpr std::int64_t kBlocked = std::int64_t{1} << 57;

struct Edge {
  std::int64_t cost = 0;
  int link = 0;
};

BytesPerSecond width_of(const Link& link, int from) {
  return link.from == from ? link.bandwidth : link.back;
}

bool belongs_to_devices(const Link& link) { return link.kind == "nvlink" || link.kind == "ici"; }

}  // namespace

struct Router::Graph {
  using Adjacency = boost::compressed_sparse_row_graph<boost::directedS, boost::no_property, Edge,
                                                       boost::no_property, int, int>;
  Adjacency adjacency;
};

Router::Router(const MachineGraph& machine) : machine_(machine) {
  std::vector<std::pair<int, int>> ends;
  std::vector<Edge> edges;
  std::set<BytesPerSecond, std::greater<>> levels;
  for (int i = 0; i < static_cast<int>(machine.links.size()); ++i) {
    const Link& link = machine.links[index(i)];
    ends.insert(ends.end(), {{link.from, link.to}, {link.to, link.from}});
    edges.insert(edges.end(), 2, {.cost = cost_of(link), .link = i});
    levels.insert({link.bandwidth, link.back});
  }
  levels_.assign(levels.begin(), levels.end());
  const int vertices = static_cast<int>(machine.components.size());
  graph_ = std::make_unique<const Graph>(Graph{Graph::Adjacency(
      boost::edges_are_unsorted_multi_pass, ends.begin(), ends.end(), edges.begin(), vertices)});
}

Router::~Router() = default;

// Whether a route may go over `link` from its end `from`, where it starts or where it has come.
bool Router::open(int link, int from, bool first, const Filter& filter) const {
  const Link& one = machine_.links[index(link)];
  if (width_of(one, from) < filter.floor) return false;
  if (filter.own && !belongs_to_devices(one)) return false;
  if (first || one.kind == "hbm") return true;
  if (machine_.components[index(from)].kind != ComponentKind::Device) return true;
  return filter.forward && machine_.devices_forward[index(from)];
}

std::vector<Route> Router::routes(int from, std::span<const int> to, const Filter& filter) const {
  const auto known = [this](int component) {
    return component >= 0 && component < static_cast<int>(machine_.components.size());
  };
  ORRERY_CHECK(known(from) && std::all_of(to.begin(), to.end(), known));
  const Graph::Adjacency& graph = graph_->adjacency;
  std::vector<std::int64_t> cost(machine_.components.size());
  const auto ids = boost::get(boost::vertex_index, graph);
  const auto weigh = [&](const Graph::Adjacency::edge_descriptor& edge) {
    const int start = boost::source(edge, graph);
    const bool may = open(graph[edge].link, start, start == from, filter);
    return may ? graph[edge].cost : graph[edge].cost + kBlocked;
  };
  boost::dijkstra_shortest_paths(
      graph, from,
      boost::weight_map(
          boost::make_function_property_map<Graph::Adjacency::edge_descriptor, std::int64_t>(weigh))
          .distance_map(boost::make_iterator_property_map(cost.begin(), ids))
          .distance_inf(kUnreached));
  std::vector<Route> result;
  for (const int target : to) result.push_back(trace(from, target, cost, filter));
  return result;
}

// Walks back from the end, each time to the lowest component that lies on a shortest route.
Route Router::trace(int from, int to, std::span<const std::int64_t> cost,
                    const Filter& filter) const {
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
      if (!shortest || neighbour >= previous) continue;
      if (!open(graph[*edge].link, neighbour, neighbour == from, filter)) continue;
      previous = neighbour;
      taken = graph[*edge].link;
    }
    const Link& link = machine_.links[index(taken)];
    const BytesPerSecond way = width_of(link, previous);
    route.bandwidth = route.links.empty() ? way : min(route.bandwidth, way);
    route.latency += link.latency;
    route.links.push_back(taken);
    to = previous;
  }
  std::reverse(route.links.begin(), route.links.end());
  return route;
}

// More passes no end of a route than its widest link.
BytesPerSecond Router::widest_at(int component) const {
  BytesPerSecond widest{};
  const Graph::Adjacency& graph = graph_->adjacency;
  const auto [first, last] = boost::out_edges(component, graph);
  for (auto edge = first; edge != last; ++edge) {
    const Link& link = machine_.links[index(graph[*edge].link)];
    widest = max(widest, max(link.bandwidth, link.back));
  }
  return widest;
}

// Level by level, the highest first; what no level reaches is found out after the first.
std::vector<Route> Router::widest(int from, std::span<const int> to, bool own, bool forward) const {
  std::vector<Route> result(to.size());
  std::vector<std::size_t> left;  // of `to`, without a route yet
  BytesPerSecond most{};
  for (std::size_t i = 0; i < to.size(); ++i) {
    if (to[i] == from) continue;
    left.push_back(i);
    most = max(most, widest_at(to[i]));
  }
  most = min(most, widest_at(from));
  // Keeps the routes that are found, or drops what has none.
  const auto take = [&](BytesPerSecond floor, bool keep) {
    std::vector<int> targets;
    for (const std::size_t i : left) targets.push_back(to[i]);
    const std::vector<Route> found =
        routes(from, targets, {.floor = floor, .own = own, .forward = forward});
    std::vector<std::size_t> still;
    for (std::size_t i = 0; i < found.size(); ++i) {
      if (found[i].links.empty() == keep) still.push_back(left[i]);
      if (keep) result[left[i]] = found[i];
    }
    left.swap(still);
  };
  bool first = true;
  for (const BytesPerSecond level : levels_) {
    if (level > most) continue;
    if (left.empty()) break;
    take(level, true);
    if (first && !left.empty()) take(BytesPerSecond(0), false);
    first = false;
  }
  return result;
}

}  // namespace orrery
