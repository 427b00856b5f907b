// Degraded links of a part, and what its ways draw.
#include "platform/index.hpp"
#include "platform/part_graph.hpp"
#include "platform/resource_table.hpp"

namespace orrery {

void MachinePart::Graph::scale(const std::function<bool(const Link&)>& which, double ratio) {
  if (ratio >= 1) return;
  for (Link& link : machine.links) {
    if (!which(link)) continue;
    link.bandwidth = link.bandwidth * ratio;
    link.back = link.back * ratio;
  }
}

void MachinePart::Graph::degrade(const Conditions& conditions) {
  for (std::size_t s = 0; s < machine.servers.size(); ++s) {
    const MachineGraph::Server& server = machine.servers[s];
    for (int i = 0; i < static_cast<int>(server.devices.size()); ++i) {
      const int device = server.devices[index(i)];
      const int number = server.index * spec.server.devices + i;
      const Condition& condition = conditions.all()[index(conditions.of(number))];
      const bool host = specs[s]->scale_up.kind == ScaleUpSpec::Kind::Pcie;
      const auto joins = host ? ResourceKind::PcieLink : ResourceKind::ScaleUpPort;
      scale(
          [&](const Link& link) {
            return (link.from == device || link.to == device) && resource_kind(link) == joins;
          },
          condition.scale_up);
      if (server.nics.empty()) continue;
      for (const auto& [nic, load] : wirings[s]->nics_of_all()[index(i)].ports) {
        const int port = server.nics[index(nic)];
        scale([&](const Link& link) { return link.from == port && link.kind == "network"; },
              condition.scale_out);
      }
    }
  }
}

// What parts draw, dealt evenly to the ways at them: an adapter has two, a drive two, the memory of
// a socket one, a scale-up switch two for every device.
void MachinePart::Graph::add_power() {
  const auto draw = [this](int way, const std::optional<DrawSpec>& part, double share) {
    if (!part) return;
    resources[index(way)].idle = part->idle * share;
    resources[index(way)].busy = part->busy * share;
  };
  for (std::size_t s = 0; s < machine.servers.size(); ++s) {
    const ServerSpec& server = *specs[s];
    const int first = machine.servers[s].first_link;
    const int end = s + 1 < machine.servers.size() ? machine.servers[s + 1].first_link
                                                   : static_cast<int>(machine.links.size());
    for (int i = first; i < end; ++i) {
      const Link& link = machine.links[index(i)];
      const ComponentKind to = machine.components[index(link.to)].kind;
      if (link.kind == "dram") {
        draw(2 * i, server.memory.power, static_cast<double>(server.memory.count) / server.sockets);
      } else if (link.kind == "drive" || to == ComponentKind::ScaleUpSwitch) {
        const bool drive = link.kind == "drive";
        const double share =
            drive ? 0.5 : 0.5 * server.scale_up.switches / static_cast<double>(server.devices);
        draw(2 * i, drive ? server.storage.power : server.switch_power, share);
        draw(2 * i + 1, drive ? server.storage.power : server.switch_power, share);
      }
    }
  }
  for (int i = 0; i < static_cast<int>(machine.links.size()); ++i) {
    const Link& link = machine.links[index(i)];
    if (link.kind != "network" || machine.components[index(link.from)].kind != ComponentKind::Nic) {
      continue;
    }
    draw(2 * i, spec.server.nic_power, 0.5);
    draw(2 * i + 1, spec.server.nic_power, 0.5);
  }
}

}  // namespace orrery
