// One server. NCCL's own tuner chooses: choosing the truly fastest would miss the measured jumps
// where NCCL leaves LL128 too early.
#include <algorithm>
#include <cmath>

#include "collective/nccl_exchange.hpp"

namespace orrery::collective {
namespace {

// NCCL, src/graph/tuning.cc: base latencies of a ring by protocol, and of NVLS.
constexpr Seconds kTunerBaseLl = microseconds(6.6);
constexpr Seconds kTunerBaseLl128 = microseconds(14.0);
constexpr Seconds kTunerBaseSimple = microseconds(8.4);
constexpr Seconds kTunerBaseNvls = microseconds(25.0);
constexpr double kTunerNvlsShare = 5.0 / 6.0;
constexpr double kTunerLlShare = 0.5;
constexpr double kTunerLl128Share = 0.92;

// Below 512 threads x 8 bytes per rank NCCL opens no further LL channel.
constexpr Bytes kLlChunk{4096};
constexpr double kNvlsLargestChunk = 131072;  // bytes

/// The time that NCCL's tuner believes in.
Seconds tuner_time(const ScaleUpParameters& up, const Exchange& x, Protocol protocol) {
  const BytesPerSecond bus = up.tuner_efficiency * x.within.bandwidth;
  switch (protocol) {
    case Protocol::Ll:
      return kTunerBaseLl + x.steps * up.ll.tuner_hop +
             x.volume / min(up.ll.tuner_limit, kTunerLlShare * bus);
    case Protocol::Ll128:
      return kTunerBaseLl128 + x.steps * up.ll128->tuner_hop +
             x.volume / min(kTunerLl128Share * bus, up.channels * up.ll128->tuner_channel);
    case Protocol::Simple:
      break;
  }
  return kTunerBaseSimple + x.steps * up.simple.tuner_hop + x.volume / bus;
}

Candidate ring_ll(const ScaleUpParameters& up, const Exchange& x) {
  Candidate ring{.algorithm = Algorithm::Ring, .protocol = Protocol::Ll};
  ring.channels = std::clamp(std::ceil(x.shard / kLlChunk), 1.0, up.ll.channels);
  ring.latency = up.launch + x.steps * (up.ll.hop + extra_wire(up, x));
  ring.transfer = x.volume / (ring.channels * up.ll.channel) +
                  x.shard / (ring.channels * up.ll.last_copy) + byte_reduction_time(up, x);
  return ring;
}

Candidate ring(const ScaleUpParameters& up, const Exchange& x, Protocol protocol) {
  if (protocol == Protocol::Ll) return ring_ll(up, x);
  const bool simple = protocol == Protocol::Simple;
  const Seconds hop = (simple ? up.simple.hop : up.ll128->hop) + extra_wire(up, x);
  const double share = simple ? 1.0 : up.ll128->efficiency;
  Candidate result{.algorithm = Algorithm::Ring, .protocol = protocol};
  result.channels = up.channels;
  result.latency = up.launch + x.steps * hop + (simple ? up.simple.start : Seconds(0));
  result.transfer = x.volume / (share * ring_bandwidth(up, x)) + x.shard / up.shard_copy +
                    byte_reduction_time(up, x);
  return result;
}

/// Up and down a chain of the server's ranks; only when pinned.
Candidate tree(const ScaleUpParameters& up, const Exchange& x, Protocol protocol) {
  Candidate result = ring(up, x, protocol);
  const Seconds hops = result.latency - up.launch;
  const Seconds transfer =
      2.0 * (x.bytes / x.volume) * (result.transfer - byte_reduction_time(up, x));
  result.algorithm = Algorithm::Tree;
  result.latency += Seconds(2.0 * std::sqrt((hops * transfer).si()));
  result.transfer = transfer + byte_reduction_time(up, x);
  return result;
}

/// Large buffers go through the switch in larger chunks. These limits fit better than NCCL's own
/// (README.md).
double nvls_chunk(const ScaleUpParameters& up, const Exchange& x) {
  const double largest_chunks = x.bytes.si() / (up.nvls->channels * x.ranks * kNvlsLargestChunk);
  if (largest_chunks >= 64) return kNvlsLargestChunk;
  if (largest_chunks >= 8) return kNvlsLargestChunk / 2;
  return largest_chunks >= 2 ? kNvlsLargestChunk / 4 : kNvlsLargestChunk / 8;
}

Candidate nvls(const ScaleUpParameters& up, const Exchange& x) {
  Candidate result{.algorithm = Algorithm::Nvls, .protocol = Protocol::Simple};
  result.channels = up.nvls->channels;
  result.latency = up.nvls->start + extra_wire(up, x);
  result.transfer =
      x.bytes / nvls_bandwidth(up, x) * (1.0 + up.nvls->chunk_overhead.si() / nvls_chunk(up, x));
  return result;
}

Protocol tuned_protocol(const NcclParameters& parameters, const Exchange& x, const Pins& pins) {
  std::optional<Protocol> best;
  for (const Protocol protocol : kProtocols) {
    if (!pins.allow(protocol) || !offers(parameters, x, protocol)) continue;
    if (!best || tuner_time(*parameters.scale_up, x, protocol) <
                     tuner_time(*parameters.scale_up, x, *best)) {
      best = protocol;
    }
  }
  return best.value_or(Protocol::Simple);
}

bool tuner_takes_nvls(const ScaleUpParameters& up, const Exchange& x, const Pins& pins,
                      Protocol ring_protocol) {
  if (pins.algorithm) return pins.algorithm == Algorithm::Nvls;
  if (!pins.allow(Protocol::Simple) || !nvls_available(up, x)) return false;
  const BytesPerSecond expected = kTunerNvlsShare * up.tuner_efficiency * x.within.bandwidth;
  return kTunerBaseNvls + x.bytes / expected < tuner_time(up, x, ring_protocol);
}

}  // namespace

Candidate in_one_server(const NcclParameters& parameters, const Exchange& exchange) {
  const ScaleUpParameters& up = *parameters.scale_up;
  const Pins pins = effective_pins(parameters, exchange);
  const Protocol protocol = tuned_protocol(parameters, exchange, pins);
  Candidate result;
  if (tuner_takes_nvls(up, exchange, pins, protocol)) {
    result = nvls(up, exchange);
  } else if (pins.algorithm == Algorithm::Tree) {
    result = tree(up, exchange, protocol);
  } else {
    result = ring(up, exchange, protocol);
  }
  result.scale_up_busy = 1;
  return result;
}

}  // namespace orrery::collective
