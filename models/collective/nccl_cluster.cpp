// Several servers: rings through every server, NCCL's double binary tree of servers, the same tree
// on top of reduction in the switches, PAT, SHARP and the hierarchy. The fastest is taken: no data
// to check the tuner's constants against.
#include <algorithm>
#include <cmath>

#include "collective/nccl_path.hpp"

namespace orrery::collective {
namespace {

double log2_servers(const Exchange& x) { return std::ceil(std::log2(x.servers)); }

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
  Candidate result =
      overlap(path, Algorithm::NvlsTree, nvls_transfer(up, x), tree_between(x, path));
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

void keep_faster(std::optional<Candidate>& best, const Candidate& candidate) {
  if (!best || candidate.time() < best->time()) best = candidate;
}

/// The algorithms that run with Simple only.
void try_simple(const NcclParameters& parameters, const Exchange& x, const Pins& pins,
                const Path& path, std::optional<Candidate>& best) {
  const ScaleUpParameters& up = *parameters.scale_up;
  const bool nvls = pins.allow(Algorithm::Nvls) || pins.allow(Algorithm::NvlsTree);
  if (nvls && nvls_available(up, x)) keep_faster(best, nvls_tree(up, x, path));
  const bool pat_wanted = parameters.pat || pins.algorithm == Algorithm::Pat;
  if (pat_wanted && pins.allow(Algorithm::Pat) && pat_available(x)) {
    keep_faster(best, pat(up, x, path));
  }
  if (pins.allow(Algorithm::Collnet) && collnet_available(*parameters.scale_out, x)) {
    keep_faster(best, collnet(parameters, x, path));
  }
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
    if (pins.allow(Algorithm::Ring)) keep_faster(best, ring(up, exchange, path));
    if (pins.allow(Algorithm::Tree) && all_reduce) keep_faster(best, tree(exchange, path));
    if (protocol == Protocol::Simple) try_simple(parameters, exchange, pins, path, best);
  }
  const bool wanted = parameters.hierarchical || pins.algorithm == Algorithm::Hierarchical;
  if (wanted && pins.allow(Algorithm::Hierarchical) && hierarchical_available(exchange)) {
    keep_faster(best, hierarchical(parameters, exchange));
  }
  ORRERY_CHECK(best.has_value());
  return *best;
}

}  // namespace orrery::collective
