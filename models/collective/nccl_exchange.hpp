#pragma once
/// What the equations of the NCCL model work on and what they answer. Private to this folder.

#include <orrery/collective.hpp>

#include "collective/nccl_parameters.hpp"

namespace orrery::collective {

/// A request in the symbols of README.md.
struct Exchange {
  /// `request` outlives this; its group has two ranks or more and bytes to move.
  explicit Exchange(const CollectiveRequest& request);

  CollectiveKind kind;
  const GroupLayout& layout;
  double ranks;             ///< [n]
  double servers;           ///< [N]
  double ranks_per_server;  ///< [g] in the server that has most
  double fewest;            ///< [g0] in the server that has fewest
  Bytes bytes;              ///< [S]
  double steps;             ///< hops of a ring
  Bytes shard;              ///< S / n
  Bytes volume;             ///< [V] what each rank sends around a ring
  Dtype dtype;
  bool byte_reduction;  ///< reduces elements of one byte
  /// What its messages find; of the layout.
  const GroupLinks& within;
  const GroupLinks& between;
  double unique_between;  ///< [u] of an all-to-all's bytes to another server
};

/// One way to do an exchange, and its cost.
struct Candidate {
  Algorithm algorithm = Algorithm::Ring;
  Protocol protocol = Protocol::Simple;
  Seconds latency{};
  Seconds transfer{};
  double scale_up_busy = 0;   ///< share of the transfer in which the link is the limit, [0, 1]
  double scale_out_busy = 0;  ///< likewise; the slower of the two links has 1
  double channels = 1;        ///< thread blocks, one multiprocessor each

  [[nodiscard]] Seconds time() const { return latency + transfer; }
};

/// What the user pinned, already reduced to what the exchange can do; empty means free.
struct Pins {
  std::optional<Algorithm> algorithm;
  std::optional<Protocol> protocol;
  [[nodiscard]] bool allow(Algorithm a) const { return algorithm.value_or(a) == a; }
  [[nodiscard]] bool allow(Protocol p) const { return protocol.value_or(p) == p; }
};

constexpr Protocol kProtocols[] = {Protocol::Ll, Protocol::Ll128, Protocol::Simple};

/// Whether the switches of the group's servers can reduce it.
bool nvls_available(const ScaleUpParameters& up, const Exchange& exchange);
/// Whether the network's switches can reduce or copy it.
bool collnet_available(const ScaleOutParameters& out, const Exchange& exchange);
/// Whether it can be done in the servers and between them in turn.
bool hierarchical_available(const Exchange& exchange);
/// Whether PAT has it: one way, one rank per server.
bool pat_available(const Exchange& exchange);
/// The pins of `parameters` that `exchange` has; Ring and Simple stand for those it has not.
Pins effective_pins(const NcclParameters& parameters, const Exchange& exchange);
/// Whether the kernels, and the network if the group spans servers, offer `protocol`.
bool offers(const NcclParameters& parameters, const Exchange& exchange, Protocol protocol);

/// The ring's bus bandwidth [B] and the algorithm bandwidth of NVLS for chunks without overhead
/// [B_nvls].
BytesPerSecond ring_bandwidth(const ScaleUpParameters& up, const Exchange& exchange);
BytesPerSecond nvls_bandwidth(const ScaleUpParameters& up, const Exchange& exchange);
/// What elements of one byte cost more to reduce [t_red].
Seconds byte_reduction_time(const ScaleUpParameters& up, const Exchange& exchange);

/// Ring, tree or NVLS in one server, chosen as NCCL's tuner does. Needs `scale_up`.
Candidate in_one_server(const NcclParameters& parameters, const Exchange& exchange);
/// The fastest of ring, trees, PAT, SHARP and the hierarchy over several servers. Needs `scale_up`
/// and `scale_out`.
Candidate across_servers(const NcclParameters& parameters, const Exchange& exchange);
/// In the servers and between them in turn. Needs hierarchical_available().
Candidate hierarchical(const NcclParameters& parameters, const Exchange& exchange);
/// All-to-all and send-receive, in one server or across.
Candidate all_to_all(const NcclParameters& parameters, const Exchange& exchange);
Candidate send_receive(const NcclParameters& parameters, const Exchange& exchange);

/// What a hop inside a server takes beyond the parameters: longer wires.
Seconds extra_wire(const ScaleUpParameters& up, const Exchange& exchange);
/// What a network hop takes beyond the parameters [extra]: wires longer than those of their fit.
Seconds extra_wire(const ScaleOutParameters& out, const Exchange& exchange);

}  // namespace orrery::collective
