#pragma once
/// What a search asks of a strategy: memory, a lower bound on its step, and the step in closed
/// form.

#include <memory>
#include <optional>
#include <vector>

#include <orrery/strategy.hpp>

#include "engine/cost_memo.hpp"
#include "scenario/machine.hpp"

namespace orrery {

/// In which state devices are evaluated.
enum class DeviceState {
  Warm,    ///< as OperatingPoint says
  Settled  ///< as warm as they get; bounds are of dies that nothing cools so far
};

/// What kernels and collectives take alone, each kernel costed once.
class MemoizedTimes final : public WorkTimes {
 public:
  MemoizedTimes(const Machine& machine, DeviceState state);

  [[nodiscard]] Seconds of(const Work& work) const override;
  [[nodiscard]] Seconds of(const Work& work, std::size_t kind) const override;
  [[nodiscard]] Seconds of(const CollectiveRequest& request) const override;
  /// As `points`, but for the accelerators: those that remember.
  [[nodiscard]] std::vector<DevicePoint> memoized(std::vector<DevicePoint> points) const;

 private:
  std::vector<std::unique_ptr<const CostMemo>> memos_;  // by kind of device
  std::vector<OperatingPoint> points_;
  const CollectiveModel& collectives_;
};

/// One for each thread. Keeps references to the machine and to the space.
class StrategyEvaluator {
 public:
  StrategyEvaluator(const Machine& machine, const StrategySpace& space, DeviceState state);
  StrategyEvaluator(const StrategyEvaluator&) = delete;
  StrategyEvaluator& operator=(const StrategyEvaluator&) = delete;

  /// None where the workload says nothing of it.
  [[nodiscard]] std::optional<Bytes> memory(std::size_t index) const;
  /// No evaluation of the strategy is below it, in the state given; zero where none is known.
  [[nodiscard]] Seconds least_time(std::size_t index) const;
  /// With warm devices.
  [[nodiscard]] StepResult step(const Workload& workload) const;

 private:
  const Machine& machine_;
  const StrategySpace& space_;
  MemoizedTimes times_;
  std::unique_ptr<StrategyScale> scale_;  // null: the workloads themselves are asked
};

}  // namespace orrery
