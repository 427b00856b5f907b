#pragma once
/// Collective operations and the interface of their cost models.

#include <cstdint>
#include <string>
#include <vector>

#include <orrery/node.hpp>
#include <orrery/quantity.hpp>
#include <orrery/work.hpp>

namespace orrery {

enum class CollectiveKind { AllReduce, AllGather, ReduceScatter, AllToAll, Broadcast, SendRecv };
const char* to_text(CollectiveKind kind);

/// The links a represented device reaches others through.
enum class LinkClass { ScaleUp, ScaleOut };

/// One axis of a group of devices in a torus.
struct TorusAxis {
  int ranks = 1;      ///< of the group along the axis, at least 2
  int hops = 1;       ///< links from one to the next
  int groups = 0;     ///< of this shape that share each link; 0: as many as fit, which is `hops`
  bool wrap = false;  ///< a ring, with a way in both directions; otherwise a line

  [[nodiscard]] int sharers() const { return groups > 0 ? groups : hops; }
  friend bool operator==(const TorusAxis&, const TorusAxis&) = default;
};

/// What a member of a group takes of a resource while it moves bytes.
struct ResourceUse {
  std::uint32_t resource = 0;  ///< index into Platform::resources(), or MachinePart::resources()
  double per_byte = 1;         ///< units of it for every byte that the member moves; above 0
  BytesPerSecond capacity{};   ///< of the resource

  friend bool operator==(const ResourceUse&, const ResourceUse&) = default;
};

/// What messages between pairs take inside a server, where that is not what a ring takes.
struct PairLinks {
  BytesPerSecond bandwidth{};  ///< per device and direction; 0: as a ring
  Seconds latency{};           ///< of the longest way
  bool over_host = false;      ///< some go through PCIe and the sockets
  std::vector<ResourceUse> uses{};

  friend bool operator==(const PairLinks&, const PairLinks&) = default;
};

/// What a group of devices can talk over. Derived from the platform's graph.
struct GroupLayout {
  int ranks = 1;
  int servers = 1;                   ///< scale-up domains that the group spans
  int ranks_per_server = 1;          ///< of this group, the most in one domain
  int fewest_per_server = 0;         ///< likewise the fewest; 0: as many everywhere
  BytesPerSecond scale_up{};         ///< per device and direction, as wired
  Seconds scale_up_latency{};        ///< of the wires and switches between two devices of a server
  bool scale_up_switched = false;    ///< any-to-any through switches
  bool in_switch_reduction = false;  ///< NVLS, in the server
  /// Between the group's devices of a server lie PCIe and the sockets, not links of their own.
  bool over_host = false;
  /// Inside a server, when every device sends to all others of the group, and when each sends to
  /// the next one.
  PairLinks to_all, to_next;
  /// In a torus: the axes on which the group's devices of one server differ. Empty elsewhere and
  /// for one device. A group that is no evenly spaced box is one line without wrap.
  std::vector<TorusAxis> torus;
  BytesPerSecond torus_link{};  ///< of one link and direction; `scale_up` is all links of a device
  /// Links on the shortest way between two devices, on average over all pairs and a device with
  /// itself; only for a whole twisted torus, else 0.
  double twisted_mean_hops = 0;
  /// Per device and direction, in the server that sends least: its share of the server's NICs and
  /// of the fabric behind them, oversubscription on the group's routes included. What each of the
  /// fewest ranks of a server reaches when all send to their neighbours in the next server of their
  /// group: that server sends fewest_per_server times as much, and the others no more.
  BytesPerSecond scale_out{};
  /// Likewise when every rank sends to all servers of its group; 0: as `scale_out`.
  BytesPerSecond scale_out_all_to_all{};
  /// What one device reaches alone (its rail's NIC, or what PCIe leaves of it).
  BytesPerSecond scale_out_alone{};
  Seconds scale_out_latency{};  ///< wire and switches of the longest route in the group
  int nics_per_server = 0;
  int devices_per_server = 1;
  bool in_network_reduction = false;  ///< SHARP in the fabric
  /// What traffic in the server and between servers takes. `scale_out` is the least capacity /
  /// per_byte of its resources; `scale_up` likewise, but where a group has a part of a port's
  /// wires.
  std::vector<ResourceUse> up, out;
  /// As `out`, when every rank sends to all servers of its group.
  std::vector<ResourceUse> pairs;
  /// The resources are those of one MachinePart, shared by all who name them. Otherwise every
  /// represented rank has its own: what it sees while all others of its class do the same.
  bool placed = false;

  /// The fewest ranks of this group in one domain.
  [[nodiscard]] int fewest() const {
    return fewest_per_server > 0 ? fewest_per_server : ranks_per_server;
  }

  friend bool operator==(const GroupLayout&, const GroupLayout&) = default;
};

/// How often a collective is issued concurrently and what it asks.
struct CollectiveRequest {
  CollectiveKind kind = CollectiveKind::AllReduce;
  /// The whole buffer: what every rank ends with (all-gather), starts with (reduce-scatter,
  /// all-reduce, all-to-all), or sends (send-recv).
  Bytes bytes{};
  Dtype dtype = Dtype::Bf16;
  GroupLayout layout;
  /// All-to-all: of the bytes that a rank sends to another server, the ratio that is not a copy of
  /// others that go there (a token for two experts of one server). What an exchange through a rank
  /// of that server sends; a pairwise one sends all.
  double unique_between = 1;
  /// Moved by copy engines in step with a matrix multiply: takes no multiprocessors.
  bool copy_engine = false;

  /// The links inside a server that its pattern uses; none where these are the ring's.
  [[nodiscard]] const PairLinks* pair_links() const {
    const bool pairs = kind == CollectiveKind::AllToAll || kind == CollectiveKind::SendRecv;
    const PairLinks& links = kind == CollectiveKind::AllToAll ? layout.to_all : layout.to_next;
    return pairs && links.bandwidth > BytesPerSecond(0) ? &links : nullptr;
  }
  /// What they let every device send.
  [[nodiscard]] BytesPerSecond scale_up() const {
    return pair_links() != nullptr ? pair_links()->bandwidth : layout.scale_up;
  }
  [[nodiscard]] Seconds scale_up_latency() const {
    return pair_links() != nullptr ? pair_links()->latency : layout.scale_up_latency;
  }
  [[nodiscard]] bool over_host() const {
    return pair_links() != nullptr ? pair_links()->over_host : layout.over_host;
  }
  /// What its traffic over links of this class takes.
  [[nodiscard]] const std::vector<ResourceUse>& uses(LinkClass link) const {
    if (link == LinkClass::ScaleUp) {
      return pair_links() != nullptr ? pair_links()->uses : layout.up;
    }
    return kind == CollectiveKind::AllToAll ? layout.pairs : layout.out;
  }
};

/// Load of one rank on one of its links.
struct LinkLoad {
  LinkClass link = LinkClass::ScaleUp;
  Bytes bytes{};  ///< in the busier direction
};

/// The cost of one collective alone on its links. time() = latency + transfer. While it transfers,
/// each load drains at bytes/transfer unless others share the link.
struct CollectiveCost {
  Seconds latency{};
  Seconds transfer{};
  std::vector<LinkLoad> loads;
  int multiprocessors = 0;  ///< that the communication kernel occupies
  BytesPerSecond memory{};  ///< HBM traffic while it transfers
  std::string algorithm{};  ///< "ring", "tree", "nvls", …
  std::string protocol{};   ///< "ll", "ll128", "simple"
  std::string caveat{};     ///< what of it is estimated instead of measured; empty if nothing
  [[nodiscard]] Seconds time() const { return latency + transfer; }
};

class CollectiveModel {
 public:
  virtual ~CollectiveModel() = default;
  /// The cheapest algorithm and protocol, or the pinned one. O(algorithms).
  [[nodiscard]] virtual CollectiveCost cost(const CollectiveRequest& request) const = 0;
};

}  // namespace orrery
