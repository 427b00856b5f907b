#include "study/suite_runner.hpp"

#include <algorithm>
#include <optional>

#include <orrery/report.hpp>

namespace orrery {
namespace {

bool of_workload(const Override& one) {
  return one.first == "workload" || one.first.starts_with("workload.");
}

// The overrides of the workload, or all others.
std::vector<Override> select(const std::vector<Override>& all, bool workload) {
  std::vector<Override> selected;
  std::ranges::copy_if(all, std::back_inserter(selected),
                       [&](const Override& one) { return of_workload(one) == workload; });
  return selected;
}

// `second` after `first`, whose values of the same paths it replaces.
std::vector<Override> joined(std::vector<Override> first, const std::vector<Override>& second) {
  for (const Override& one : second) {
    std::erase_if(first, [&](const Override& before) { return before.first == one.first; });
  }
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

}  // namespace

SuiteRunner::SuiteRunner(const Suite& suite, const Library& library, const Registry& registry)
    : suite_(suite), library_(library), registry_(registry), combinations_(combinations(suite)) {}

ValidationCase SuiteRunner::run(std::size_t row) const {
  ValidationCase result;
  std::vector<Override> overrides;
  const std::vector<std::string>& cells = suite_.table.rows[row];
  for (std::size_t i = 0; i < cells.size(); ++i) {
    const std::string& column = suite_.table.columns[i];
    if (column == "name") {
      result.name = cells[i];
    } else if (column == "measured") {
      result.measured = *measured_value(cells[i]);
    } else if (column != "notes" && !cells[i].empty()) {
      overrides.emplace_back(column, cells[i]);
    }
  }
  search(overrides, result);
  return result;
}

// Of all combinations of values that the source does not state, what the authors would have kept:
// the fastest that fits.
void SuiteRunner::search(const std::vector<Override>& row, ValidationCase& result) const {
  Seconds fastest{};
  std::optional<Made> best;
  std::vector<Override> best_overrides;
  result.tried = 0;
  for (const auto& extra : combinations_) {
    const std::vector<Override> all = joined(row, extra);
    try {
      Made made = make(all);
      const Report report = evaluated(made, Fidelity::Event);
      if (!report.throughput) {
        result.problem = "does not fit in memory";
        continue;
      }
      const double value = value_of(report, all, Fidelity::Event);
      const Seconds step = report.throughput->step_time;
      result.least = result.tried == 0 ? value : std::min(result.least, value);
      result.greatest = result.tried == 0 ? value : std::max(result.greatest, value);
      if (result.tried == 0 || step < fastest) {
        fastest = step;
        result.predicted = value;
        best = std::move(made);
        best_overrides = all;
      }
      ++result.tried;
    } catch (const ConfigError& problem) {
      if (combinations_.size() == 1) throw;
      result.problem = problem.what();  // this combination is not legal; others may be
    }
  }
  if (!best) return;
  result.problem.clear();
  result.analytic =
      value_of(evaluated(*best, Fidelity::Analytic), best_overrides, Fidelity::Analytic);
}

// The mutex is held while a machine is made: others that wait for it need the same one.
std::shared_ptr<const SuiteRunner::Site> SuiteRunner::site(
    const std::vector<Override>& overrides) const {
  const std::lock_guard lock(mutex_);
  std::shared_ptr<const Site>& known = sites_[overrides];
  if (known == nullptr) {
    const Node idle = suite_.base.with_value_at("workload", Node::map({}, suite_.base.where()));
    Scenario scenario = make_scenario(idle, library_, overrides);
    Machine machine = make_idle_machine(scenario, registry_);
    known = std::make_shared<const Site>(Site{std::move(scenario), std::move(machine)});
  }
  return known;
}

SuiteRunner::Made SuiteRunner::make(const std::vector<Override>& overrides) const {
  Made made{.site = site(select(overrides, false)), .workload = nullptr};
  Node tree = Node::map({}, suite_.base.where());
  const Node* workload = suite_.base.find("workload");
  if (workload != nullptr) tree = tree.with_value_at("workload", *workload);
  tree = with_overrides(tree, select(overrides, true));
  workload = tree.find("workload");
  made.workload =
      make_workload(workload == nullptr ? Node() : library_.resolve(*workload), registry_);
  return made;
}

Report SuiteRunner::evaluated(const Made& made, Fidelity fidelity) {
  EvaluateOptions options = options_of(made.site->scenario, made.site->machine);
  options.fidelity = fidelity;
  return evaluate(made.site->machine, *made.workload, options);
}

double SuiteRunner::value_of(const Report& report, std::vector<Override> overrides,
                             Fidelity fidelity) const {
  const double value = metric(report, suite_.result.metric) / suite_.unit;
  if (suite_.relative.empty()) return value;
  const auto key = std::pair(joined(std::move(overrides), suite_.relative), fidelity);
  {
    const std::lock_guard lock(mutex_);
    const auto known = references_.find(key);
    if (known != references_.end()) return value / known->second;
  }
  const Report reference = evaluated(make(key.first), fidelity);
  const double whole = metric(reference, suite_.result.metric) / suite_.unit;
  const std::lock_guard lock(mutex_);
  references_.emplace(key, whole);
  return value / whole;
}

}  // namespace orrery
