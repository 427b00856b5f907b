#pragma once
/// The search behind `plan`: the best strategies in closed form.

#include <map>
#include <optional>
#include <string>
#include <vector>

#include <orrery/plan.hpp>

#include "scenario/machine.hpp"
#include "study/plan_spec.hpp"

namespace orrery {

/// A strategy that fits in memory, by its index.
struct Found {
  std::size_t index = 0;
  Seconds time{};
  Tiles breakdown{};
  Bytes memory{};
};

/// The shorter step, then the lower index.
bool better(const Found& a, const Found& b);

struct SearchResult {
  std::vector<Found> best;  ///< best first; as many as the plan shows or confirms
  std::map<std::string, std::size_t> rejected;  ///< how many, by reason
  std::optional<Found> nearest;                 ///< to fitting in memory, of those that do not
  std::size_t fitted = 0;                       ///< in memory
  std::size_t evaluated = 0;                    ///< those that a bound ruled out included
  std::size_t pruned = 0;                       ///< whose bound is above the last of `best`
  std::size_t refused = 0;                      ///< by model or machine
  bool stopped = false;
};

/// Weighs the memory of every strategy, and bounds the steps of those that fit: a limit that is out
/// of reach then rejects them. In the order of their bounds the others are evaluated in closed
/// form, until the bound is above the last that is kept: what follows cannot be among the best,
/// whatever the limits. The result does not depend on the number of threads.
SearchResult search(const Machine& machine, const StrategySpace& space, const PlanSpec& spec,
                    const PlanOptions& options);

}  // namespace orrery
