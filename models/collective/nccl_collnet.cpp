// SHARP: the network's switches reduce on the way up and copy on the way down. A rank brings the
// share of its NIC: the server's ranks scatter and gather around it, or its switches do (NVLS).
#include "collective/nccl_path.hpp"

namespace orrery::collective {
namespace {

/// What every server sends and receives at the same time.
Bytes network_bytes(const Exchange& x) {
  // An all-gather or reduce-scatter only saves sending: the other way each server has all but its
  // own.
  if (x.kind == CollectiveKind::AllReduce) return x.bytes;
  return (x.servers - 1) / x.servers * x.bytes;
}

/// What every rank sends inside its server, both ways together.
Bytes server_bytes(const Exchange& x) {
  const double ways = x.kind == CollectiveKind::AllReduce ? 2 : 1;
  return ways * (x.ranks_per_server - 1) / x.ranks_per_server * x.bytes;
}

}  // namespace

Candidate collnet(const NcclParameters& parameters, const Exchange& x, const Path& path) {
  const ScaleUpParameters& up = *parameters.scale_up;
  const ScaleOutParameters& out = *parameters.scale_out;
  const bool nvls = nvls_available(up, x);
  const bool inside = x.ranks_per_server > 1;
  Path network = path;
  network.out = out.collnet->efficiency * x.fewest * x.between.bandwidth;
  const Seconds scatter = nvls     ? nvls_transfer(up, x)
                          : inside ? server_bytes(x) / path.up
                                   : Seconds(0);
  Candidate result = overlap(network, nvls ? Algorithm::CollnetNvls : Algorithm::Collnet, scatter,
                             network_bytes(x) / network.out);
  const double stages = inside ? 3 : 1;
  const Seconds hops = (stages - 1) * path.up_hop + out.collnet->hop + extra_wire(out, x);
  result.latency = (nvls ? up.nvls->start : path.base) + hops +
                   network.fill(hops, result.transfer - path.reduction, stages);
  if (nvls) result.channels = up.nvls->channels;
  if (x.kind != CollectiveKind::AllReduce) result.transfer += x.shard / up.shard_copy;
  return result;
}

}  // namespace orrery::collective
