#pragma once
/// What the flows of collectives take in the kernel: platform resources become kernel resources.

#include <cstdint>
#include <span>
#include <vector>

#include <orrery/program.hpp>

#include "engine/link_slots.hpp"
#include "kernel/kernel.hpp"

namespace orrery {

/// The resources of a program. Every represented rank has its own of those that the platform holds
/// once for a class; what `placed` layouts name is shared by all ranks.
class FlowDemands {
 public:
  /// Adds what is needed to `kernel`. O(ranks + collectives).
  FlowDemands(const WorkTables& tables, std::uint32_t ranks, const CostTable& costs,
              Kernel& kernel);

  /// Demands of flow `flow` of collective `index`, issued by `rank`. Valid until the next call.
  [[nodiscard]] std::span<const Demand> of(std::uint32_t index, std::size_t flow,
                                           std::uint32_t rank);
  /// How fast flow `flow` of collective `index` advances with nothing else under way, and how long
  /// the longest takes. @pre it is private_to_rank() and has something to transfer
  [[nodiscard]] BytesPerSecond fastest(std::uint32_t index, std::size_t flow) const {
    return alone_[index].fastest[flow];
  }
  [[nodiscard]] Seconds time_alone(std::uint32_t index) const { return alone_[index].time; }
  /// Whether the collective takes nothing that other ranks take.
  [[nodiscard]] bool private_to_rank(std::uint32_t index) const { return !alone_[index].placed; }

 private:
  /// A use of a rank's own resource number `slot`, or of a placed one.
  struct Need {
    std::uint32_t slot = 0;
    double per_byte = 1;
    bool placed = false;
  };
  using Needs = std::vector<std::vector<Need>>;  // by flow

  void add_needs(const WorkTables& tables, const CostTable& costs);
  struct Alone {
    std::vector<BytesPerSecond> fastest;  // by flow
    Seconds time{};
    bool placed = false;
  };
  void find_alone(const WorkTables& tables, const CostTable& costs,
                  const std::vector<BytesPerSecond>& capacity);
  void add_placed(const WorkTables& tables, Kernel& kernel);

  LinkSlots own_links_;
  std::vector<Needs> needs_;              // by collective
  std::vector<Alone> alone_;              // by collective
  std::vector<Kernel::Resource> own_;     // by rank, then slot
  std::vector<Kernel::Resource> placed_;  // as WorkTables::resources
  std::vector<Demand> demands_;
};

}  // namespace orrery
