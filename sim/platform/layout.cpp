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
  [[nodiscard]] GroupLinks links(const Shares& shares, GroupPattern pattern) const {
    GroupLinks result;
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
  void take(const Found& found, GroupLinks& result) const {
    const GroupUse& use = *found.use;
    const bool alone = others_ == Others::Idle;
    const BytesPerSecond rate = (alone ? use.alone : use.together) / found.sent;
    const bool slowest = result.uses.empty() || rate < result.bandwidth;
    result.latency = max(result.latency, use.latency);
    result.over_host = result.over_host || !use.direct;
    if (!slowest) return;
    result.bandwidth = rate;
    std::vector<ResourceUse> uses = network_.table.use_of(alone ? use.own : use.shared);
    for (ResourceUse& one : uses) one.per_byte *= found.sent;
    result.uses = std::move(uses);
  }

  std::span<const int> devices_;
  Others others_;
  int per_server_;
  const Network& network_;
};

LinksWithin wired_links(const Shares& shares, const WiredGroup& group) {
  LinksWithin links;
  links.ring = group.links(shares, GroupPattern::Ring);
  links.to_next = group.links(shares, GroupPattern::ToNext);
  links.to_all = group.links(shares, GroupPattern::ToAll);
  return links;
}

LinksWithin scale_up_links(const Shares& shares, const ServerSpec& server, const Network& network) {
  LinksWithin links;
  if (server.devices == 1) return links;
  const Share& share = shares.largest;
  const bool alone = share.ranks == 1;
  const ScaleUpSpec& scale_up = server.scale_up;
  const Path path = network.paths.between(
      alone ? 0 : share.first, alone ? server.devices - 1 : share.last, Reach::SameServer);
  const ResourceUses port = {network.table.use(network.table.port(), 1)};
  links.ring = {.bandwidth = scale_up.bandwidth, .latency = path.latency, .uses = port};
  links.switched = scale_up.switches > 0;
  links.in_switch_reduction = scale_up.in_switch_reduction;
  if (scale_up.kind == ScaleUpSpec::Kind::Torus) {
    links.ring.bandwidth = torus_bandwidth(scale_up);
  } else if (scale_up.switches == 0 && !alone) {  // a wire to each of the others
    int fewest = share.ranks;
    for (const Share& one : shares.kinds) {
      if (one.ranks > 1) fewest = std::min(fewest, one.ranks);
    }
    links.ring.bandwidth = path.bandwidth * static_cast<double>(fewest - 1);
    links.to_all = {.bandwidth = path.bandwidth * static_cast<double>(share.ranks - 1),
                    .latency = path.latency,
                    .uses = port};
    links.to_next = {
        .bandwidth = path.bandwidth,
        .latency = path.latency,
        .uses = {network.table.use(network.table.port(), scale_up.bandwidth / path.bandwidth)}};
  }
  return links;
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

LinksBetween scale_out_links(const Shares& shares, std::span<const int> devices, Others others,
                             const PlatformSpec& spec, const Network& network) {
  // Neighbours between servers have the same number in theirs, as a rail wants it.
  const Paths& paths = network.paths;
  const Span span(devices, spec);
  const Seconds latency =
      max(paths.between(shares.first.first, shares.last.first, span.reach).latency,
          paths.between(shares.first.last, shares.last.last, span.reach).latency) +
      detour_latency(span.reach, *spec.fabric);
  ScaleOut rates(span, spec, {network.table, network.collisions});
  for (const Share& share : shares.kinds) {
    int used = 0;
    const std::vector<int> local = devices_in(share, devices, spec.server.devices);
    const NicUse nics = slowest_nics(local, others, network.wiring, used);
    const Sent sent = sent_by(share, shares, static_cast<int>(devices.size()));
    rates.add({.nics = nics,
               .to_next = sent.to_next,
               .to_all = sent.to_all,
               .nics_per_rank = others == Others::Idle ? used / static_cast<double>(share.ranks)
                                                       : spec.server.nics_per_device(),
               .used = others == Others::Idle ? used : spec.server.nics,
               .alone = others == Others::Idle});
  }
  LinksBetween links = rates.links(latency);
  links.in_network_reduction = spec.fabric->in_network_reduction;
  return links;
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
    layout.within = wired_links(shares, WiredGroup(devices, others, spec.server.devices, network));
  } else {
    layout.within = scale_up_links(shares, spec.server, network);
  }
  if (kind == Kind::Torus && shares.largest.ranks > 1) {
    const int first = shares.largest.server * spec.server.devices;
    const auto count = static_cast<std::size_t>(shares.largest.ranks);
    layout.torus =
        torus_links(devices.subspan(shares.largest.begin, count), first, spec.server.scale_up);
    for (TorusAxis& axis : layout.torus->axes) axis.groups = others == Others::Idle ? 1 : 0;
  }
  if (shares.servers > 1) {
    layout.between = scale_out_links(shares, devices, others, spec, network);
  }
  return layout;
}

namespace {

// As two at once: the bandwidth and the resources of the narrower.
GroupLinks slower(const GroupLinks& a, const GroupLinks& b) {
  GroupLinks result = b.bandwidth < a.bandwidth ? b : a;
  result.latency = max(a.latency, b.latency);
  result.over_host = a.over_host || b.over_host;
  return result;
}

LinksWithin slower(const LinksWithin& a, const LinksWithin& b) {
  const auto of = [&](CollectiveKind kind) { return slower(a.of(kind), b.of(kind)); };
  return {.ring = slower(a.ring, b.ring),
          .to_next = of(CollectiveKind::SendRecv),
          .to_all = of(CollectiveKind::AllToAll),
          .switched = a.switched && b.switched,
          .in_switch_reduction = a.in_switch_reduction && b.in_switch_reduction};
}

LinksBetween slower(const LinksBetween& a, const LinksBetween& b) {
  return {.ring = slower(a.ring, b.ring),
          .to_all = slower(a.to_all, b.to_all),
          .alone = min(a.alone, b.alone),
          .in_network_reduction = a.in_network_reduction && b.in_network_reduction};
}

void degrade(GroupLinks& links, double ratio) {
  if (ratio == 1) return;
  links.bandwidth = links.bandwidth * ratio;
  std::vector<ResourceUse> uses(links.uses.begin(), links.uses.end());
  for (ResourceUse& use : uses) use.per_byte /= ratio;
  links.uses = std::move(uses);
}

}  // namespace

GroupLayout slower(const GroupLayout& a, const GroupLayout& b) {
  GroupLayout result = a;
  result.within = slower(a.within, b.within);
  result.between = slower(a.between, b.between);
  if (!b.torus) result.torus.reset();
  if (result.torus) result.torus->link = min(a.torus->link, b.torus->link);
  return result;
}

GroupLayout degraded(GroupLayout layout, double scale_up, double scale_out) {
  for (GroupLinks* links : {&layout.within.ring, &layout.within.to_next, &layout.within.to_all}) {
    degrade(*links, scale_up);
  }
  if (layout.torus) layout.torus->link = layout.torus->link * scale_up;
  for (GroupLinks* links : {&layout.between.ring, &layout.between.to_all}) {
    degrade(*links, scale_out);
  }
  layout.between.alone = layout.between.alone * scale_out;
  return layout;
}

}  // namespace orrery
