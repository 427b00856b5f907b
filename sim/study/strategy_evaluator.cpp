#include "study/strategy_evaluator.hpp"

#include <algorithm>

#include "engine/estimator.hpp"

namespace orrery {
namespace {

// Colder than any coolant: dies leak less than they ever will, and clocks under a cap are higher.
constexpr Temperature kColdest = Temperature::celsius(-40);

}  // namespace

MemoizedTimes::MemoizedTimes(const Machine& machine, DeviceState state)
    : collectives_(*machine.collectives) {
  const Platform& platform = *machine.platform;
  for (const DeviceKind& kind : platform.kinds()) {
    memos_.push_back(std::make_unique<const CostMemo>(*kind.accelerator));
  }
  for (const DevicePoint& device :
       device_points(machine, OperatingPoint::Regime::Sustained, platform.devices())) {
    points_.push_back(device.point);
    if (state == DeviceState::Warm) continue;
    points_.back().temperature = kColdest;
    points_.back().slowest_deviations = 0;  // how far devices differ is drawn anew
  }
}

Seconds MemoizedTimes::of(const Work& work) const {
  Seconds least = of(work, 0);
  for (std::size_t kind = 1; kind < memos_.size(); ++kind) least = min(least, of(work, kind));
  return least;
}

Seconds MemoizedTimes::of(const Work& work, std::size_t kind) const {
  return memos_[kind]->cost(work, points_[kind]).time * work.repeat;
}

Seconds MemoizedTimes::of(const CollectiveRequest& request) const {
  return collectives_.cost(request).time();
}

std::vector<DevicePoint> MemoizedTimes::memoized(std::vector<DevicePoint> points) const {
  for (std::size_t kind = 0; kind < points.size(); ++kind) {
    points[kind].accelerator = memos_[kind].get();
  }
  return points;
}

StrategyEvaluator::StrategyEvaluator(const Machine& machine, const StrategySpace& space,
                                     DeviceState state)
    : machine_(machine), space_(space), times_(machine, state), scale_(space.scale(times_)) {}

std::optional<Bytes> StrategyEvaluator::memory(std::size_t index) const {
  if (scale_) return scale_->memory(index);
  const auto use = space_.at(index).workload->memory(*machine_.platform);
  if (!use) return {};
  return use->total();
}

Seconds StrategyEvaluator::least_time(std::size_t index) const {
  return scale_ ? scale_->least_time(index) : Seconds(0);
}

StepResult StrategyEvaluator::step(const Workload& workload) const {
  const LoweredWorkload lowered = workload.lower(*machine_.platform, {.shorten = true});
  const CostTable costs(
      lowered.outline,
      times_.memoized(device_points(machine_, lowered.regime, lowered.work.devices)),
      *machine_.collectives);
  return estimate(lowered.outline, costs, lowered.launch_time);
}

}  // namespace orrery
