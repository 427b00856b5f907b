#include "platform/layout.hpp"

#include <algorithm>

#include <orrery/error.hpp>

#include "platform/torus_layout.hpp"

namespace orrery {
namespace {

/// The devices that a group has in one server; the outermost by their number in it.
struct Share {
  int server = 0;
  int ranks = 0;
  int first = 0;
  int last = 0;
};

struct Shares {
  int servers = 0;
  Share first, last, largest;
};

Shares shares_of(std::span<const int> devices, int per_server) {
  Shares shares;
  for (const int device : devices) {
    const int server = device / per_server;
    if (shares.servers == 0 || server != shares.last.server) {
      ++shares.servers;
      shares.last = {.server = server, .first = device % per_server};
    }
    ++shares.last.ranks;
    shares.last.last = device % per_server;
    if (shares.servers == 1) shares.first = shares.last;
    if (shares.last.ranks > shares.largest.ranks) shares.largest = shares.last;
  }
  return shares;
}

void set_scale_up(GroupLayout& layout, const Share& share, const ServerSpec& server,
                  const Paths& paths) {
  if (server.devices == 1) return;
  const bool alone = share.ranks == 1;
  const Path path = paths.between(alone ? 0 : share.first, alone ? server.devices - 1 : share.last,
                                  Reach::SameServer);
  const ScaleUpSpec& scale_up = server.scale_up;
  layout.scale_up_latency = path.latency;
  layout.scale_up_switched = scale_up.switches > 0;
  layout.in_switch_reduction = scale_up.in_switch_reduction;
  if (scale_up.kind == ScaleUpSpec::Kind::Torus) {
    layout.scale_up = torus_bandwidth(scale_up);
  } else if (scale_up.kind == ScaleUpSpec::Kind::Pcie) {
    // A ring uses every wire between the outermost two once in each direction.
    layout.scale_up = path.bandwidth;
  } else if (scale_up.switches > 0 || alone) {
    layout.scale_up = scale_up.bandwidth;
  } else {
    layout.scale_up = path.bandwidth * static_cast<double>(share.ranks - 1);
  }
}

/// What one NIC moves between its devices and its leaf.
BytesPerSecond nic_bandwidth(const PlatformSpec& spec) {
  return min(min(spec.server.nic.bandwidth, spec.server.pcie.bandwidth),
             spec.fabric->leaf.port_bandwidth);
}

/// What PCIe lets every device send at once. Where some switches have no NIC, their devices share
/// the wire to the socket.
BytesPerSecond pcie_share(const ServerSpec& server) {
  if (server.nics >= server.pcie_switches()) return server.pcie.bandwidth;
  return server.pcie.bandwidth / static_cast<double>(server.devices_per_pcie_switch);
}

BytesPerSecond scale_out_share(const PlatformSpec& spec, Reach reach) {
  BytesPerSecond nic = nic_bandwidth(spec);
  if (reach == Reach::Spine) {
    const BytesPerSecond port = min(spec.server.nic.bandwidth, spec.fabric->leaf.port_bandwidth);
    nic = min(nic, port / spec.fabric->oversubscription);
  }
  return min(nic * spec.server.nics_per_device(), pcie_share(spec.server));
}

void set_scale_out(GroupLayout& layout, const Shares& shares, const PlatformSpec& spec,
                   const Paths& paths) {
  const FabricSpec& fabric = *spec.fabric;
  const auto pod = [&](const Share& share) { return share.server / fabric.servers_per_leaf; };
  const Reach reach = pod(shares.first) == pod(shares.last) ? Reach::SameLeaf : Reach::Spine;
  // Neighbours between servers have the same number in theirs, as a rail wants it.
  layout.scale_out_latency =
      max(paths.between(shares.first.first, shares.last.first, reach).latency,
          paths.between(shares.first.last, shares.last.last, reach).latency);
  layout.scale_out = scale_out_share(spec, reach);
  layout.scale_out_alone = min(nic_bandwidth(spec) * std::max(1.0, spec.server.nics_per_device()),
                               spec.server.pcie.bandwidth);
  layout.in_network_reduction = fabric.in_network_reduction;
}

}  // namespace

GroupLayout layout_of(std::span<const int> devices, const PlatformSpec& spec, const Paths& paths) {
  ORRERY_CHECK(!devices.empty() && devices.front() >= 0 &&
               devices.back() < spec.servers * spec.server.devices);
  const Shares shares = shares_of(devices, spec.server.devices);
  GroupLayout layout;
  layout.ranks = static_cast<int>(devices.size());
  layout.servers = shares.servers;
  layout.ranks_per_server = shares.largest.ranks;
  layout.devices_per_server = spec.server.devices;
  layout.nics_per_server = spec.server.nics;
  set_scale_up(layout, shares.largest, spec.server, paths);
  if (spec.server.scale_up.kind == ScaleUpSpec::Kind::Torus) {
    const int first = shares.largest.server * spec.server.devices;
    const auto begin = std::lower_bound(devices.begin(), devices.end(), first);
    const auto count = static_cast<std::size_t>(shares.largest.ranks);
    set_torus(layout, {begin, count}, first, spec.server.scale_up);
  }
  if (shares.servers > 1) set_scale_out(layout, shares, spec, paths);
  return layout;
}

}  // namespace orrery
