#pragma once
/// The resources of a machine, once for all that are alike: the ways of a server's graph between
/// components of the same kinds, ports that stand for several links, and the links between
/// switches.

#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include <orrery/resource.hpp>

#include "platform/fabric_links.hpp"
#include "platform/server_wiring.hpp"

namespace orrery {

class ResourceTable {
 public:
  /// Numbers its resources from `first` on.
  ResourceTable(const PlatformSpec& spec, const ServerWiring& wiring, std::uint32_t first = 0);

  /// In the order of their numbers.
  [[nodiscard]] const std::vector<Resource>& all() const { return all_; }
  /// All scale-up links of a device as one.
  [[nodiscard]] std::uint32_t port() const { return port_; }
  /// The port of an adapter.
  [[nodiscard]] std::uint32_t nic() const { return nic_; }
  /// Links between switches, in the order of link_bundles(): one bundle is a resource.
  [[nodiscard]] std::uint32_t bundle(std::size_t index) const {
    return bundles_ + static_cast<std::uint32_t>(index);
  }
  [[nodiscard]] const std::vector<LinkBundle>& bundles() const { return fabric_; }

  [[nodiscard]] ResourceUse use(std::uint32_t resource, double per_byte) const {
    return {resource, per_byte, all_[resource - first_].capacity};
  }
  /// What traffic over links of a server takes: of ways that are alike the busiest.
  [[nodiscard]] std::vector<ResourceUse> use_of(const LinkUse& links) const;

 private:
  void add_ways(const MachineGraph& server, double servers);
  void add_bundles(const PlatformSpec& spec);
  std::uint32_t add(Resource resource);

  std::vector<Resource> all_;
  std::map<Way, std::uint32_t> of_way_;
  std::vector<LinkBundle> fabric_;
  std::uint32_t first_ = 0, port_ = 0, nic_ = 0, bundles_ = 0;
};

/// How busy the parts of a machine are, whose resources these tables number in turn: of resources
/// that are alike the busiest.
/// @param activity by resource, as StepResult::resource_activity; those beyond its end are idle
MachineActivity activity_of(std::span<const ResourceTable> tables,
                            std::span<const double> activity);

/// The least capacity / per_byte; infinite for none.
BytesPerSecond bandwidth_of(const std::vector<ResourceUse>& use);
/// What a link is shared as.
ResourceKind resource_kind(const Link& link);
/// The resources of every way of a graph; the way back of a half-duplex link is never used.
std::vector<Resource> resources_of(const MachineGraph& machine, double multiplicity);

}  // namespace orrery
