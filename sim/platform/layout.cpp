#include "platform/layout.hpp"

#include <algorithm>
#include <set>
#include <utility>
#include <vector>

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
  std::size_t begin = 0;  ///< of its devices among those of the group
};

struct Shares {
  int servers = 0;
  int fewest = 0;
  Share first, last, largest;
  std::vector<Share> kinds;  ///< one of each run of servers with the same devices
};

class SharesOf {
 public:
  SharesOf(std::span<const int> devices, int per_server)
      : devices_(devices), per_server_(per_server) {}

  [[nodiscard]] Shares find() const {
    Shares shares;
    for (std::size_t begin = 0; begin < devices_.size();) {
      const Share share = next(begin);
      begin += static_cast<std::size_t>(share.ranks);
      if (shares.servers == 0) shares.first = shares.largest = share;
      if (share.ranks > shares.largest.ranks) shares.largest = share;
      if (shares.servers == 0 || share.ranks < shares.fewest) shares.fewest = share.ranks;
      if (shares.servers == 0 || !alike(share, shares.last)) shares.kinds.push_back(share);
      shares.last = share;
      ++shares.servers;
    }
    return shares;
  }

 private:
  [[nodiscard]] Share next(std::size_t begin) const {
    Share share{.server = devices_[begin] / per_server_, .begin = begin};
    const int base = share.server * per_server_;
    std::size_t end = begin;
    while (end < devices_.size() && devices_[end] < base + per_server_) ++end;
    share.ranks = static_cast<int>(end - begin);
    share.first = devices_[begin] - base;
    share.last = devices_[end - 1] - base;
    return share;
  }
  [[nodiscard]] bool alike(const Share& a, const Share& b) const {
    if (a.ranks != b.ranks) return false;
    const int apart = (a.server - b.server) * per_server_;
    for (std::size_t i = 0; i < static_cast<std::size_t>(a.ranks); ++i) {
      if (devices_[a.begin + i] - devices_[b.begin + i] != apart) return false;
    }
    return true;
  }

  std::span<const int> devices_;
  int per_server_;
};

std::vector<int> devices_in(const Share& share, std::span<const int> devices, int per_server) {
  const auto begin = devices.begin() + static_cast<std::ptrdiff_t>(share.begin);
  std::vector<int> result(begin, begin + share.ranks);
  for (int& device : result) device -= share.server * per_server;
  return result;
}

/// A group whose servers have links or PCIe of their own layout.
class WiredGroup {
 public:
  WiredGroup(std::span<const int> devices, Others others, int per_server, const Network& network)
      : devices_(devices), others_(others), per_server_(per_server), network_(network) {}

  /// As the slowest of its servers. Where each has one device, the first and the last of a server.
  [[nodiscard]] PairLinks links(const Shares& shares, GroupPattern pattern) const {
    PairLinks result;
    for (const Share& share : shares.kinds) {
      if (share.ranks < 2) continue;
      take(use(devices_in(share, devices_, per_server_), pattern, shares), result);
    }
    if (shares.largest.ranks == 1) {
      take(use({0, per_server_ - 1}, pattern, shares), result);
    }
    return result;
  }

 private:
  struct Found {
    const GroupUse* use = nullptr;
    double sent = 1;  // by a device, for what one in the fullest server sends
  };
  [[nodiscard]] Found use(const std::vector<int>& local, GroupPattern pattern,
                          const Shares& shares) const {
    // To all others in the server: as many messages as these are.
    const double peers = static_cast<double>(local.size()) - 1;
    const double most = std::max(1, shares.largest.ranks - 1);
    return {&network_.wiring.group(local, pattern),
            pattern == GroupPattern::ToAll ? peers / most : 1.0};
  }
  void take(const Found& found, PairLinks& result) const {
    const GroupUse& use = *found.use;
    const bool alone = others_ == Others::Idle;
    const BytesPerSecond rate = (alone ? use.alone : use.together) / found.sent;
    const bool slowest = result.uses.empty() || rate < result.bandwidth;
    result.latency = max(result.latency, use.latency);
    result.over_host = result.over_host || !use.direct;
    if (!slowest) return;
    result.bandwidth = rate;
    result.uses = network_.table.use_of(alone ? use.own : use.shared);
    for (ResourceUse& one : result.uses) one.per_byte *= found.sent;
  }

  std::span<const int> devices_;
  Others others_;
  int per_server_;
  const Network& network_;
};

void set_wired(GroupLayout& layout, const Shares& shares, const WiredGroup& group) {
  PairLinks ring = group.links(shares, GroupPattern::Ring);
  layout.scale_up = ring.bandwidth;
  layout.scale_up_latency = ring.latency;
  layout.over_host = ring.over_host;
  layout.up = std::move(ring.uses);
  layout.to_all = group.links(shares, GroupPattern::ToAll);
  layout.to_next = group.links(shares, GroupPattern::ToNext);
}

void set_scale_up(GroupLayout& layout, const Shares& shares, const ServerSpec& server,
                  const Network& network) {
  if (server.devices == 1) return;
  const Share& share = shares.largest;
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
    int fewest = share.ranks;
    for (const Share& one : shares.kinds) {
      if (one.ranks > 1) fewest = std::min(fewest, one.ranks);
    }
    layout.scale_up = path.bandwidth * static_cast<double>(fewest - 1);
    layout.to_all = {.bandwidth = path.bandwidth * static_cast<double>(share.ranks - 1),
                     .latency = path.latency,
                     .uses = {network.table.use(network.table.port(), 1)}};
    layout.to_next = {
        .bandwidth = path.bandwidth,
        .latency = path.latency,
        .uses = {network.table.use(network.table.port(), scale_up.bandwidth / path.bandwidth)}};
  }
  layout.up = {network.table.use(network.table.port(), 1)};
}

// How much the devices of a server send, for what each of the fewest in a server does.
struct Sent {
  double to_next = 1;  // to the next server: all servers send as much
  double to_all = 1;   // to all devices in other servers
};

Sent sent_by(const Share& share, const Shares& shares, int ranks) {
  const double here = share.ranks, fewest = shares.fewest, all = ranks;
  return {.to_next = fewest / here, .to_all = (all - here) / (all - fewest)};
}

// The NICs of one server that its devices send over.
NicUse slowest_nics(const std::vector<int>& local, Others others, const ServerWiring& wiring,
                    int& used) {
  std::vector<NicUse> uses;
  if (others == Others::Idle) {
    uses = wiring.nics_among(local);
  } else {
    for (const int device : local)
      uses.push_back(wiring.nics_of_all()[static_cast<std::size_t>(device)]);
  }
  std::set<int> ports;
  for (const NicUse& use : uses) {
    for (const auto& [nic, load] : use.ports) ports.insert(nic);
  }
  used = static_cast<int>(ports.size());
  return *std::min_element(uses.begin(), uses.end(),
                           [](const NicUse& a, const NicUse& b) { return a.rate < b.rate; });
}

void set_scale_out(GroupLayout& layout, const Shares& shares, std::span<const int> devices,
                   Others others, const PlatformSpec& spec, const Network& network) {
  // Neighbours between servers have the same number in theirs, as a rail wants it.
  const Paths& paths = network.paths;
  const Span span(devices, spec);
  layout.scale_out_latency =
      max(paths.between(shares.first.first, shares.last.first, span.reach).latency,
          paths.between(shares.first.last, shares.last.last, span.reach).latency) +
      detour_latency(span.reach, *spec.fabric);
  ScaleOut rates(span, spec, {network.table, network.collisions});
  for (const Share& share : shares.kinds) {
    int used = 0;
    const std::vector<int> local = devices_in(share, devices, spec.server.devices);
    const NicUse nics = slowest_nics(local, others, network.wiring, used);
    const Sent sent = sent_by(share, shares, layout.ranks);
    rates.add({.nics = nics,
               .to_next = sent.to_next,
               .to_all = sent.to_all,
               .nics_per_rank = others == Others::Idle ? used / static_cast<double>(share.ranks)
                                                       : spec.server.nics_per_device(),
               .used = others == Others::Idle ? used : spec.server.nics,
               .alone = others == Others::Idle});
  }
  rates.fill(layout);
  layout.in_network_reduction = spec.fabric->in_network_reduction;
}

}  // namespace

GroupLayout layout_of(std::span<const int> devices, Others others, const PlatformSpec& spec,
                      const Network& network) {
  ORRERY_CHECK(!devices.empty() && devices.front() >= 0 &&
               devices.back() < spec.servers * spec.server.devices);
  const Shares shares = SharesOf(devices, spec.server.devices).find();
  GroupLayout layout;
  layout.ranks = static_cast<int>(devices.size());
  layout.servers = shares.servers;
  layout.ranks_per_server = shares.largest.ranks;
  if (shares.fewest < shares.largest.ranks) layout.fewest_per_server = shares.fewest;
  layout.devices_per_server = spec.server.devices;
  layout.nics_per_server = spec.server.nics;
  using Kind = ScaleUpSpec::Kind;
  const Kind kind = spec.server.scale_up.kind;
  if ((kind == Kind::Pcie || kind == Kind::Listed) && spec.server.devices > 1) {
    set_wired(layout, shares, WiredGroup(devices, others, spec.server.devices, network));
  } else {
    set_scale_up(layout, shares, spec.server, network);
  }
  if (spec.server.scale_up.kind == ScaleUpSpec::Kind::Torus) {
    const int first = shares.largest.server * spec.server.devices;
    const auto count = static_cast<std::size_t>(shares.largest.ranks);
    set_torus(layout, devices.subspan(shares.largest.begin, count), first, spec.server.scale_up);
    for (TorusAxis& axis : layout.torus) axis.groups = others == Others::Idle ? 1 : 0;
  }
  if (shares.servers > 1) {
    set_scale_out(layout, shares, devices, others, spec, network);
  }
  return layout;
}

namespace {

// What pairs take, where that is as a ring, too.
PairLinks pairs_in(const GroupLayout& layout, const PairLinks& pairs) {
  if (pairs.bandwidth > BytesPerSecond(0)) return pairs;
  return {layout.scale_up, layout.scale_up_latency, layout.over_host, layout.up};
}

PairLinks slower_pairs(const PairLinks& a, const PairLinks& b) {
  PairLinks result = b.bandwidth < a.bandwidth ? b : a;
  result.latency = max(a.latency, b.latency);
  result.over_host = a.over_host || b.over_host;
  return result;
}

}  // namespace

GroupLayout slower(const GroupLayout& a, const GroupLayout& b) {
  GroupLayout result = a;
  if (b.scale_up < a.scale_up) result.up = b.up;
  if (b.scale_out < a.scale_out) result.out = b.out;
  if (b.scale_out_all_to_all < a.scale_out_all_to_all) result.pairs = b.pairs;
  result.over_host = a.over_host || b.over_host;
  result.to_all = slower_pairs(pairs_in(a, a.to_all), pairs_in(b, b.to_all));
  result.to_next = slower_pairs(pairs_in(a, a.to_next), pairs_in(b, b.to_next));
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
  for (PairLinks* pairs : {&layout.to_all, &layout.to_next}) {
    pairs->bandwidth = pairs->bandwidth * scale_up;
    for (ResourceUse& use : pairs->uses) use.per_byte /= scale_up;
  }
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
