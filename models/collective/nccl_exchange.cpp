#include "collective/nccl_exchange.hpp"

namespace orrery::collective {
namespace {

double ring_steps(CollectiveKind kind, double ranks) {
  return kind == CollectiveKind::AllReduce ? 2 * (ranks - 1) : ranks - 1;
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
      bytes(request.bytes),
      steps(ring_steps(kind, ranks)),
      shard(bytes / ranks),
      // A broadcast passes the whole buffer on, the others one shard a step.
      volume(kind == CollectiveKind::Broadcast ? bytes : steps * shard),
      byte_reduction(reduces(kind) && size_of(request.dtype) == Bytes(1)) {}

bool nvls_available(const ScaleUpParameters& up, const Exchange& exchange) {
  return up.nvls && exchange.layout.in_switch_reduction && !exchange.byte_reduction &&
         exchange.kind == CollectiveKind::AllReduce &&
         exchange.ranks_per_server >= up.nvls->minimum_ranks;
}

bool offers(const NcclParameters& parameters, const Exchange& exchange, Protocol protocol) {
  if (protocol == Protocol::Simple) return true;
  if (exchange.servers > 1 && !parameters.scale_out->low_latency) return false;
  return protocol == Protocol::Ll || parameters.scale_up->ll128.has_value();
}

Pins effective_pins(const NcclParameters& parameters, const Exchange& exchange) {
  Pins pins{parameters.algorithm, parameters.protocol};
  const bool no_tree =
      pins.algorithm == Algorithm::Tree && exchange.kind != CollectiveKind::AllReduce;
  const bool no_nvls =
      pins.algorithm == Algorithm::Nvls && !nvls_available(*parameters.scale_up, exchange);
  if (no_tree || no_nvls) pins.algorithm = Algorithm::Ring;
  if (pins.protocol && !offers(parameters, exchange, *pins.protocol)) {
    pins.protocol = Protocol::Simple;
  }
  return pins;
}

BytesPerSecond ring_bandwidth(const ScaleUpParameters& up, const Exchange& exchange) {
  return up.efficiency * exchange.layout.scale_up;
}

BytesPerSecond nvls_bandwidth(const ScaleUpParameters& up, const Exchange& exchange) {
  return up.nvls->efficiency * exchange.layout.scale_up;
}

Seconds byte_reduction_time(const ScaleUpParameters& up, const Exchange& exchange) {
  if (!exchange.byte_reduction) return Seconds(0);
  return (exchange.bytes - exchange.shard) / up.byte_reduce;
}

Seconds extra_wire(const ScaleOutParameters& out, const Exchange& exchange) {
  return max(Seconds(0), exchange.layout.scale_out_latency - out.wire_latency);
}

}  // namespace orrery::collective
