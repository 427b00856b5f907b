#pragma once
/// The legal layouts of a training recipe.

#include <functional>

#include <orrery/workload.hpp>

#include "workload/recipe.hpp"

namespace orrery::workload {

/// Makes a workload of a recipe.
using MakeTraining = std::function<std::unique_ptr<const Workload>(Recipe)>;

/// Every combination of tensor, pipeline, interleave, context, data, microbatch, sharding,
/// recompute, sequence and overlap that the recipe's model and batch, and the devices of the
/// platform, allow. `search` narrows dimensions by name.
/// @throws ConfigError for a dimension or value that there is not.
std::unique_ptr<const StrategySpace> training_strategies(const Recipe& recipe,
                                                         const Platform& platform,
                                                         const SearchValues& search,
                                                         MakeTraining make);

}  // namespace orrery::workload
