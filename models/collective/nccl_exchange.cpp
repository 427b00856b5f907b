#include "collective/nccl_exchange.hpp"

#include <orrery/error.hpp>

namespace orrery::collective {
namespace {

double ring_steps(CollectiveKind kind, double ranks) {
  return kind == CollectiveKind::AllReduce ? 2 * (ranks - 1) : ranks - 1;
}

bool one_way(CollectiveKind kind) {
  return kind == CollectiveKind::AllGather || kind == CollectiveKind::ReduceScatter;
}

bool reduces(CollectiveKind kind) {
  return kind == CollectiveKind::AllReduce || kind == CollectiveKind::ReduceScatter;
}

}  // namespace

Exchange::Exchange(const CollectiveRequest& request)
    : kind(request.kind),
      layout(request.layout),
      ranks(request.layout.ranks),
      servers(request.layout.servers),
      ranks_per_server(request.layout.ranks_per_server),
      fewest(request.layout.fewest()),
      bytes(request.bytes),
      steps(ring_steps(kind, ranks)),
      shard(bytes / ranks),
      // A broadcast passes the whole buffer on, the others one shard a step.
      volume(kind == CollectiveKind::Broadcast ? bytes : steps * shard),
      dtype(request.dtype),
      byte_reduction(reduces(kind) && size_of(request.dtype) == Bytes(1)),
      within(request.within()),
      between(request.between()),
      unique_between(request.unique_between) {
  ORRERY_CHECK(unique_between > 0 && unique_between <= 1);
}

bool nvls_available(const ScaleUpParameters& up, const Exchange& exchange) {
  return up.nvls && exchange.layout.within.in_switch_reduction && !exchange.byte_reduction &&
         exchange.kind == CollectiveKind::AllReduce && exchange.fewest >= up.nvls->minimum_ranks;
}

bool offers(const NcclParameters& parameters, const Exchange& exchange, Protocol protocol) {
  if (protocol == Protocol::Simple) return true;
  if (exchange.servers > 1 && !parameters.scale_out->low_latency) return false;
  return protocol == Protocol::Ll || parameters.scale_up->ll128.has_value();
}

bool collnet_available(const ScaleOutParameters& out, const Exchange& exchange) {
  const bool kind = exchange.kind == CollectiveKind::AllReduce || one_way(exchange.kind);
  return out.collnet && exchange.layout.between.in_network_reduction && kind &&
         exchange.servers > 1;
}

bool hierarchical_available(const Exchange& exchange) {
  const bool kind = exchange.kind == CollectiveKind::AllReduce || one_way(exchange.kind);
  const bool even = exchange.fewest == exchange.ranks_per_server;
  return kind && even && exchange.servers > 1 && exchange.ranks_per_server > 1;
}

bool pat_available(const Exchange& exchange) {
  return one_way(exchange.kind) && exchange.servers > 1 && exchange.ranks_per_server == 1;
}

namespace {

bool has(const NcclParameters& parameters, const Exchange& exchange, Algorithm algorithm) {
  switch (algorithm) {
    case Algorithm::Ring:
      return true;
    case Algorithm::Tree:
      return exchange.kind == CollectiveKind::AllReduce;
    case Algorithm::Nvls:
      return nvls_available(*parameters.scale_up, exchange);
    case Algorithm::NvlsTree:
      return exchange.servers > 1 && nvls_available(*parameters.scale_up, exchange);
    case Algorithm::Pat:
      return pat_available(exchange);
    case Algorithm::Collnet:
      return exchange.servers > 1 && collnet_available(*parameters.scale_out, exchange);
    case Algorithm::Hierarchical:
      return hierarchical_available(exchange);
    case Algorithm::CollnetNvls:
    case Algorithm::PointToPoint:
      break;
  }
  return false;
}

}  // namespace

Pins effective_pins(const NcclParameters& parameters, const Exchange& exchange) {
  Pins pins{parameters.algorithm, parameters.protocol};
  if (pins.algorithm && !has(parameters, exchange, *pins.algorithm)) {
    pins.algorithm = Algorithm::Ring;
  }
  if (pins.protocol && !offers(parameters, exchange, *pins.protocol)) {
    pins.protocol = Protocol::Simple;
  }
  return pins;
}

BytesPerSecond ring_bandwidth(const ScaleUpParameters& up, const Exchange& exchange) {
  return up.efficiency * exchange.within.bandwidth;
}

BytesPerSecond nvls_bandwidth(const ScaleUpParameters& up, const Exchange& exchange) {
  return up.nvls->efficiency * exchange.within.bandwidth;
}

Seconds byte_reduction_time(const ScaleUpParameters& up, const Exchange& exchange) {
  if (!exchange.byte_reduction) return Seconds(0);
  return (exchange.bytes - exchange.shard) / up.byte_reduce;
}

Seconds extra_wire(const ScaleUpParameters& up, const Exchange& exchange) {
  return max(Seconds(0), exchange.within.latency - up.wire_latency);
}

Seconds extra_wire(const ScaleOutParameters& out, const Exchange& exchange) {
  return max(Seconds(0), exchange.between.latency - out.wire_latency);
}

}  // namespace orrery::collective
