// The ways that copies take between parts of a machine.
#include <numeric>

#include "platform/index.hpp"
#include "platform/part_graph.hpp"

namespace orrery {

// Servers come first, one after the other.
int MachinePart::Graph::server_of(int component) const {
  for (std::size_t i = machine.servers.size(); i-- > 0;) {
    const int place = component - machine.servers[i].first_component;
    if (place < 0) continue;
    const bool inside = index(place) < wirings[i]->machine().components.size();
    return inside ? static_cast<int>(i) : -1;
  }
  return -1;
}

// Uses of one server's graph, laid on the links of a server of the part.
void MachinePart::Graph::add_local(const LinkUse& local, int server, double share, bool reversed,
                                   LinkUse& use) const {
  const int first = machine.servers[index(server)].first_link;
  for (const auto& [way, part] : local) {
    const Link& link = machine.links[index(first + way.link)];
    use[{first + way.link, !link.half_duplex && way.back != reversed}] += share * part;
  }
}

namespace {

// The place of a component among those of its sort.
int turn_of(const MachineGraph::Server& server, int component) {
  for (const std::vector<int>* sort : {&server.devices, &server.drives, &server.sockets,
                                       &server.memories, &server.pcie_switches}) {
    const auto found = std::find(sort->begin(), sort->end(), component);
    if (found != sort->end()) return static_cast<int>(found - sort->begin());
  }
  return 0;
}

}  // namespace

// A device has its own, which a ring would take, too. What else sends takes the nearest ones in
// turn.
std::vector<int> MachinePart::Graph::nics_at(int component, int server) const {
  const MachineGraph::Server& here = machine.servers[index(server)];
  const ServerWiring& wiring = *wirings[index(server)];
  if (here.nics.empty()) return {};
  for (std::size_t i = 0; i < here.nics.size(); ++i) {
    if (here.nics[i] == component) return {static_cast<int>(i)};
  }
  std::vector<int> result;
  for (std::size_t i = 0; i < here.devices.size(); ++i) {
    if (here.devices[i] != component) continue;
    for (const auto& [nic, load] : wiring.nics_of_all()[i].ports) result.push_back(nic);
    return result;
  }
  const int nearest =
      wiring.nearest_nic(component - here.first_component, turn_of(here, component));
  if (nearest >= 0) result.push_back(nearest);
  return result;
}

// A server's adapters are asked about together, those of the next server after them.
std::shared_ptr<const Router::Distances> MachinePart::Graph::network_of(int nic) const {
  constexpr std::size_t kRemembered = 64;
  const std::lock_guard lock(mutex);
  if (const auto known = networks.find(nic); known != networks.end()) return known->second;
  if (networks.size() == kRemembered) networks.clear();
  return networks.emplace(nic, std::make_shared<const Router::Distances>(router.over_network(nic)))
      .first->second;
}

std::optional<Seconds> MachinePart::Graph::add_network(int from, int to, double share,
                                                       LinkUse& use) const {
  const Route way = router.route(*network_of(from), to);
  if (way.links.empty()) return std::nullopt;
  add_route(machine, from, way, share, use);
  return way.latency;
}

int MachinePart::Graph::arrival(int from, int wanted, int server) const {
  const auto network = network_of(from);
  const std::vector<int>& nics = machine.servers[index(server)].nics;
  const auto joined = [&](int nic) { return !router.route(*network, at(nics, nic)).links.empty(); };
  if (joined(wanted)) return wanted;
  for (int nic = 0; nic < static_cast<int>(nics.size()); ++nic) {
    if (joined(nic)) return nic;
  }
  return -1;
}

// Another device's adapter hands over to that device, if links of the devices lead on from it.
std::optional<Seconds> MachinePart::Graph::add_entry(int nic, int server, int to, double share,
                                                     LinkUse& use) const {
  const MachineGraph::Server& here = machine.servers[index(server)];
  const ServerWiring& wiring = *wirings[index(server)];
  const int entry = at(here.nics, nic);
  if (entry == to) return Seconds(0);
  const std::vector<int> own = nics_at(to, server);
  const int device = wiring.device_at(nic);
  const bool other = std::find(own.begin(), own.end(), nic) == own.end() && device >= 0;
  if (!other || machine.components[index(to)].kind != ComponentKind::Device) {
    return add_way(entry, to, share, use);
  }
  const int over = at(here.devices, device);
  const Route on = wiring.routes().route(over - here.first_component, to - here.first_component);
  if (!wiring.routes().own(on)) return add_way(entry, to, share, use);
  const auto first = add_way(entry, over, share, use);
  const auto second = add_way(over, to, share, use);
  if (!first || !second) return std::nullopt;
  return *first + *second;
}

// Over the NICs of both ends; where the network does not join these, over those of the sender and
// what they lead to.
std::optional<Seconds> MachinePart::Graph::add_copy(int from, int to, LinkUse& use) const {
  const int sender = server_of(from), receiver = server_of(to);
  const std::vector<int> out = nics_at(from, sender), in = nics_at(to, receiver);
  if (out.empty() || in.empty()) return std::nullopt;
  Seconds latency{};
  const std::size_t ways = std::lcm(out.size(), in.size());
  for (std::size_t i = 0; i < ways; ++i) {
    const int here = machine.servers[index(sender)].nics[index(out[i % out.size()])];
    const int nic = arrival(here, in[i % in.size()], receiver);
    if (nic < 0) return std::nullopt;
    const int there = at(machine.servers[index(receiver)].nics, nic);
    const double share = 1 / static_cast<double>(ways);
    const auto leave = from == here ? Seconds(0) : add_way(from, here, share, use);
    const auto cross = add_network(here, there, share, use);
    const auto enter = add_entry(nic, receiver, to, share, use);
    if (!leave || !cross || !enter) return std::nullopt;
    latency = max(latency, *leave + *cross + *enter);
  }
  return latency;
}

std::optional<Seconds> MachinePart::Graph::add_way(int from, int to, double share,
                                                   LinkUse& use) const {
  const int server = server_of(from), other = server_of(to);
  if (server >= 0 && server == other) {
    const ServerRoutes& routes = wirings[index(server)]->routes();
    const int first = machine.servers[index(server)].first_component;
    const Route way = routes.route(from - first, to - first);
    if (way.links.empty()) return std::nullopt;
    LinkUse local;
    routes.add(from - first, way, 1, local);
    add_local(local, server, share, false, use);
    return way.latency;
  }
  if (server >= 0 && other >= 0) {
    LinkUse found;
    if (const auto latency = add_copy(from, to, found)) {
      for (const auto& [way, part] : found) use[way] += share * part;
      return latency;
    }
  }
  const Route way = route(from, to);
  if (way.links.empty()) return std::nullopt;
  add_route(machine, from, way, share, use);
  return way.latency;
}

}  // namespace orrery
