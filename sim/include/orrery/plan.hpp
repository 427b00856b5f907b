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
  /// Called now and then with the strategies that have been evaluated, from one thread at a time.
  std::function<void(std::size_t done, std::size_t all)> progress;
  /// Asked often: true ends the search; what was found so far is the result.
  std::function<bool()> stop;
};

struct PlanCandidate {
  std::vector<std::pair<std::string, std::string>> settings;  ///< as `--set` takes them
  Seconds analytic{};                                         ///< step time in closed form
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
  /// Of them, those whose step a lower bound showed to be longer than that of every one in `best`:
  /// nothing else of them was looked at, so limits that they do not keep are not in `rejected`.
  std::size_t pruned = 0;
  bool interrupted = false;
  std::vector<PlanCandidate> best;  ///< confirmed ones first, by objective; then by closed form
  std::vector<std::pair<std::string, std::size_t>> rejected;  ///< by reason, most first
  /// The strategy that was nearest to fitting in memory, when none did.
  std::string nearest;
};

/// Searches what the scenario's `plan` map says: {objective, confirm, show, memory_share, prune,
/// search, limits}. The result does not depend on the number of threads.
/// @throws ConfigError when the workload has nothing to search or the map is wrong.
PlanResult plan(const Scenario& scenario, const Registry& registry, const PlanOptions& options);

std::string to_text(const PlanResult& result, const TextOptions& options = {});
std::string to_json(const PlanResult& result);

}  // namespace orrery
