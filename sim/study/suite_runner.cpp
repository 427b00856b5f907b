#include "study/suite_runner.hpp"

#include <algorithm>

#include <fmt/format.h>

#include <orrery/report.hpp>

namespace orrery {
namespace {

// How far behind the fastest in closed form one may be to be run with events, ratio: ten times what
// the two fidelities differ by in any suite.
constexpr double kNear = 1.005;

// What messages call a value that a row sets, before the column's name.
constexpr const char* kOrigin = "column";

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
  try {
    search(overrides, result);
  } catch (const ConfigError& refusal) {
    throw ConfigError(fmt::format("{}:{}:1: this row cannot be simulated\n{}", suite_.table_file,
                                  suite_.table.lines[row], refusal.what()));
  }
  return result;
}

// Of all combinations of values that the source does not state, what the authors would have kept:
// the fastest that fits. Those that the closed form puts far behind are not run with events.
void SuiteRunner::search(const std::vector<Override>& row, ValidationCase& result) const {
  std::vector<Candidate> candidates = legal(row, result.problem);
  result.tried = static_cast<int>(candidates.size());
  if (candidates.empty()) return;
  result.problem.clear();
  Seconds first = candidates.front().step;
  for (const Candidate& one : candidates) first = min(first, one.step);
  Seconds fastest{};
  for (Candidate& one : candidates) {
    double value = one.analytic;
    if (one.step <= first * kNear) {
      const Report report = evaluated(one.made, Fidelity::Event);
      value = value_of(report, one.overrides, Fidelity::Event);
      const Seconds step = report.throughput->step_time;
      if (fastest <= Seconds(0) || step < fastest) {
        fastest = step;
        result.predicted = value;
        result.analytic = one.analytic;
      }
    }
    const bool is_first = &one == &candidates.front();
    result.least = is_first ? value : std::min(result.least, value);
    result.greatest = is_first ? value : std::max(result.greatest, value);
  }
}

// In closed form. Without any, `problem` says why the last of them is none.
std::vector<SuiteRunner::Candidate> SuiteRunner::legal(const std::vector<Override>& row,
                                                       std::string& problem) const {
  std::vector<Candidate> candidates;
  for (const auto& extra : combinations_) {
    Candidate one{.overrides = joined(row, extra), .made = {}, .step = {}, .analytic = 0};
    try {
      one.made = make(one.overrides);
      const Report report = evaluated(one.made, Fidelity::Analytic);
      if (!report.throughput) {
        problem = "does not fit in memory";
        continue;
      }
      one.step = report.throughput->step_time;
      one.analytic = value_of(report, one.overrides, Fidelity::Analytic);
      candidates.push_back(std::move(one));
    } catch (const ConfigError& refusal) {
      if (combinations_.size() == 1) throw;
      problem = refusal.what();  // this combination is not legal; others may be
    }
  }
  return candidates;
}

// The mutex is held while a machine is made: others that wait for it need the same one.
std::shared_ptr<const SuiteRunner::Site> SuiteRunner::site(
    const std::vector<Override>& overrides) const {
  const std::lock_guard lock(mutex_);
  std::shared_ptr<const Site>& known = sites_[overrides];
  if (known == nullptr) {
    const Node idle = suite_.base.with_value_at("workload", Node::map({}, suite_.base.where()));
    Scenario scenario = make_scenario(idle, library_, overrides, kOrigin);
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
  tree = with_overrides(tree, select(overrides, true), kOrigin);
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
