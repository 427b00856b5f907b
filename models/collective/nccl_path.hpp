#pragma once
/// The way of an exchange through several servers. Private to this folder.

#include "collective/nccl_exchange.hpp"

namespace orrery::collective {

constexpr double kNvlsLargestChunk = 131072;  // bytes

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
  [[nodiscard]] Seconds fill(Seconds hops, Seconds transfer, double stages) const;
};

/// What `protocol` makes of the links. Needs `scale_up` and `scale_out`.
Path make_path(const NcclParameters& parameters, const Exchange& exchange, Protocol protocol);

/// A candidate that moves for `up` inside the servers while it moves for `out` between them.
Candidate overlap(const Path& path, Algorithm algorithm, Seconds up, Seconds out);

/// Reduction in the servers' switches, of the whole buffer.
Seconds nvls_transfer(const ScaleUpParameters& up, const Exchange& exchange);

/// Through the network's switches, with NVLS inside or without. Needs collnet_available().
Candidate collnet(const NcclParameters& parameters, const Exchange& exchange, const Path& path);

}  // namespace orrery::collective
