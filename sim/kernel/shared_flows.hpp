#pragma once
/// Flows that compete, and the clock while they do. Everything that knows SimGrid stands behind
/// this interface.

#include <cstdint>
#include <memory>
#include <span>

#include <orrery/quantity.hpp>

namespace orrery {

/// What a flow takes of a contended resource, and what there is of it.
struct SharedDemand {
  std::uint32_t resource = 0;
  BytesPerSecond capacity{};  ///< always the same for a resource
  double amount = 1;
};

struct SharedFlow {
  std::span<const SharedDemand> demands;  ///< of distinct resources
  Bytes left{};
  BytesPerSecond fastest{};  ///< as fast as alone
  double weight = 1;
  double reference = 1;  ///< the amount A_i of kernel.hpp
};

/// Hears what happens in SharedFlows::run().
class SharedFlowsListener {
 public:
  virtual ~SharedFlowsListener() = default;
  /// It is `now`; flows `ended`, in any order. Called when run() begins, whenever flows end, and at
  /// the date of SharedFlows::wake_at(). Throws nothing.
  virtual void wake(Seconds now, std::span<const std::uint32_t> ended) = 0;
};

class SharedFlows {
 public:
  virtual ~SharedFlows() = default;
  /// Starts a flow under an `id` that none in flight has.
  virtual void start(std::uint32_t id, const SharedFlow& flow) = 0;
  /// Takes a flow in flight out. Returns what it had left.
  virtual Bytes stop(std::uint32_t id) = 0;
  /// The amount A_i of a flow in flight is another now.
  virtual void set_reference(std::uint32_t id, double reference) = 0;
  /// Flows in flight.
  [[nodiscard]] virtual std::size_t in_flight() const = 0;
  /// The listener wants to be woken at `date`, and at no later one that it named before. Only from
  /// the listener.
  virtual void wake_at(Seconds date) = 0;
  /// Runs from `now` until no flow is in flight.
  virtual void run(Seconds now, SharedFlowsListener& listener) = 0;
};

/// In SimGrid, from a module that the first call loads. One at a time in a process: waits until the
/// one that another thread has is gone. @throws InternalError if this thread has one,
/// SimulationError if the module is not installed
std::unique_ptr<SharedFlows> make_simgrid_shared_flows();

}  // namespace orrery
