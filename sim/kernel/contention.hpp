#pragma once
/// Which flows compete for which resources; see kernel.hpp for what contended means.

#include <cstdint>
#include <span>
#include <vector>

#include "kernel/kernel.hpp"
#include "kernel/shared_flows.hpp"

namespace orrery {

class Contention {
 public:
  using Slot = std::uint32_t;

  Kernel::Resource add_resource(BytesPerSecond capacity);

  /// Adds a flow in flight under a slot that none has; slots should be small numbers.
  void add(Slot slot, const Flow& flow);
  void remove(Slot slot);

  /// Whether a resource of the flow is contended.
  [[nodiscard]] bool competes(Slot slot) const;
  /// Its rate alone.
  [[nodiscard]] BytesPerSecond fastest(Slot slot) const { return flows_[slot].fastest; }
  [[nodiscard]] double weight(Slot slot) const { return flows_[slot].weight; }
  /// A_i of kernel.hpp. @pre it competes
  [[nodiscard]] double reference(Slot slot) const;
  /// Whether it takes different amounts of its contended resources, so that reference() may change.
  [[nodiscard]] bool mixed(Slot slot) const;

  /// Flows on resources that have become contended since the last call, each once, some of which
  /// may have been removed again.
  [[nodiscard]] std::vector<Slot> take_affected();
  /// Whether take_affected() has any.
  [[nodiscard]] bool any_affected() const { return !affected_.empty(); }
  /// Whether a contended resource of the flow is none of those of its last list_demands().
  [[nodiscard]] bool outdated(Slot slot) const;
  /// Its contended resources. Valid until the next call.
  std::span<const SharedDemand> list_demands(Slot slot);

 private:
  struct Use {
    std::uint32_t resource;
    std::uint32_t position;  // among the flows of the resource
    double amount;
    bool listed;
  };
  struct InFlight {
    std::vector<Use> uses;
    BytesPerSecond fastest{};
    double weight = 1;
    bool affected = false;
  };
  struct Member {
    Slot slot;
    std::uint32_t use;
  };
  struct Shared {
    BytesPerSecond capacity{};
    double load = 0;    // of all flows, each as fast as alone, in B/s
    double weight = 0;  // of all flows
    bool contended = false;
    std::vector<Member> flows;
  };

  void join(Slot slot, std::uint32_t use);
  void leave(const InFlight& flow, const Use& use);
  void affect(Slot slot);

  std::vector<Shared> resources_;
  std::vector<InFlight> flows_;
  std::vector<Slot> affected_;
  std::vector<SharedDemand> listed_;
};

}  // namespace orrery
