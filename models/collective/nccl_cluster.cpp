// Several servers: rings through every server, NCCL's double binary tree of servers, the same tree
// on top of reduction in the switches, and PAT. The fastest is taken: no data to check the tuner's
// constants against.
#include <algorithm>
#include <cmath>

#include "collective/nccl_exchange.hpp"

namespace orrery::collective {
namespace {

constexpr double kLlShare = 0.5;         // half of an LL line is flags
constexpr double kLl128Share = 0.92;     // as NCCL's tuner: 120 of 128 bytes, less synchronisation
constexpr double kLl128HopFactor = 1.5;  // NCCL's tuner: LL128 over LL on the network
constexpr double kNvlsLargestChunk = 131072;  // bytes
constexpr double kChannelsPerNic = 2;

/// The two legs of a way through the cluster, for one protocol.
struct Path {
  Protocol protocol = Protocol::Simple;
  Seconds base{};       ///< before the first hop
  Seconds reduction{};  ///< t_red
  Seconds up_hop{};
  Seconds out_hop{};
  BytesPerSecond up{};   ///< per rank, in the server; unused with one rank per server
  BytesPerSecond out{};  ///< per server
  Bytes window{};        ///< in flight per server and pipeline stage
  double channels = 1;

  /// Time to fill a pipeline of `stages` whose hops take `hops`: the chunk that is best for
  /// `transfer`, unless the window is smaller.
  [[nodiscard]] Seconds fill(Seconds hops, Seconds transfer, double stages) const {
    return min(Seconds(2.0 * std::sqrt((hops * transfer).si())), stages * window / out);
  }
};

double log2_servers(const Exchange& x) { return std::ceil(std::log2(x.servers)); }

/// NICs that the group may use in each server; a fraction where devices share them.
double nics(const Exchange& x) {
  if (x.layout.nics_per_server <= 0) return x.ranks_per_server;
  return x.layout.nics_per_server * x.ranks_per_server / std::max(1, x.layout.devices_per_server);
}

double channels(const ScaleUpParameters& up, const Exchange& x) {
  const double wanted = kChannelsPerNic * nics(x);
  if (x.ranks_per_server > 1) return std::clamp(wanted, 1.0, up.network_channels);
  return std::clamp(wanted, 2.0, 4.0);
}

void set_protocol(const NcclParameters& parameters, const Exchange& x, Path& path) {
  const ScaleUpParameters& up = *parameters.scale_up;
  const ScaleOutParameters& out = *parameters.scale_out;
  const BytesPerSecond wire = path.out;
  path.base = up.launch;
  switch (path.protocol) {
    case Protocol::Ll:
      path.up_hop = up.ll.hop;
      path.out_hop = out.low_latency_hop;
      path.up = up.ll.channels * up.ll.channel;
      path.out = min(kLlShare * wire, out.ll_server_limit);
      break;
    case Protocol::Ll128:
      path.up_hop = up.ll128->hop;
      path.out_hop = kLl128HopFactor * out.low_latency_hop;
      path.up = up.ll128->efficiency * ring_bandwidth(up, x);
      path.out = kLl128Share * wire;
      break;
    case Protocol::Simple:
      path.base += up.simple.start;
      path.up_hop = up.simple.hop;
      path.out_hop = out.simple_hop;
      path.up = ring_bandwidth(up, x);
      break;
  }
  path.out_hop += extra_wire(out, x);
}

Path make_path(const NcclParameters& parameters, const Exchange& x, Protocol protocol) {
  Path path{.protocol = protocol};
  // Every group of this shape talks at once, so a group has its ranks' shares of the server's NICs
  // and no more.
  path.out = parameters.scale_out->efficiency * x.ranks_per_server * x.layout.scale_out;
  path.window = nics(x) * parameters.scale_out->window;
  path.reduction = byte_reduction_time(*parameters.scale_up, x);
  path.channels = channels(*parameters.scale_up, x);
  set_protocol(parameters, x, path);
  return path;
}

/// A candidate that moves for `up` inside the servers while it moves for `out` between them.
Candidate overlap(const Path& path, Algorithm algorithm, Seconds up, Seconds out) {
  const Seconds longer = max(up, out);
  return {.algorithm = algorithm,
          .protocol = path.protocol,
          .latency = path.base,
          .transfer = longer + path.reduction,
          .scale_up_busy = up / longer,
          .scale_out_busy = out / longer,
          .channels = path.channels};
}

Candidate ring(const ScaleUpParameters& up, const Exchange& x, const Path& path) {
  const double between = (x.kind == CollectiveKind::AllReduce ? 2 : 1) * (x.servers - 1);
  const Seconds inside = x.ranks_per_server > 1 ? x.volume / path.up : Seconds(0);
  Candidate result = overlap(path, Algorithm::Ring, inside, x.volume / path.out);
  const Seconds transfer = result.transfer - path.reduction;
  const Seconds hops = between * path.out_hop;
  result.latency += (x.steps - between) * path.up_hop + hops + path.fill(hops, transfer, between);
  result.transfer += x.shard / up.shard_copy;
  return result;
}

/// The busiest server of a double binary tree sends S with two servers, 1.5 S with three, 2 S with
/// more.
Seconds tree_between(const Exchange& x, const Path& path) {
  return std::min(2.0, 0.5 * x.servers) * x.bytes / path.out;
}

Candidate tree(const Exchange& x, const Path& path) {
  const double inside_hops = 2 * (x.ranks_per_server - 1);
  const double hops_between = 2 * log2_servers(x);
  const Seconds inside = x.ranks_per_server > 1 ? 2.0 * x.bytes / path.up : Seconds(0);
  Candidate result = overlap(path, Algorithm::Tree, inside, tree_between(x, path));
  const Seconds hops = inside_hops * path.up_hop + hops_between * path.out_hop;
  result.latency +=
      hops + path.fill(hops, result.transfer - path.reduction, inside_hops + hops_between);
  return result;
}

Candidate nvls_tree(const ScaleUpParameters& up, const Exchange& x, const Path& path) {
  const double hops_between = 2 * log2_servers(x);
  const Seconds inside =
      x.bytes / nvls_bandwidth(up, x) * (1.0 + up.nvls->chunk_overhead.si() / kNvlsLargestChunk);
  Candidate result = overlap(path, Algorithm::NvlsTree, inside, tree_between(x, path));
  const Seconds hops = 2.0 * path.up_hop + hops_between * path.out_hop;
  result.latency = up.nvls->start + hops + path.fill(hops, result.transfer, 2 + hops_between);
  result.channels = up.nvls->channels;
  return result;
}

Candidate pat(const ScaleUpParameters& up, const Exchange& x, const Path& path) {
  Candidate result = overlap(path, Algorithm::Pat, Seconds(0), x.volume / path.out);
  result.latency += log2_servers(x) * path.out_hop;
  result.transfer += x.shard / up.shard_copy;
  return result;
}

bool pat_available(const NcclParameters& parameters, const Exchange& x) {
  const bool one_way =
      x.kind == CollectiveKind::AllGather || x.kind == CollectiveKind::ReduceScatter;
  return parameters.pat && one_way && x.ranks_per_server == 1;
}

void keep_faster(std::optional<Candidate>& best, const Candidate& candidate) {
  if (!best || candidate.time() < best->time()) best = candidate;
}

}  // namespace

Candidate across_servers(const NcclParameters& parameters, const Exchange& exchange) {
  const ScaleUpParameters& up = *parameters.scale_up;
  const Pins pins = effective_pins(parameters, exchange);
  const bool all_reduce = exchange.kind == CollectiveKind::AllReduce;
  std::optional<Candidate> best;
  for (const Protocol protocol : kProtocols) {
    if (!pins.allow(protocol) || !offers(parameters, exchange, protocol)) continue;
    const Path path = make_path(parameters, exchange, protocol);
    const bool simple = protocol == Protocol::Simple;
    if (pins.allow(Algorithm::Ring)) keep_faster(best, ring(up, exchange, path));
    if (pins.allow(Algorithm::Tree) && all_reduce) keep_faster(best, tree(exchange, path));
    if (pins.allow(Algorithm::Nvls) && simple && nvls_available(up, exchange)) {
      keep_faster(best, nvls_tree(up, exchange, path));
    }
    if (pins.allow(Algorithm::Pat) && simple && pat_available(parameters, exchange)) {
      keep_faster(best, pat(up, exchange, path));
    }
  }
  ORRERY_CHECK(best.has_value());
  return *best;
}

}  // namespace orrery::collective
