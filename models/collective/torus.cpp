#include "collective/torus.hpp"

#include <algorithm>
#include <utility>

#include <fmt/core.h>

#include "collective/torus_parameters.hpp"

namespace orrery::collective {
namespace {

constexpr double kDirections = 2;
// The part of a ring's or line's traffic that crosses its middle: k S / (4 w) for every axis.
constexpr double kBisection = 4;

/// A stage of a collective: what it waits for and how long it fills its links.
struct Leg {
  Seconds latency{};
  Seconds transfer{};
};

Leg operator+(const Leg& a, const Leg& b) {
  return {.latency = a.latency + b.latency, .transfer = a.transfer + b.transfer};
}

/// The part of a group in one slice. Legs of one device are empty.
class Slice {
 public:
  Slice(const GroupLayout& layout, const TorusScaleUp& up)
      : ranks_(layout.ranks_per_server), links_(layout.torus ? *layout.torus : kNone), up_(up) {}

  [[nodiscard]] double ranks() const { return ranks_; }
  /// [w] of one axis: both directions of a ring, one of a line; groups in between take turns.
  [[nodiscard]] BytesPerSecond wired(const TorusAxis& axis) const {
    return (axis.wrap ? kDirections : 1.0) / axis.sharers() * links_.link;
  }
  /// Links of all axes of the group, as wired.
  [[nodiscard]] BytesPerSecond wired() const {
    BytesPerSecond sum{};
    for (const TorusAxis& axis : links_.axes) sum += wired(axis);
    return sum;
  }
  /// [W]
  [[nodiscard]] BytesPerSecond bandwidth() const { return up_.efficiency * wired(); }

  /// Bucket all-gather or reduce-scatter: the buffer is cut so that every axis is busy to the end.
  [[nodiscard]] Leg gather(Bytes bytes) const {
    if (ranks() < 2) return {};
    double hops = 0;
    for (const TorusAxis& axis : links_.axes) hops += steps(axis) * axis.hops;
    return {.latency = hops * up_.hop, .transfer = bytes * ((ranks() - 1) / ranks()) / bandwidth()};
  }

  /// Every rank sends bytes/n to each of the n ranks of the slice; the narrowest cut decides.
  [[nodiscard]] Leg all_to_all(Bytes bytes) const {
    Leg leg = gather(Bytes(0));
    if (links_.twisted_mean_hops > 0) {
      leg.transfer = links_.twisted_mean_hops * bytes / bandwidth();
      return leg;
    }
    for (const TorusAxis& axis : links_.axes) {
      const BytesPerSecond rate = up_.efficiency * wired(axis);
      leg.transfer = max(leg.transfer, axis.ranks / kBisection * bytes / rate);
    }
    return leg;
  }

  /// One way, one link after the other; messages of the groups in between share them.
  [[nodiscard]] Leg send(Bytes bytes) const {
    double hops = 0;
    double crowd = 1;
    for (const TorusAxis& axis : links_.axes) {
      hops += (axis.ranks - 1.0) * axis.hops;
      crowd = std::max(crowd, static_cast<double>(axis.sharers()));
    }
    return {.latency = hops * up_.hop, .transfer = bytes * crowd / (up_.efficiency * links_.link)};
  }

 private:
  /// A ring is gone round in both directions at once: half of it is the farthest.
  static double steps(const TorusAxis& axis) { return axis.wrap ? axis.ranks / 2 : axis.ranks - 1; }

  static inline const TorusLinks kNone;

  double ranks_;
  const TorusLinks& links_;
  const TorusScaleUp& up_;
};

/// Device memory read and written per byte of the buffer: what arrives is written and, if it goes
/// further or is summed, read again.
double memory_passes(CollectiveKind kind, double ranks) {
  const double others = (ranks - 1) / ranks;
  switch (kind) {
    case CollectiveKind::AllReduce:
      return 5 * others;
    case CollectiveKind::ReduceScatter:
      return 3 * others;
    case CollectiveKind::AllGather:
    case CollectiveKind::AllToAll:
      return 2 * others;
    case CollectiveKind::Broadcast:
    case CollectiveKind::SendRecv:
      break;
  }
  return 2;
}

/// The parts of a collective in the slices and between them, one after the other.
struct Plan {
  Leg inside;
  Leg between;
  const char* algorithm = "";
};

class Torus final : public CollectiveModel {
 public:
  explicit Torus(TorusParameters parameters) : parameters_(std::move(parameters)) {}

  [[nodiscard]] CollectiveCost cost(const CollectiveRequest& request) const override {
    const GroupLayout& layout = request.layout;
    if (layout.ranks < 2 || request.bytes <= Bytes(0)) return {};
    check(layout);
    const Slice slice(layout, parameters_.scale_up);
    const Plan plan = plan_of(request, slice);
    CollectiveCost cost;
    cost.latency = parameters_.scale_up.launch + plan.inside.latency + plan.between.latency;
    cost.transfer = plan.inside.transfer + plan.between.transfer;
    if (plan.inside.transfer > Seconds(0)) {
      const BytesPerSecond rate = min(slice.wired(), request.within().bandwidth);
      cost.flows.push_back({plan.inside.transfer * rate, request.within().uses});
    }
    if (plan.between.transfer > Seconds(0)) {
      const GroupLinks& links = request.between();
      cost.flows.push_back({plan.between.transfer * links.bandwidth, links.uses});
    }
    cost.memory = memory_passes(request.kind, layout.ranks) * request.bytes / cost.transfer;
    cost.algorithm = plan.algorithm;
    cost.caveat = layout.servers > 1 ? parameters_.scale_out->caveat : parameters_.scale_up.caveat;
    return cost;
  }

 private:
  void check(const GroupLayout& layout) const {
    if (layout.ranks_per_server > 1 && !layout.torus) {
      throw ConfigError(fmt::format(
          "{}: collective.torus works on devices in a torus; expected server.scale_up of kind "
          "torus, or another communication.model",
          parameters_.where.text()));
    }
    if (layout.servers > 1 && !parameters_.scale_out) {
      throw ConfigError(fmt::format(
          "{}: communication has no 'scale_out', which a group of this system needs; expected "
          "e.g. 'scale_out: {{use: communication/tpu-dcn}}'",
          parameters_.where.text()));
    }
  }

  [[nodiscard]] Plan plan_of(const CollectiveRequest& request, const Slice& slice) const {
    const bool across = request.layout.servers > 1;
    const Bytes bytes = request.bytes;
    const double passes = request.kind == CollectiveKind::AllReduce ? 2 : 1;
    switch (request.kind) {
      case CollectiveKind::AllToAll:
        return {.inside = slice.all_to_all(bytes / static_cast<double>(request.layout.servers)),
                .between = across ? exchange_between(request, slice) : Leg{},
                .algorithm = "torus-bisection"};
      case CollectiveKind::SendRecv:
        return {.inside = across ? Leg{} : slice.send(bytes),
                .between = across ? send_between(request) : Leg{},
                .algorithm = "torus-hops"};
      case CollectiveKind::Broadcast:  // scattered from the root, then gathered
        return {.inside = slice.gather(bytes) + slice.gather(bytes),
                .between = across ? ring_between(request, slice, 1) : Leg{},
                .algorithm = "torus-bucket"};
      case CollectiveKind::AllReduce:
      case CollectiveKind::AllGather:
      case CollectiveKind::ReduceScatter:
        break;
    }
    Plan plan{.inside = slice.gather(bytes),
              .between = across ? ring_between(request, slice, passes) : Leg{},
              .algorithm = across ? "torus-hierarchical" : "torus-bucket"};
    if (request.kind == CollectiveKind::AllReduce) plan.inside = plan.inside + slice.gather(bytes);
    return plan;
  }

  /// A ring of slices for each device, over its part of the NICs, on its part of the buffer.
  [[nodiscard]] Leg ring_between(const CollectiveRequest& request, const Slice& slice,
                                 double passes) const {
    const double others = request.layout.servers - 1.0;
    const Bytes share = request.bytes / slice.ranks();
    return {.latency = passes * others * hop(request),
            .transfer = passes * (others / request.layout.servers) * share / rate(request)};
  }

  [[nodiscard]] Leg exchange_between(const CollectiveRequest& request, const Slice& slice) const {
    const double outside = 1.0 - slice.ranks() / request.layout.ranks;
    return {.latency = hop(request), .transfer = outside * request.bytes / rate(request)};
  }

  [[nodiscard]] Leg send_between(const CollectiveRequest& request) const {
    return {.latency = hop(request), .transfer = request.bytes / rate(request)};
  }

  [[nodiscard]] Seconds hop(const CollectiveRequest& request) const {
    return parameters_.scale_out->hop + request.between().latency;
  }
  [[nodiscard]] BytesPerSecond rate(const CollectiveRequest& request) const {
    return parameters_.scale_out->efficiency * request.between().bandwidth;
  }

  TorusParameters parameters_;
};

}  // namespace
}  // namespace orrery::collective

namespace orrery {

std::unique_ptr<const CollectiveModel> make_torus(Reader& reader) {
  using namespace collective;
  return std::make_unique<Torus>(TorusParameters::read(reader));
}

const Table& torus_table() { return collective::TorusParameters::schema().table(); }

}  // namespace orrery
