// All-to-all and send-receive: messages between pairs, over NVLink and over the NICs at the same
// time.
#include <algorithm>
#include <cmath>

#include "collective/nccl_exchange.hpp"

namespace orrery::collective {
namespace {

constexpr Bytes kChunk{65536};          // below it per peer, NCCL opens no further channel
constexpr Bytes kRamp{64 * 65536.0};    // a message that keeps all slots of a pair busy
constexpr double kNetworkChannels = 2;  // of a send-receive between servers

double pair_channels(const PointToPoint& p2p, Bytes message) {
  return std::clamp(std::ceil(message / kChunk), 1.0, p2p.pair_channels);
}

/// Starting messages to `peers` devices of the same server; what follows is only the links'
/// bandwidth.
void start(const ScaleUpParameters& up, const Exchange& x, Bytes message, double peers,
           Candidate& candidate) {
  const PointToPoint& p2p = up.point_to_point;
  candidate.latency += p2p.launch + (peers - 1) * p2p.peer +
                       std::min(1.0, message / kRamp) * p2p.ramp + extra_wire(up, x);
  candidate.transfer += min(message, kChunk) / p2p.first_chunk;
}

BytesPerSecond pair_bandwidth(const PointToPoint& p2p, const Exchange& x) {
  return p2p.efficiency * x.within.bandwidth;
}

Candidate point_to_point() { return {.algorithm = Algorithm::PointToPoint}; }

}  // namespace

Candidate send_receive(const NcclParameters& parameters, const Exchange& exchange) {
  const PointToPoint& p2p = parameters.scale_up->point_to_point;
  Candidate result = point_to_point();
  if (exchange.servers <= 1) {
    start(*parameters.scale_up, exchange, exchange.bytes, 1, result);
    result.transfer += exchange.bytes / pair_bandwidth(p2p, exchange);
    result.scale_up_busy = 1;
    result.channels = pair_channels(p2p, exchange.bytes);
    return result;
  }
  // The other devices of the server send at the same time: each has its share of the NICs.
  const ScaleOutParameters& out = *parameters.scale_out;
  result.latency = p2p.launch + out.simple_hop + extra_wire(out, exchange);
  result.transfer = exchange.bytes / (out.efficiency * exchange.between.bandwidth);
  result.scale_out_busy = 1;
  result.channels = kNetworkChannels;
  return result;
}

namespace {

/// What each rank sends to other servers when all send to all.
BytesPerSecond network_bandwidth(const ScaleOutParameters& out, const Exchange& x) {
  return out.efficiency * x.between.bandwidth;
}

/// Every pair of ranks for itself.
Candidate pairwise(const NcclParameters& parameters, const Exchange& exchange) {
  const PointToPoint& p2p = parameters.scale_up->point_to_point;
  const double peers = exchange.ranks_per_server;
  const Bytes message = exchange.shard;
  Candidate result = point_to_point();
  double message_channels = 1;
  Seconds inside = message / p2p.self_copy;
  if (peers > 1) {
    start(*parameters.scale_up, exchange, message, peers, result);
    message_channels = pair_channels(p2p, message);
    inside += (peers - 1) * message / pair_bandwidth(p2p, exchange);
  } else {
    result.latency = p2p.launch;
  }
  result.channels = std::min(p2p.channels, message_channels * (exchange.ranks - 1));
  if (exchange.servers <= 1) {
    result.transfer += inside;
    result.scale_up_busy = 1;
    return result;
  }
  const ScaleOutParameters& out = *parameters.scale_out;
  const double messages = exchange.ranks - exchange.fewest;
  const Seconds hops = out.simple_hop + extra_wire(out, exchange) + messages * p2p.network_message;
  const Seconds between = messages * message / network_bandwidth(out, exchange);
  const bool network_bound = hops + between > inside;
  if (network_bound) result.latency += hops;
  const Seconds longer = network_bound ? between : inside;
  result.transfer += longer;
  result.scale_up_busy = peers > 1 ? std::min(1.0, inside / longer) : 0.0;
  result.scale_out_busy = std::min(1.0, between / longer);
  return result;
}

/// All that is for one server goes to the rank of the sender's number there, each unique byte once;
/// that rank hands it on, as the next arrives.
Candidate hierarchical_all_to_all(const NcclParameters& parameters, const Exchange& x) {
  const PointToPoint& p2p = parameters.scale_up->point_to_point;
  const ScaleOutParameters& out = *parameters.scale_out;
  const double peers = x.ranks_per_server;
  const double other_servers = x.servers - 1;
  Candidate result{.algorithm = Algorithm::Hierarchical};
  start(*parameters.scale_up, x, x.servers * x.shard, peers, result);
  result.latency += out.simple_hop + extra_wire(out, x) + other_servers * p2p.network_message;
  const Seconds between =
      x.unique_between * (x.ranks - x.fewest) * x.shard / network_bandwidth(out, x);
  const Seconds inside =
      x.ranks / peers * (peers - 1) * x.shard / pair_bandwidth(p2p, x) + x.shard / p2p.self_copy;
  const Seconds longer = max(inside, between);
  result.transfer += longer;
  result.scale_up_busy = inside / longer;
  result.scale_out_busy = between / longer;
  result.channels = std::min(
      p2p.channels, pair_channels(p2p, x.servers * x.shard) * (peers - 1) + kNetworkChannels);
  return result;
}

}  // namespace

Candidate all_to_all(const NcclParameters& parameters, const Exchange& exchange) {
  const bool possible = exchange.servers > 1 && exchange.ranks_per_server > 1;
  if (!possible || parameters.all_to_all == AllToAll::Pairwise) {
    return pairwise(parameters, exchange);
  }
  const Candidate through = hierarchical_all_to_all(parameters, exchange);
  if (parameters.all_to_all == AllToAll::Hierarchical) return through;
  const Candidate direct = pairwise(parameters, exchange);
  return through.time() < direct.time() ? through : direct;
}

}  // namespace orrery::collective
