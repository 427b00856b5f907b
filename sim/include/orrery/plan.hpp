#pragma once
/// Searching the layouts of a job: all by closed form, the best confirmed with events.

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <orrery/registry.hpp>
#include <orrery/report.hpp>
#include <orrery/scenario.hpp>

namespace orrery {

/// What a plan is ranked by, best first: shortest step, or most tokens per second.
enum class Objective { Time, TokensPerSecond };
const char* to_text(Objective objective);

struct PlanOptions {
  int threads = 0;  ///< 0: one per processor
  /// Called now and then with the strategies that have been evaluated, from any of the threads but
  /// from one at a time.
  std::function<void(std::size_t done, std::size_t all)> progress;
  /// Asked often, likewise: true ends the search; what was found so far is the result.
  std::function<bool()> stop;
};

struct PlanCandidate {
  /// As `--set` takes them: the whole layout, whatever the scenario says.
  std::vector<std::pair<std::string, std::string>> settings;
  Seconds analytic{};            ///< step time in closed form
  std::optional<Seconds> event;  ///< with events, of those that were confirmed
  double tokens_per_second = 0;  ///< by `event` where there is one
  double mfu = 0;
  Tiles breakdown{};  ///< likewise
  Bytes memory{};     ///< of the fullest device
  std::string limit;  ///< what takes most of the step beside computing
};

struct PlanResult {
  std::string scenario;
  std::string system;
  int devices = 0;
  Objective objective = Objective::Time;
  std::size_t legal = 0;      ///< strategies
  std::size_t evaluated = 0;  ///< of them, before the search ended
  /// Of them, those whose step a lower bound showed to be longer than that of every one in `best`.
  /// Limits that a bound shows to be out of reach are in `rejected` all the same, others are not.
  std::size_t pruned = 0;
  bool interrupted = false;
  std::vector<PlanCandidate> best;  ///< confirmed ones first, by objective; then by closed form
  std::vector<std::pair<std::string, std::size_t>> rejected;  ///< by reason, most first
  /// The strategy that was nearest to fitting in memory, when none did.
  std::string nearest;
};

/// Searches what the scenario's `plan` map says: {objective, confirm, show, memory_share, prune,
/// search, limits}. The result does not depend on the number of threads.
/// @throws ConfigError when the workload has nothing to search, the map is wrong, or nothing can be
/// said of any strategy; SimulationError where a confirmed one cannot end.
PlanResult plan(const Scenario& scenario, const Registry& registry, const PlanOptions& options);

/// For a terminal. Ends with a newline, as the JSON does, whose keys end in their unit.
std::string to_text(const PlanResult& result, const TextOptions& options = {});
std::string to_json(const PlanResult& result);

}  // namespace orrery
