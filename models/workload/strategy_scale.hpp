#pragma once
/// Weighs the legal layouts of a recipe.

#include <memory>
#include <vector>

#include <orrery/platform.hpp>
#include <orrery/strategy.hpp>

#include "workload/strategy_choice.hpp"

namespace orrery::workload {

/// Keeps references to all arguments.
std::unique_ptr<StrategyScale> strategy_scale(const Recipe& base,
                                              const std::vector<Choice>& choices,
                                              const Platform& platform, const WorkTimes& times);

}  // namespace orrery::workload
