#pragma once
/// The fitted parameters of the NCCL model, as read from `configs/communication/`. Symbols in
/// brackets are those of README.md.

#include <optional>

#include <orrery/schema.hpp>

namespace orrery::collective {

enum class Algorithm {
  Ring,
  Tree,
  Nvls,
  NvlsTree,
  Pat,
  Collnet,
  CollnetNvls,
  Hierarchical,
  PointToPoint
};
const char* to_text(Algorithm algorithm);

enum class Protocol { Ll, Ll128, Simple };
const char* to_text(Protocol protocol);

/// Flags travel in the data, eight bytes at a time.
struct LowLatency {
  Seconds hop{};                 ///< [a_ll]
  BytesPerSecond channel{};      ///< [b_ll] payload of one channel
  BytesPerSecond last_copy{};    ///< [b_ll_end] the exposed first and last copy of one channel
  double channels = 1;           ///< [C_ll] at most
  BytesPerSecond tuner_limit{};  ///< bus bandwidth that NCCL's tuner expects at most
  Seconds tuner_hop{};
};

/// Flags travel in the data, 120 bytes at a time; over NVLink only.
struct LowLatency128 {
  Seconds hop{};                   ///< [a_128]
  double efficiency = 1;           ///< [f_128] of the ring's bandwidth
  BytesPerSecond tuner_channel{};  ///< bandwidth of a channel that NCCL's tuner expects
  Seconds tuner_hop{};
};

/// Data first, then a fence and a flag.
struct Simple {
  Seconds start{};  ///< [t_simple] beyond `launch`
  Seconds hop{};    ///< [a_s]
  Seconds tuner_hop{};
};

struct PointToPoint {
  Seconds launch{};              ///< [t_p2p]
  Seconds peer{};                ///< [a_peer] for each further peer
  Seconds network_message{};     ///< [a_msg] for each message to another server
  BytesPerSecond first_chunk{};  ///< [b_p2p] of the first 64 KiB of a message
  Seconds ramp{};                ///< [t_fill] until all slots of a pair are busy, at 4 MiB
  double efficiency = 1;         ///< [f_p2p] of the wired scale-up bandwidth
  BytesPerSecond self_copy{};    ///< [B_self]
  double pair_channels = 1;
  double channels = 1;
};

/// Reduction in the server's switches.
struct Nvls {
  double minimum_ranks = 8;
  Seconds start{};         ///< [t_nvls]
  double efficiency = 1;   ///< [f_nvls] algorithm bandwidth of the wired scale-up bandwidth
  Bytes chunk_overhead{};  ///< [c_nvls]
  double channels = 1;     ///< [C_nvls]
};

/// Kernels, and the links inside a server.
struct ScaleUpParameters {
  Seconds launch{};             ///< [t0] launch, kernel and first primitive
  Seconds wire_latency{};       ///< between two devices, already inside the hops
  double efficiency = 1;        ///< [f] ring's bus bandwidth of the wired scale-up bandwidth
  BytesPerSecond shard_copy{};  ///< [B_end] of one shard, not overlapped
  BytesPerSecond
      byte_reduce{};    ///< [B_red8] what reducing one-byte elements costs beyond two-byte ones
  double channels = 1;  ///< [C]
  double network_channels = 1;    ///< [C_net] at most, when the group spans servers
  double tuner_efficiency = 0.8;  ///< bus bandwidth that NCCL's tuner expects, of the wired one
  LowLatency ll;
  std::optional<LowLatency128> ll128;
  Simple simple;
  PointToPoint point_to_point;
  std::optional<Nvls> nvls;
};

/// Reduction and multicast in the network's switches (SHARP).
struct Collnet {
  Seconds hop{};          ///< [n_c] device, NIC, up the tree of switches and down, NIC, device
  double efficiency = 1;  ///< [e_c] of the NIC's rate
};

/// How all-to-all goes between servers.
enum class AllToAll {
  Pairwise,      ///< every pair of ranks for itself, as NCCL
  Hierarchical,  ///< through the rank of one's own number in the other server, as DeepEP
  Auto           ///< the faster
};

/// The path from device to device of another server.
struct ScaleOutParameters {
  double efficiency = 1;             ///< [e] of the NIC's rate
  Seconds low_latency_hop{};         ///< [n_ll] device, proxy, NIC, wire, NIC, proxy, device
  Seconds simple_hop{};              ///< [n_s]
  bool low_latency = true;           ///< LL and LL128 are offered
  Bytes window{};                    ///< [w] in flight per NIC and pipeline stage
  Seconds wire_latency{};            ///< of wires and switches, already inside the hops
  BytesPerSecond ll_server_limit{};  ///< LL through the CPU's proxies, per server
  std::optional<Collnet> collnet;    ///< used where the fabric reduces
  std::string caveat;                ///< what is estimated
};

struct NcclParameters {
  Location where;  ///< of the `communication` map
  std::optional<ScaleUpParameters> scale_up;
  /// Over PCIe and the sockets, where a server has links of its own beside them; as scale_up where
  /// it is not given.
  std::optional<ScaleUpParameters> over_host;
  std::optional<ScaleOutParameters> scale_out;
  std::optional<Algorithm> algorithm;  ///< pinned; not CollnetNvls, PointToPoint
  std::optional<Protocol> protocol;    ///< pinned
  bool pat = false;
  bool hierarchical = false;  ///< offered to the free choice
  AllToAll all_to_all = AllToAll::Pairwise;

  /// The keys of an entry; its nested maps are those of the members.
  static const Schema<NcclParameters>& schema();
  /// Reads the whole map and calls Reader::finish().
  static NcclParameters read(Reader& reader);
};

}  // namespace orrery::collective
