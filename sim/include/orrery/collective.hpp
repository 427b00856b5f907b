#pragma once
/// Collective operations and the interface of their cost models.

#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <orrery/node.hpp>
#include <orrery/quantity.hpp>
#include <orrery/work.hpp>

namespace orrery {

enum class CollectiveKind { AllReduce, AllGather, ReduceScatter, AllToAll, Broadcast, SendRecv };
const char* to_text(CollectiveKind kind);

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

/// What a member of a group takes of several resources while it moves bytes, in the order in which
/// it was given. Immutable; copies share it and cost no allocation. A resource that is named twice
/// counts twice.
class ResourceUses {
 public:
  ResourceUses() = default;
  ResourceUses(std::vector<ResourceUse> uses)
      : uses_(uses.empty() ? nullptr
                           : std::make_shared<const std::vector<ResourceUse>>(std::move(uses))) {}
  ResourceUses(std::initializer_list<ResourceUse> uses)
      : ResourceUses(std::vector<ResourceUse>(uses)) {}

  [[nodiscard]] bool empty() const { return uses_ == nullptr; }
  /// Valid as long as this or a copy.
  [[nodiscard]] std::span<const ResourceUse> all() const {
    return empty() ? std::span<const ResourceUse>() : std::span<const ResourceUse>(*uses_);
  }
  [[nodiscard]] auto begin() const { return all().begin(); }
  [[nodiscard]] auto end() const { return all().end(); }

  /// By value.
  friend bool operator==(const ResourceUses& a, const ResourceUses& b) {
    return a.uses_ == b.uses_ || std::equal(a.begin(), a.end(), b.begin(), b.end());
  }

 private:
  std::shared_ptr<const std::vector<ResourceUse>> uses_;  // null for none
};

/// The links between the members of a group, as one pattern of messages finds them.
struct GroupLinks {
  BytesPerSecond bandwidth{};  ///< per member and direction, as wired; 0: there are none
  Seconds latency{};           ///< of the wires and switches of the longest way
  bool over_host = false;      ///< some messages go through PCIe and the sockets
  /// What a member takes. `bandwidth` is the least capacity / per_byte of it, but where a group has
  /// a part of a port's wires. Empty: nobody knows, and nothing is shared.
  ResourceUses uses{};

  friend bool operator==(const GroupLinks&, const GroupLinks&) = default;
};

/// Inside a server (a scale-up domain).
struct LinksWithin {
  GroupLinks ring;
  /// When every member sends to the next one, and when each sends to all others; without bandwidth
  /// where that is as in a ring.
  GroupLinks to_next, to_all;
  bool switched = false;             ///< any-to-any through switches
  bool in_switch_reduction = false;  ///< NVLS

  /// The links that a collective's messages find.
  [[nodiscard]] const GroupLinks& of(CollectiveKind kind) const {
    const bool pairs = kind == CollectiveKind::AllToAll || kind == CollectiveKind::SendRecv;
    const GroupLinks& own = kind == CollectiveKind::AllToAll ? to_all : to_next;
    return pairs && own.bandwidth > BytesPerSecond(0) ? own : ring;
  }
  friend bool operator==(const LinksWithin&, const LinksWithin&) = default;
};

/// Between servers. Bandwidths are those of the server that sends least: its share of the server's
/// NICs and of the fabric behind them, oversubscription on the group's routes included.
struct LinksBetween {
  /// What each of the fewest ranks of a server reaches when all send to their neighbours in the
  /// next server of their group: that server sends GroupLayout::fewest() times as much, and the
  /// others no more.
  GroupLinks ring;
  /// Likewise when every rank sends to all servers of its group; without bandwidth where that is as
  /// in a ring.
  GroupLinks to_all;
  /// What one device reaches alone (its rail's NIC, or what PCIe leaves of it).
  BytesPerSecond alone{};
  bool in_network_reduction = false;  ///< SHARP in the fabric

  /// The links that a collective's messages find.
  [[nodiscard]] const GroupLinks& of(CollectiveKind kind) const {
    const bool own = kind == CollectiveKind::AllToAll && to_all.bandwidth > BytesPerSecond(0);
    return own ? to_all : ring;
  }
  friend bool operator==(const LinksBetween&, const LinksBetween&) = default;
};

/// The part of a torus that joins the group's devices of one server, two or more.
struct TorusLinks {
  /// On which they differ, at least one. A group that is no evenly spaced box is one line without
  /// wrap.
  std::vector<TorusAxis> axes;
  BytesPerSecond link{};  ///< of one link and direction; LinksWithin has all links of a device
  /// Links on the shortest way between two devices, on average over all pairs and a device with
  /// itself; only for a whole twisted torus, else 0.
  double twisted_mean_hops = 0;

  friend bool operator==(const TorusLinks&, const TorusLinks&) = default;
};

/// What a group of devices can talk over. Derived from the platform's graph; a value, cheap to
/// copy.
struct GroupLayout {
  int ranks = 1;
  int servers = 1;            ///< scale-up domains that the group spans
  int ranks_per_server = 1;   ///< of this group, the most in one domain
  int fewest_per_server = 0;  ///< likewise the fewest; 0: as many everywhere
  int devices_per_server = 1;
  int nics_per_server = 0;
  LinksWithin within;               ///< without bandwidth in servers of one device
  std::optional<TorusLinks> torus;  ///< none elsewhere and for one device a server
  LinksBetween between;             ///< without bandwidth in one server
  /// The resources are those of one MachinePart, shared by all who name them. Otherwise every
  /// represented rank has its own: what it sees while all others of its class do the same.
  bool placed = false;

  /// The fewest ranks of this group in one domain.
  [[nodiscard]] int fewest() const {
    return fewest_per_server > 0 ? fewest_per_server : ranks_per_server;
  }

  friend bool operator==(const GroupLayout&, const GroupLayout&) = default;
};

/// One collective of one group, with nothing said of when.
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

  /// The links that its messages find inside a server and between servers.
  [[nodiscard]] const GroupLinks& within() const { return layout.within.of(kind); }
  [[nodiscard]] const GroupLinks& between() const { return layout.between.of(kind); }
};

/// What one rank moves over its links, and what that takes of them.
struct LinkFlow {
  Bytes bytes{};  ///< in the busier direction
  /// Those of the GroupLinks that it goes over. Without any it has the rate of its collective for
  /// itself and shares with nobody.
  ResourceUses uses{};
};

/// The cost of one collective alone on its links. time() = latency + transfer. While it transfers,
/// each flow advances at bytes/transfer unless others share its resources.
struct CollectiveCost {
  Seconds latency{};
  Seconds transfer{};
  std::vector<LinkFlow> flows;  ///< at most two: inside a server, and between servers
  int multiprocessors = 0;      ///< that the communication kernel occupies
  BytesPerSecond memory{};      ///< HBM traffic while it transfers
  std::string algorithm{};      ///< "ring", "tree", "nvls", …
  std::string protocol{};       ///< "ll", "ll128", "simple"
  std::string caveat{};         ///< what of it is estimated instead of measured; empty if nothing
  [[nodiscard]] Seconds time() const { return latency + transfer; }
};

/// Immutable once made: cost() is pure and may be called from several threads at once.
class CollectiveModel {
 public:
  virtual ~CollectiveModel() = default;
  /// The cheapest algorithm and protocol, or the pinned one. O(algorithms). A group of one, or no
  /// bytes, take no time.
  /// @throws ConfigError where the group communicates over something that the machine or the
  /// model's parameters do not have.
  [[nodiscard]] virtual CollectiveCost cost(const CollectiveRequest& request) const = 0;
};

}  // namespace orrery
