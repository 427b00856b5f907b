#pragma once
/// The resources of a machine, once for all that are alike: the ways of a server's graph between
/// components of the same kinds, ports that stand for several links, and the links between
/// switches.

#include <cstdint>
#include <map>
#include <vector>

#include <orrery/resource.hpp>

#include "platform/server_wiring.hpp"

namespace orrery {

/// Links of a fabric that traffic is spread over as one.
enum class FabricCut { Leaf, Spine, Local, Global };

class ResourceTable {
 public:
  ResourceTable(const PlatformSpec& spec, const ServerWiring& wiring);

  [[nodiscard]] const std::vector<Resource>& all() const { return all_; }
  /// All scale-up links of a device as one.
  [[nodiscard]] std::uint32_t port() const { return port_; }
  /// The port of an adapter.
  [[nodiscard]] std::uint32_t nic() const { return nic_; }
  /// @pre the fabric has such links
  [[nodiscard]] std::uint32_t cut(FabricCut cut) const {
    return cuts_ + static_cast<std::uint32_t>(cut);
  }

  [[nodiscard]] ResourceUse use(std::uint32_t resource, double per_byte) const {
    return {resource, per_byte, all_[resource].capacity};
  }
  /// What traffic over links of a server takes: of ways that are alike the busiest.
  [[nodiscard]] std::vector<ResourceUse> use_of(const LinkUse& links) const;

 private:
  void add_ways(const MachineGraph& server, double servers);
  void add_cuts(const PlatformSpec& spec);

  std::vector<Resource> all_;
  std::map<Way, std::uint32_t> of_way_;
  std::uint32_t port_ = 0, nic_ = 0, cuts_ = 0;
};

/// The least capacity / per_byte; infinite for none.
BytesPerSecond bandwidth_of(const std::vector<ResourceUse>& use);
/// What a link is shared as.
ResourceKind resource_kind(const Link& link);
/// The resources of every way of a graph; the way back of a half-duplex link is never used.
std::vector<Resource> resources_of(const MachineGraph& machine, double multiplicity);

}  // namespace orrery
