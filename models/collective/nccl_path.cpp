#include "collective/nccl_path.hpp"

#include <algorithm>
#include <cmath>

namespace orrery::collective {
namespace {

constexpr double kLlShare = 0.5;         // half of an LL line is flags
constexpr double kLl128Share = 0.92;     // as NCCL's tuner: 120 of 128 bytes, less synchronisation
constexpr double kLl128HopFactor = 1.5;  // NCCL's tuner: LL128 over LL on the network
constexpr double kChannelsPerNic = 2;

/// NICs that the group may use in the server with its fewest ranks; a fraction where devices share
/// them. NCCL opens as many channels in every server.
double nics(const Exchange& x) {
  if (x.layout.nics_per_server <= 0) return x.fewest;
  return x.layout.nics_per_server * x.fewest / std::max(1, x.layout.devices_per_server);
}

double channels(const ScaleUpParameters& up, const Exchange& x) {
  const double wanted = kChannelsPerNic * nics(x);
  if (x.fewest > 1) return std::clamp(wanted, 1.0, up.network_channels);
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
  path.up_hop += extra_wire(up, x);
  path.out_hop += extra_wire(out, x);
}

}  // namespace

Seconds Path::fill(Seconds hops, Seconds transfer, double stages) const {
  return min(Seconds(2.0 * std::sqrt((hops * transfer).si())), stages * window / out);
}

Path make_path(const NcclParameters& parameters, const Exchange& x, Protocol protocol) {
  Path path{.protocol = protocol};
  // A group has its ranks' shares of a server's NICs and no more: a ring enters and leaves every
  // server, and is as fast as where it has fewest.
  path.out = parameters.scale_out->efficiency * x.fewest * x.between.bandwidth;
  path.window = nics(x) * parameters.scale_out->window;
  path.reduction = byte_reduction_time(*parameters.scale_up, x);
  path.channels = channels(*parameters.scale_up, x);
  set_protocol(parameters, x, path);
  return path;
}

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

Seconds nvls_transfer(const ScaleUpParameters& up, const Exchange& x) {
  return x.bytes / nvls_bandwidth(up, x) * (1.0 + up.nvls->chunk_overhead.si() / kNvlsLargestChunk);
}

}  // namespace orrery::collective
