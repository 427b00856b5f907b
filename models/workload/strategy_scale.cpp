#include "workload/strategy_scale.hpp"

#include <map>

#include "workload/groups.hpp"
#include "workload/step_bound.hpp"
#include "workload/step_memory.hpp"
#include "workload/step_parts.hpp"

namespace orrery::workload {
namespace {

class TrainingScale final : public StrategyScale {
 public:
  TrainingScale(const Recipe& base, const std::vector<Choice>& choices, const Platform& platform,
                const WorkTimes& times)
      : base_(base),
        choices_(choices),
        platform_(platform),
        recipe_(base),
        bound_(platform, times) {}

  Bytes memory(std::size_t index) override {
    apply(choices_[index], base_, recipe_);
    const Groups groups(recipe_, platform_);
    fill_stage_shapes(recipe_, groups, shapes_);
    const auto [known, added] = layers_.try_emplace(layer_key(recipe_));
    if (added) known->second = layer_memory(recipe_);
    return fullest(recipe_, known->second, shapes_).total();
  }

  Seconds least_time(std::size_t index) override {
    apply(choices_[index], base_, recipe_);
    return bound_.of(recipe_);
  }

 private:
  const Recipe& base_;
  const std::vector<Choice>& choices_;
  const Platform& platform_;
  Recipe recipe_;  // with the choice that is being weighed
  std::vector<StageShape> shapes_;
  std::map<LayerKey, LayerMemory> layers_;
  StepBound bound_;
};

}  // namespace

std::unique_ptr<StrategyScale> strategy_scale(const Recipe& base,
                                              const std::vector<Choice>& choices,
                                              const Platform& platform, const WorkTimes& times) {
  return std::make_unique<TrainingScale>(base, choices, platform, times);
}

}  // namespace orrery::workload
