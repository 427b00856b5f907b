#include <orrery/plan.hpp>

#include <algorithm>

#include <fmt/format.h>

#include "scenario/evaluate.hpp"
#include "study/plan_search.hpp"

namespace orrery {
namespace {

std::string limit_of(const Tiles& breakdown, Seconds step) {
  std::size_t most = 0;
  Seconds time{-1};
  for (std::size_t t = 0; t < breakdown.size(); ++t) {
    if (static_cast<Tile>(t) == Tile::Compute || breakdown[t] <= time) continue;
    most = t;
    time = breakdown[t];
  }
  const double share = time / step * 100;
  if (share < 2) return "compute";
  return fmt::format("{} {:.0f} %", to_text(static_cast<Tile>(most)), share);
}

std::string as_text(const std::vector<std::pair<std::string, std::string>>& settings) {
  std::vector<std::string> parts;
  for (const auto& [path, value] : settings) parts.push_back(fmt::format("{}={}", path, value));
  return fmt::format("{}", fmt::join(parts, " "));
}

PlanCandidate candidate(const Found& found, const StrategySpace& space) {
  PlanCandidate result;
  result.settings = space.at(found.index).settings;
  result.analytic = found.time;
  result.breakdown = found.breakdown;
  result.memory = found.memory;
  result.limit = limit_of(found.breakdown, found.time);
  return result;
}

// Runs a candidate at a fidelity; throughput and breakdown become those of the run.
void refine(const Machine& machine, const Strategy& strategy, Fidelity fidelity,
            PlanCandidate& result) {
  const Report report = evaluate(machine, *strategy.workload,
                                 {.fidelity = fidelity, .ignore_memory = true, .operate = true});
  if (fidelity == Fidelity::Event) result.event = report.throughput->step_time;
  result.tokens_per_second = report.throughput->tokens_per_second;
  result.mfu = report.throughput->mfu;
  result.breakdown = report.step.breakdown;
  result.limit = limit_of(result.breakdown, report.throughput->step_time);
}

std::unique_ptr<const StrategySpace> strategies_of(const Scenario& scenario, const Machine& machine,
                                                   const PlanSpec& spec) {
  try {
    auto space = machine.workload->strategies(*machine.platform, spec.search);
    if (space) return space;
  } catch (const ConfigError& error) {
    const std::string what = error.what();
    if (what.rfind("plan.search", 0) != 0) throw;
    throw ConfigError(fmt::format("{}: {}", spec.where_search.text(), what));
  }
  throw ConfigError(fmt::format(
      "{}: there is nothing to plan; expected a workload of kind training", scenario.name));
}

}  // namespace

const char* to_text(Objective objective) {
  return objective == Objective::Time ? "time" : "tokens_per_s";
}

PlanResult plan(const Scenario& scenario, const Registry& registry, const PlanOptions& options) {
  const PlanSpec spec = read_plan_spec(scenario.plan);
  const Machine machine = make_machine(scenario, registry);
  const auto space = strategies_of(scenario, machine, spec);
  SearchResult found = search(machine, *space, spec, options);
  if (found.refused > 0 && found.refused == found.evaluated) {
    throw ConfigError(found.rejected.begin()->first);  // of none could anything be said
  }
  PlanResult result;
  result.scenario = scenario.name;
  result.system = machine.platform->name();
  result.devices = machine.platform->devices();
  result.objective = spec.objective;
  result.legal = space->size();
  result.evaluated = found.evaluated;
  result.pruned = found.pruned;
  result.interrupted = found.stopped;
  for (std::size_t i = 0; i < found.best.size(); ++i) {
    const Strategy strategy = space->at(found.best[i].index);
    result.best.push_back(candidate(found.best[i], *space));
    const bool confirm = i < spec.confirm && !(options.stop && options.stop());
    refine(machine, strategy, confirm ? Fidelity::Event : Fidelity::Analytic, result.best.back());
  }
  std::stable_sort(result.best.begin(), result.best.end(),
                   [](const PlanCandidate& a, const PlanCandidate& b) {
                     if (a.event.has_value() != b.event.has_value()) return a.event.has_value();
                     return a.event && *a.event < *b.event;
                   });
  if (result.best.size() > spec.show) result.best.resize(spec.show);
  for (const auto& [reason, count] : space->rejected()) found.rejected[reason] += count;
  result.rejected.assign(found.rejected.begin(), found.rejected.end());
  std::stable_sort(result.rejected.begin(), result.rejected.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
  if (found.fitted == 0 && found.nearest) {
    result.nearest =
        fmt::format("{} needs {} of {}", as_text(space->at(found.nearest->index).settings),
                    to_text(found.nearest->memory), to_text(machine.platform->memory_capacity()));
  }
  return result;
}

}  // namespace orrery
