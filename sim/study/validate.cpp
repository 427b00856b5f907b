#include <orrery/validation.hpp>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>

#include <fmt/format.h>

#include <orrery/reader.hpp>
#include <orrery/simulation.hpp>

#include "config/csv.hpp"

namespace orrery {
namespace {

using Override = std::pair<std::string, std::string>;

struct Suite {
  SuiteResult result;
  CsvTable table;
  Node base;
  double unit = 1;  // of the measured column, in the metric's SI unit
  std::vector<std::pair<std::string, std::vector<std::string>>> search;  // path -> values
  std::vector<Override> relative;  // predictions are ratios to the row with these
};

/// A measurement: all of `cell`, finite and greater than zero, for errors are relative to it.
std::optional<double> measured_value(const std::string& cell) {
  double value = 0;
  const char* const end = cell.data() + cell.size();
  const auto [stop, failure] = std::from_chars(cell.data(), end, value);
  const bool right = failure == std::errc{} && stop == end && std::isfinite(value) && value > 0;
  return right ? std::optional(value) : std::nullopt;
}

/// @throws ConfigError with every cell of the column that is no measurement.
void check_measured(const CsvTable& table, const std::filesystem::path& file) {
  const auto column = std::ranges::find(table.columns, "measured") - table.columns.begin();
  if (column == std::ssize(table.columns)) {
    throw ConfigError(
        fmt::format("{}:1:1: missing column 'measured'; expected what the rows are compared with",
                    file.string()));
  }
  Diagnostics diagnostics;
  for (std::size_t row = 0; row < table.rows.size(); ++row) {
    const std::string& cell = table.rows[row][static_cast<std::size_t>(column)];
    if (measured_value(cell)) continue;
    diagnostics.error({.file = file.string(), .line = table.lines[row], .column = 1},
                      fmt::format("measured: expected a number greater than zero; got '{}'", cell));
  }
  diagnostics.throw_if_any();
}

double read_unit(Reader& reader, std::string& name) {
  name = reader.text_or("unit", "1");
  if (name == "1") return 1;
  try {
    return parse_measure("1 " + name).value;
  } catch (const std::invalid_argument& problem) {
    reader.error("unit", problem.what());
    return 1;
  }
}

std::optional<double> optional_ratio(Reader& reader, const char* key) {
  if (!reader.has(key)) return std::nullopt;
  return reader.ratio(key, 0, 10);
}

Suite read_suite(const std::filesystem::path& file) {
  Suite suite;
  Diagnostics diagnostics;
  Reader reader(load_yaml(file), "the suite", diagnostics);
  if (reader.text("orrery") != "validation/1")
    reader.error("orrery", "expected `orrery: validation/1`");
  suite.result.name = reader.text("name");
  suite.result.title = reader.text_or("title", suite.result.name);
  reader.ignore("source");
  reader.ignore("notes");
  suite.result.metric = reader.text("metric");
  suite.unit = read_unit(reader, suite.result.unit);
  Reader target = reader.child("target", false);
  suite.result.target_mean = optional_ratio(target, "mean");
  suite.result.target_median = optional_ratio(target, "median");
  target.finish();
  suite.result.known_miss = reader.text_or("known_miss", "");
  suite.result.ceiling = optional_ratio(reader, "ceiling");
  Reader search = reader.child("search", false);
  for (const std::string& path : search.keys()) suite.search.emplace_back(path, search.texts(path));
  Reader relative = reader.child("relative", false);
  for (const std::string& path : relative.keys()) {
    suite.relative.emplace_back(path, relative.text(path));
  }
  suite.base = reader.raw("base");
  const std::string table = reader.text("table");
  reader.finish();
  diagnostics.throw_if_any();
  suite.table = read_csv(file.parent_path() / table);
  check_measured(suite.table, file.parent_path() / table);
  return suite;
}

// All combinations of the values that the row does not fix.
std::vector<std::vector<Override>> combinations(const Suite& suite) {
  std::vector<std::vector<Override>> all(1);
  for (const auto& [path, values] : suite.search) {
    const auto& columns = suite.table.columns;
    if (std::find(columns.begin(), columns.end(), path) != columns.end()) continue;
    std::vector<std::vector<Override>> longer;
    for (const auto& before : all) {
      for (const std::string& value : values) {
        longer.push_back(before);
        longer.back().emplace_back(path, value);
      }
    }
    all = std::move(longer);
  }
  return all;
}

class SuiteRunner {
 public:
  SuiteRunner(const Suite& suite, const Library& library, const Registry& registry)
      : suite_(suite), library_(library), registry_(registry), combinations_(combinations(suite)) {}

  ValidationCase run(const std::vector<std::string>& row) const {
    ValidationCase result;
    std::vector<Override> overrides;
    for (std::size_t i = 0; i < row.size(); ++i) {
      const std::string& column = suite_.table.columns[i];
      if (column == "name") {
        result.name = row[i];
      } else if (column == "measured") {
        result.measured = *measured_value(row[i]);
      } else if (column != "notes" && !row[i].empty()) {
        overrides.emplace_back(column, row[i]);
      }
    }
    search(overrides, result);
    return result;
  }

 private:
  // Of several legal values, the run that the authors would have kept: the fastest that fits.
  void search(const std::vector<Override>& overrides, ValidationCase& result) const {
    Seconds fastest{};
    std::vector<Override> best;
    result.tried = 0;
    for (const auto& extra : combinations_) {
      std::vector<Override> all = overrides;
      all.insert(all.end(), extra.begin(), extra.end());
      try {
        const Report report =
            Simulation(make_scenario(suite_.base, library_, all), registry_).run();
        if (!report.throughput) {
          result.problem = "does not fit in memory";
          continue;
        }
        const double value = value_of(report, all);
        const Seconds step = report.throughput->step_time;
        result.least = result.tried == 0 ? value : std::min(result.least, value);
        result.greatest = result.tried == 0 ? value : std::max(result.greatest, value);
        if (result.tried == 0 || step < fastest) {
          fastest = step;
          result.predicted = value;
          best = all;
        }
        ++result.tried;
      } catch (const ConfigError& problem) {
        if (combinations_.size() == 1) throw;
        result.problem = problem.what();  // this combination is not legal; others may be
      }
    }
    if (result.predicted) {
      result.problem.clear();
      best.emplace_back("run.fidelity", "analytic");
      const Report report = Simulation(make_scenario(suite_.base, library_, best), registry_).run();
      result.analytic = value_of(report, best);
    }
  }

  // The metric in the suite's unit, or its ratio to that of the row which `relative` makes of it.
  double value_of(const Report& report, std::vector<Override> overrides) const {
    const double value = metric(report, suite_.result.metric) / suite_.unit;
    if (suite_.relative.empty()) return value;
    overrides.insert(overrides.end(), suite_.relative.begin(), suite_.relative.end());
    const Scenario reference = make_scenario(suite_.base, library_, overrides);
    return value /
           (metric(Simulation(reference, registry_).run(), suite_.result.metric) / suite_.unit);
  }

  const Suite& suite_;
  const Library& library_;
  const Registry& registry_;
  std::vector<std::vector<Override>> combinations_;
};

// Of the cases that have a prediction.
std::vector<double> values(const SuiteResult& suite, double (ValidationCase::*of)() const) {
  std::vector<double> all;
  for (const ValidationCase& c : suite.cases) {
    if (c.predicted) all.push_back((c.*of)());
  }
  return all;
}

std::vector<double> errors(const SuiteResult& suite) {
  return values(suite, &ValidationCase::error);
}

double mean_absolute(const std::vector<double>& all) {
  double sum = 0;
  for (const double value : all) sum += std::abs(value);
  return all.empty() ? 0 : sum / static_cast<double>(all.size());
}

}  // namespace

int SuiteResult::predicted_cases() const { return static_cast<int>(errors(*this).size()); }

double SuiteResult::mean_absolute_error() const { return mean_absolute(errors(*this)); }

double SuiteResult::analytic_mean_absolute_error() const {
  return mean_absolute(values(*this, &ValidationCase::analytic_error));
}

double SuiteResult::mean_fidelity_difference() const {
  return mean_absolute(values(*this, &ValidationCase::fidelity_difference));
}

double SuiteResult::median_absolute_error() const {
  std::vector<double> all = errors(*this);
  if (all.empty()) return 0;
  for (double& error : all) error = std::abs(error);
  std::sort(all.begin(), all.end());
  const std::size_t middle = all.size() / 2;
  return all.size() % 2 == 1 ? all[middle] : (all[middle - 1] + all[middle]) / 2;
}

double SuiteResult::bias() const {
  const std::vector<double> all = errors(*this);
  double sum = 0;
  for (const double error : all) sum += error;
  return all.empty() ? 0 : sum / static_cast<double>(all.size());
}

bool SuiteResult::meets_targets() const {
  if (target_mean && mean_absolute_error() > *target_mean) return false;
  if (target_median && median_absolute_error() > *target_median) return false;
  const bool targeted = target_mean || target_median;
  return !targeted || predicted_cases() == static_cast<int>(cases.size());
}

std::vector<std::filesystem::path> validation_suites(const std::filesystem::path& folder) {
  if (!std::filesystem::is_directory(folder)) {
    throw ConfigError(fmt::format("{}: no such folder of validation suites", folder.string()));
  }
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() == ".yaml") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

SuiteResult validate_suite(const std::filesystem::path& file, const Registry& registry,
                           const LoadOptions& options) {
  Suite suite = read_suite(file);
  const Library library(library_folders(file.parent_path(), options));
  const SuiteRunner runner(suite, library, registry);
  for (const auto& row : suite.table.rows) suite.result.cases.push_back(runner.run(row));
  return suite.result;
}

}  // namespace orrery
