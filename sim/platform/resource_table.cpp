#include "platform/resource_table.hpp"

#include <algorithm>
#include <cctype>
#include <limits>
#include <string>
#include <tuple>

#include "platform/torus_layout.hpp"

namespace orrery {
namespace {

// "server0.gpu3>server0.pcie_switch1" as "gpu>pcie_switch".
std::string class_name(const std::string& name) {
  std::string result;
  for (std::size_t at = 0; at < name.size(); ++at) {
    if (name.compare(at, 6, "server") == 0) at = name.find('.', at) + 1;
    if (std::isdigit(static_cast<unsigned char>(name[at])) == 0) result += name[at];
  }
  return result;
}

}  // namespace

const char* to_text(ResourceKind kind) {
  switch (kind) {
    case ResourceKind::Hbm:
      return "hbm";
    case ResourceKind::ScaleUpPort:
      return "scale-up port";
    case ResourceKind::PcieLink:
      return "pcie link";
    case ResourceKind::SocketLink:
      return "socket link";
    case ResourceKind::Dram:
      return "dram";
    case ResourceKind::Nic:
      return "nic";
    case ResourceKind::Drive:
      return "drive";
    case ResourceKind::FabricLinks:
      return "fabric links";
  }
  return "";
}

ResourceKind resource_kind(const Link& link) {
  if (link.kind == "hbm") return ResourceKind::Hbm;
  if (link.kind == "dram") return ResourceKind::Dram;
  if (link.kind == "drive") return ResourceKind::Drive;
  if (link.kind == "upi") return ResourceKind::SocketLink;
  if (link.kind == "network") return ResourceKind::FabricLinks;
  return link.kind == "pcie" ? ResourceKind::PcieLink : ResourceKind::ScaleUpPort;
}

std::vector<Resource> resources_of(const MachineGraph& machine, double multiplicity) {
  std::vector<Resource> result;
  result.reserve(2 * machine.links.size());
  for (int i = 0; i < static_cast<int>(machine.links.size()); ++i) {
    const Link& link = machine.links[static_cast<std::size_t>(i)];
    for (const bool back : {false, true}) {
      const Way way{i, back};
      result.push_back({.name = name_of(machine, way),
                        .kind = resource_kind(link),
                        .capacity = capacity_of(link, way),
                        .latency = link.latency,
                        .link = i,
                        .multiplicity = multiplicity});
    }
  }
  return result;
}

ResourceTable::ResourceTable(const PlatformSpec& spec, const ServerWiring& wiring,
                             std::uint32_t first)
    : first_(first) {
  add_ways(wiring.machine(), spec.servers);
  const ScaleUpSpec& scale_up = spec.server.scale_up;
  const bool torus = scale_up.kind == ScaleUpSpec::Kind::Torus;
  port_ = add({.name = torus ? "ici" : "nvlink",
               .kind = ResourceKind::ScaleUpPort,
               .capacity = torus ? torus_bandwidth(scale_up) : scale_up.bandwidth,
               .latency = scale_up.latency,
               .multiplicity = static_cast<double>(spec.servers) * spec.server.devices});
  BytesPerSecond rate = spec.server.nic.bandwidth;
  if (spec.fabric) rate = min(rate, spec.fabric->leaf.port_bandwidth);
  nic_ = add({.name = "nic",
              .kind = ResourceKind::Nic,
              .capacity = rate,
              .latency = spec.server.nic.latency,
              .multiplicity = static_cast<double>(spec.servers) * spec.server.nics});
  add_bundles(spec);
}

std::uint32_t ResourceTable::add(Resource resource) {
  all_.push_back(std::move(resource));
  return first_ + static_cast<std::uint32_t>(all_.size()) - 1;
}

// Ways are alike that join components of the same kinds and carry the same.
void ResourceTable::add_ways(const MachineGraph& server, double servers) {
  std::map<std::tuple<std::string, double, double>, std::uint32_t> known;
  const std::vector<Resource> ways = resources_of(server, servers);
  for (std::size_t i = 0; i < ways.size(); ++i) {
    Resource resource = ways[i];
    resource.name = class_name(resource.name);
    const auto [found, added] =
        known.try_emplace({resource.name, resource.capacity.si(), resource.latency.si()},
                          first_ + static_cast<std::uint32_t>(all_.size()));
    of_way_[{static_cast<int>(i / 2), i % 2 == 1}] = found->second;
    if (added) {
      all_.push_back(std::move(resource));
    } else {
      all_[found->second - first_].multiplicity += servers;
    }
  }
}

void ResourceTable::add_bundles(const PlatformSpec& spec) {
  constexpr const char* kNames[kFabricLinkKinds] = {"leaf uplinks", "spine uplinks", "router links",
                                                    "group links"};
  bundles_ = first_ + static_cast<std::uint32_t>(all_.size());
  fabric_ = link_bundles(spec);
  for (const LinkBundle& links : fabric_) {
    add({.name = kNames[static_cast<std::size_t>(links.kind)],
         .kind = ResourceKind::FabricLinks,
         .capacity = links.bandwidth(),
         .latency = links.cable.latency,
         .multiplicity = static_cast<double>(links.bundles)});
  }
}

MachineActivity activity_of(std::span<const ResourceTable> tables,
                            std::span<const double> activity) {
  MachineActivity result;
  std::size_t resource = 0;
  for (const ResourceTable& table : tables) {
    double scale_up = 0;
    for (const Resource& one : table.all()) {
      const double busy = resource < activity.size() ? activity[resource] : 0.0;
      if (one.kind == ResourceKind::ScaleUpPort) scale_up = std::max(scale_up, busy);
      if (resource == table.nic()) result.nic += busy;
      if (resource >= table.bundle(0)) {
        const LinkBundle& links = table.bundles()[resource - table.bundle(0)];
        result.fabric[static_cast<std::size_t>(links.kind)] += busy;
      }
      ++resource;
    }
    result.scale_up += scale_up;
  }
  return result;
}

BytesPerSecond bandwidth_of(const std::vector<ResourceUse>& use) {
  BytesPerSecond least{std::numeric_limits<double>::infinity()};
  for (const ResourceUse& one : use) least = min(least, one.capacity / one.per_byte);
  return least;
}

std::vector<ResourceUse> ResourceTable::use_of(const LinkUse& links) const {
  std::map<std::uint32_t, double> busiest;
  for (const auto& [way, share] : links) {
    double& most = busiest[of_way_.at(way)];
    most = std::max(most, share);
  }
  std::vector<ResourceUse> result;
  result.reserve(busiest.size());
  for (const auto& [resource, share] : busiest) result.push_back(use(resource, share));
  return result;
}

}  // namespace orrery
