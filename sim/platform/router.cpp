// The only file that includes Boost.Graph.
#include "platform/router.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <queue>
#include <set>
#include <utility>

#include <boost/graph/compressed_sparse_row_graph.hpp>

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

struct Edge {
  std::int64_t cost = 0;
  int link = 0;
};

BytesPerSecond width_of(const Link& link, int from) {
  return link.from == from ? link.bandwidth : link.back;
}

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
    link_kinds_.push_back(link.kind == "nvlink" || link.kind == "ici" ? LinkKind::Own
                          : link.kind == "hbm"                        ? LinkKind::Memory
                          : link.kind == "network"                    ? LinkKind::Network
                                                                      : LinkKind::Other);
  }
  for (const Component& component : machine.components) {
    devices_.push_back(component.kind == ComponentKind::Device);
  }
  levels_.assign(levels.begin(), levels.end());
  const int vertices = static_cast<int>(machine.components.size());
  graph_ = std::make_unique<const Graph>(Graph{Graph::Adjacency(
      boost::edges_are_unsorted_multi_pass, ends.begin(), ends.end(), edges.begin(), vertices)});
}

Router::~Router() = default;

// Whether a route may go over `link` from its end `from`, where it starts or where it has come.
bool Router::open(int link, int from, bool first, const Filter& filter) const {
  const LinkKind kind = link_kinds_[index(link)];
  if (filter.only == Only::Own && kind != LinkKind::Own) return false;
  if (filter.only == Only::Network && kind != LinkKind::Network) return false;
  if (width_of(machine_.links[index(link)], from) < filter.floor) return false;
  if (first || kind == LinkKind::Memory || !devices_[index(from)]) return true;
  return filter.forward && machine_.devices_forward[index(from)];
}

// Dijkstra's algorithm; Boost's walks over edges that may not be taken, too. Of equally short ways
// the last step is from the lowest component, over its first link.
Router::Distances Router::distances(int from, const Filter& filter) const {
  const Graph::Adjacency& graph = graph_->adjacency;
  Distances result{.from = from,
                   .cost = std::vector<std::int64_t>(machine_.components.size(), kUnreached),
                   .last = std::vector<Distances::Step>(machine_.components.size())};
  using Reached = std::pair<std::int64_t, int>;
  std::priority_queue<Reached, std::vector<Reached>, std::greater<>> nearest;
  result.cost[index(from)] = 0;
  nearest.emplace(0, from);
  while (!nearest.empty()) {
    const auto [cost, component] = nearest.top();
    nearest.pop();
    if (cost > result.cost[index(component)]) continue;
    const auto [begin, end] = boost::out_edges(component, graph);
    for (auto edge = begin; edge != end; ++edge) {
      const int to = boost::target(*edge, graph);
      std::int64_t& known = result.cost[index(to)];
      Distances::Step& last = result.last[index(to)];
      const std::int64_t there = cost + graph[*edge].cost;
      const bool nearer = there < known || (there == known && component < last.from);
      if (!nearer || !open(graph[*edge].link, component, component == from, filter)) continue;
      last = {.from = component, .link = graph[*edge].link};
      if (there < known) nearest.emplace(there, to);
      known = there;
    }
  }
  return result;
}

std::vector<Route> Router::routes(int from, std::span<const int> to, const Filter& filter) const {
  const auto known = [this](int component) {
    return component >= 0 && component < static_cast<int>(machine_.components.size());
  };
  ORRERY_CHECK(known(from) && std::all_of(to.begin(), to.end(), known));
  const Distances found = distances(from, filter);
  std::vector<Route> result;
  result.reserve(to.size());
  for (const int target : to) result.push_back(route(found, target));
  return result;
}

Router::Distances Router::over_network(int from) const {
  return distances(from, {.only = Only::Network});
}

Route Router::route(const Distances& distances, int to) const {
  Route route;
  if (distances.cost[index(to)] == kUnreached) return route;
  while (to != distances.from) {
    const Distances::Step& last = distances.last[index(to)];
    const Link& link = machine_.links[index(last.link)];
    const BytesPerSecond way = width_of(link, last.from);
    route.bandwidth = route.links.empty() ? way : min(route.bandwidth, way);
    route.latency += link.latency;
    route.links.push_back(last.link);
    to = last.from;
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

// Level by level, the highest first; what no level reaches is found out after the second.
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
  Filter filter{.only = own ? Only::Own : Only::All, .forward = forward};
  int tried = 0;
  for (const BytesPerSecond level : levels_) {
    if (level > most) continue;
    if (left.empty()) break;
    if (tried++ == 2) {
      filter.floor = BytesPerSecond(0);
      const std::vector<std::int64_t> cost = distances(from, filter).cost;
      std::erase_if(left, [&](std::size_t i) { return cost[index(to[i])] == kUnreached; });
    }
    filter.floor = level;
    const Distances found = distances(from, filter);
    std::erase_if(left, [&](std::size_t i) {
      if (found.cost[index(to[i])] == kUnreached) return false;
      result[i] = route(found, to[i]);
      return true;
    });
  }
  return result;
}

}  // namespace orrery
