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
void start(const PointToPoint& p2p, Bytes message, double peers, Candidate& candidate) {
  candidate.latency +=
      p2p.launch + (peers - 1) * p2p.peer + std::min(1.0, message / kRamp) * p2p.ramp;
  candidate.transfer += min(message, kChunk) / p2p.first_chunk;
}

BytesPerSecond pair_bandwidth(const PointToPoint& p2p, const Exchange& x) {
  return p2p.efficiency * x.layout.scale_up;
}

Candidate point_to_point() { return {.algorithm = Algorithm::PointToPoint}; }

}  // namespace

Candidate send_receive(const NcclParameters& parameters, const Exchange& exchange) {
  const PointToPoint& p2p = parameters.scale_up->point_to_point;
  Candidate result = point_to_point();
  if (exchange.servers <= 1) {
    start(p2p, exchange.bytes, 1, result);
    result.transfer += exchange.bytes / pair_bandwidth(p2p, exchange);
    result.scale_up_busy = 1;
    result.channels = pair_channels(p2p, exchange.bytes);
    return result;
  }
  // The other devices of the server send at the same time: each has its share of the NICs.
  const ScaleOutParameters& out = *parameters.scale_out;
  result.latency = p2p.launch + out.simple_hop + extra_wire(out, exchange);
  result.transfer = exchange.bytes / (out.efficiency * exchange.layout.scale_out);
  result.scale_out_busy = 1;
  result.channels = kNetworkChannels;
  return result;
}

Candidate all_to_all(const NcclParameters& parameters, const Exchange& exchange) {
  const PointToPoint& p2p = parameters.scale_up->point_to_point;
  const double peers = exchange.ranks_per_server;
  const Bytes message = exchange.shard;
  Candidate result = point_to_point();
  double message_channels = 1;
  Seconds inside = message / p2p.self_copy;
  if (peers > 1) {
    start(p2p, message, peers, result);
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
  const double messages = exchange.ranks - peers;
  const Seconds hops = out.simple_hop + extra_wire(out, exchange) + messages * p2p.network_message;
  const Seconds between = messages * message / (out.efficiency * exchange.layout.scale_out);
  const bool network_bound = hops + between > inside;
  if (network_bound) result.latency += hops;
  const Seconds longer = network_bound ? between : inside;
  result.transfer += longer;
  result.scale_up_busy = peers > 1 ? std::min(1.0, inside / longer) : 0.0;
  result.scale_out_busy = std::min(1.0, between / longer);
  return result;
}

}  // namespace orrery::collective
