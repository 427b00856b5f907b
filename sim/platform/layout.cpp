#include "platform/layout.hpp"

#include <algorithm>

#include <orrery/error.hpp>

#include "platform/scale_out.hpp"
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

// The first and the last device of the server, where a group has one there only.
std::vector<int> devices_in(const Share& share, std::span<const int> devices, int per_server) {
  if (share.ranks == 1) return {0, per_server - 1};
  const int base = share.server * per_server;
  const auto begin = std::lower_bound(devices.begin(), devices.end(), base);
  std::vector<int> result(begin, begin + share.ranks);
  for (int& device : result) device -= base;
  return result;
}

void set_ring(GroupLayout& layout, std::span<const int> local, const Network& network) {
  const RingUse& ring = network.wiring.ring(local);
  layout.scale_up = ring.bandwidth;
  layout.scale_up_latency = ring.latency;
  layout.over_host = !ring.direct;
  layout.up = network.table.use_of(ring.together);
}

void set_scale_up(GroupLayout& layout, const Share& share, const ServerSpec& server,
                  const Network& network) {
  if (server.devices == 1) return;
  const bool alone = share.ranks == 1;
  const ScaleUpSpec& scale_up = server.scale_up;
  const Path path = network.paths.between(
      alone ? 0 : share.first, alone ? server.devices - 1 : share.last, Reach::SameServer);
  layout.scale_up_latency = path.latency;
  layout.scale_up_switched = scale_up.switches > 0;
  layout.in_switch_reduction = scale_up.in_switch_reduction;
  if (scale_up.kind == ScaleUpSpec::Kind::Torus) {
    layout.scale_up = torus_bandwidth(scale_up);
  } else if (scale_up.switches > 0 || alone) {
    layout.scale_up = scale_up.bandwidth;
  } else {  // a wire to each of the others
    layout.scale_up = path.bandwidth * static_cast<double>(share.ranks - 1);
  }
  layout.up = {network.table.use(network.table.port(), 1)};
}

void set_scale_out(GroupLayout& layout, const Shares& shares, const Span& span,
                   const PlatformSpec& spec, std::span<const int> local, const Network& network) {
  // Neighbours between servers have the same number in theirs, as a rail wants it.
  const Paths& paths = network.paths;
  layout.scale_out_latency =
      max(paths.between(shares.first.first, shares.last.first, span.reach).latency,
          paths.between(shares.first.last, shares.last.last, span.reach).latency) +
      detour_latency(span.reach, *spec.fabric);
  set_scale_out_bandwidth(layout, span, spec, network.wiring.to_nics(local),
                          {network.table, network.collisions});
  layout.in_network_reduction = spec.fabric->in_network_reduction;
}

}  // namespace

GroupLayout layout_of(std::span<const int> devices, const PlatformSpec& spec,
                      const Network& network) {
  ORRERY_CHECK(!devices.empty() && devices.front() >= 0 &&
               devices.back() < spec.servers * spec.server.devices);
  const Shares shares = shares_of(devices, spec.server.devices);
  GroupLayout layout;
  layout.ranks = static_cast<int>(devices.size());
  layout.servers = shares.servers;
  layout.ranks_per_server = shares.largest.ranks;
  layout.devices_per_server = spec.server.devices;
  layout.nics_per_server = spec.server.nics;
  using Kind = ScaleUpSpec::Kind;
  const std::vector<int> local = devices_in(shares.largest, devices, spec.server.devices);
  const Kind kind = spec.server.scale_up.kind;
  if ((kind == Kind::Pcie || kind == Kind::Listed) && spec.server.devices > 1) {
    set_ring(layout, local, network);
  } else {
    set_scale_up(layout, shares.largest, spec.server, network);
  }
  if (spec.server.scale_up.kind == ScaleUpSpec::Kind::Torus) {
    const int first = shares.largest.server * spec.server.devices;
    const auto begin = std::lower_bound(devices.begin(), devices.end(), first);
    const auto count = static_cast<std::size_t>(shares.largest.ranks);
    set_torus(layout, {begin, count}, first, spec.server.scale_up);
  }
  if (shares.servers > 1) {
    set_scale_out(layout, shares, Span(devices, spec), spec, local, network);
  }
  return layout;
}

GroupLayout slower(const GroupLayout& a, const GroupLayout& b) {
  GroupLayout result = a;
  if (b.scale_up < a.scale_up) result.up = b.up;
  if (b.scale_out < a.scale_out) result.out = b.out;
  if (b.scale_out_all_to_all < a.scale_out_all_to_all) result.pairs = b.pairs;
  result.over_host = a.over_host || b.over_host;
  result.scale_up = min(a.scale_up, b.scale_up);
  result.scale_up_latency = max(a.scale_up_latency, b.scale_up_latency);
  result.scale_up_switched = a.scale_up_switched && b.scale_up_switched;
  result.in_switch_reduction = a.in_switch_reduction && b.in_switch_reduction;
  result.torus_link = min(a.torus_link, b.torus_link);
  result.scale_out = min(a.scale_out, b.scale_out);
  result.scale_out_alone = min(a.scale_out_alone, b.scale_out_alone);
  result.scale_out_all_to_all = min(a.scale_out_all_to_all, b.scale_out_all_to_all);
  result.scale_out_latency = max(a.scale_out_latency, b.scale_out_latency);
  return result;
}

GroupLayout degraded(GroupLayout layout, double scale_up, double scale_out) {
  for (ResourceUse& use : layout.up) use.per_byte /= scale_up;
  for (auto* uses : {&layout.out, &layout.pairs}) {
    for (ResourceUse& use : *uses) use.per_byte /= scale_out;
  }
  layout.scale_up = layout.scale_up * scale_up;
  layout.torus_link = layout.torus_link * scale_up;
  layout.scale_out = layout.scale_out * scale_out;
  layout.scale_out_alone = layout.scale_out_alone * scale_out;
  layout.scale_out_all_to_all = layout.scale_out_all_to_all * scale_out;
  return layout;
}

}  // namespace orrery
