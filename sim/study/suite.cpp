#include "study/suite.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <stdexcept>

#include <fmt/format.h>

#include <orrery/quantity.hpp>
#include <orrery/reader.hpp>

namespace orrery {
namespace {

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

}  // namespace

std::optional<double> measured_value(const std::string& cell) {
  double value = 0;
  const char* const end = cell.data() + cell.size();
  const auto [stop, failure] = std::from_chars(cell.data(), end, value);
  const bool right = failure == std::errc{} && stop == end && std::isfinite(value) && value > 0;
  return right ? std::optional(value) : std::nullopt;
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

}  // namespace orrery
