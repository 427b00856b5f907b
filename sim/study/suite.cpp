#include "study/suite.hpp"

#include <algorithm>
#include <charconv>
#include <map>
#include <stdexcept>

#include <fmt/format.h>

#include <orrery/quantity.hpp>
#include <orrery/reader.hpp>

namespace orrery {
namespace {

/// @throws ConfigError for rows of the same name: results are told apart by it.
void check_names(const CsvTable& table, const std::string& file) {
  const auto column = std::ranges::find(table.columns, "name") - table.columns.begin();
  if (column == std::ssize(table.columns)) return;
  std::map<std::string, int> lines;
  Diagnostics diagnostics;
  for (std::size_t row = 0; row < table.rows.size(); ++row) {
    const std::string& name = table.rows[row][static_cast<std::size_t>(column)];
    const auto [known, added] = lines.try_emplace(name, table.lines[row]);
    if (added) continue;
    diagnostics.error({.file = file, .line = table.lines[row], .column = 1},
                      fmt::format("name: '{}' is the row of line {}, too", name, known->second));
  }
  diagnostics.throw_if_any();
}

/// @throws ConfigError with every cell of the column that is no measurement.
void check_measured(const CsvTable& table, const std::string& file) {
  const auto column = std::ranges::find(table.columns, "measured") - table.columns.begin();
  if (column == std::ssize(table.columns)) {
    throw ConfigError(fmt::format(
        "{}:1:1: missing column 'measured'; expected what the rows are compared with", file));
  }
  Diagnostics diagnostics;
  for (std::size_t row = 0; row < table.rows.size(); ++row) {
    const std::string& cell = table.rows[row][static_cast<std::size_t>(column)];
    if (measured_value(cell)) continue;
    diagnostics.error(
        {.file = file, .line = table.lines[row], .column = 1},
        fmt::format("measured: expected a number from 1e-30 to 1e30; got '{}'", cell));
  }
  diagnostics.throw_if_any();
}

struct SuiteKeys {
  std::string header, title, table, unit = "1";
  SuiteResult result;
  Node base, search, relative;
};

/// What the report's metrics are in: their names end with it.
Dimension dimension_of(const std::string& metric) {
  if (metric.ends_with("_bytes_per_s")) return BytesPerSecond::kDimension;
  if (metric.find("_per_") != std::string::npos) return {};  // of tokens, FLOPs in tera, prices
  if (metric.ends_with("_bytes")) return Bytes::kDimension;
  if (metric.ends_with("_s")) return Seconds::kDimension;
  if (metric.ends_with("_w")) return Watts::kDimension;
  if (metric.ends_with("_j")) return Joules::kDimension;
  if (metric.ends_with("_hz")) return Hertz::kDimension;
  return {};
}

double unit_of(Reader& reader, const std::string& name, const std::string& metric) {
  if (name == "1") return 1;
  try {
    const Measure one = parse_measure("1 " + name);
    const Dimension wanted = dimension_of(metric);
    if (one.dimension == wanted) return one.value;
    reader.error("unit", wanted == Dimension{}
                             ? fmt::format("unit: expected 1, for {} is a plain number; got '{}'",
                                           metric, name)
                             : fmt::format("unit: expected that of {}, which {} is; got '{}'",
                                           describe(wanted), metric, name));
  } catch (const std::invalid_argument& problem) {
    reader.error("unit", problem.what());
  }
  return 1;
}

constexpr schema::Between kError = {.low = 0, .high = 10};  // ratio of a measurement

const Schema<SuiteResult>& target_schema() {
  using namespace schema;
  using R = SuiteResult;
  static const Schema<R> result(
      "target", {optional("mean", &R::target_mean, kError, "of the absolute relative errors"),
                 optional("median", &R::target_median, kError, "likewise")});
  return result;
}

// What a suite promises of its errors.
std::vector<Binding<SuiteResult>> promise_fields() {
  using namespace schema;
  using R = SuiteResult;
  return {custom<R>(
              {.key = "target",
               .kind = Field::Kind::Map,
               .required = false,
               .doc = "what the errors are to be"},
              [](Reader& reader, R& result) {
                Reader target = reader.child("target", false);
                target_schema().read(target, result);
              },
              []() -> const Table& { return target_schema().table(); }),
          optional("known_miss", &R::known_miss, "why the target is missed; it must be, then"),
          optional("ceiling", &R::ceiling, kError,
                   "of the mean error, met or missed: it may not get worse unnoticed")};
}

const Schema<SuiteKeys>& suite_schema() {
  using namespace schema;
  using S = SuiteKeys;
  using R = SuiteResult;
  static const Schema<S> result(
      "validation",
      std::vector{required("orrery", &S::header, "what this file is: `validation/1`")} +
          inlined(&S::result,
                  std::vector{required("name", &R::name, "the file's stem"),
                              required("metric", &R::metric, "dotted path of the JSON report")}) +
          std::vector{
              otherwise("`name`", optional("title", &S::title, "in the results")),
              required("table", &S::table, "CSV beside the file, with the measurements"),
              optional("unit", &S::unit, "of its column `measured`; 1: the metric's"),
              optional("base", &S::base, "a scenario without header, which the rows change"),
              custom<S>({.key = "search",
                         .kind = Field::Kind::Names,
                         .required = false,
                         .doc = "values that the source does not state: `{workload.microbatch: "
                                "[1, 2, 4]}`; the fastest that fits is the prediction"},
                        [](Reader& reader, S& keys) { keys.search = reader.raw("search"); }),
              custom<S>({.key = "relative",
                         .kind = Field::Kind::Names,
                         .required = false,
                         .doc = "measurements are ratios to the same row with these values: "
                                "`{workload.overlap.p2p: false}`"},
                        [](Reader& reader, S& keys) { keys.relative = reader.raw("relative"); })} +
          inlined(&S::result, promise_fields()),
      [](Reader& reader, const S& keys) {
        if (keys.header == "validation/1" || !reader.has("orrery")) return;
        reader.error("orrery", "expected `orrery: validation/1`");
      });
  return result;
}

// Maps whose keys are paths.
void add_paths(Reader& reader, Suite& suite) {
  Reader search = reader.child("search", false);
  for (const std::string& path : search.keys()) suite.search.emplace_back(path, search.texts(path));
  Reader relative = reader.child("relative", false);
  for (const std::string& path : relative.keys()) {
    suite.relative.emplace_back(path, relative.text(path));
  }
}

}  // namespace

std::optional<double> measured_value(const std::string& cell) {
  double value = 0;
  const char* const end = cell.data() + cell.size();
  const auto [stop, failure] = std::from_chars(cell.data(), end, value);
  constexpr double kGreatest = 1e30;  // beyond it and its reciprocal, errors are no numbers
  const bool right =
      failure == std::errc{} && stop == end && value >= 1 / kGreatest && value <= kGreatest;
  return right ? std::optional(value) : std::nullopt;
}

const Table& suite_table() { return suite_schema().table(); }

Suite read_suite(const std::filesystem::path& file) {
  Diagnostics diagnostics;
  Reader reader(load_yaml(file), "the suite", diagnostics);
  SuiteKeys keys = suite_schema().read(reader);
  Suite suite;
  suite.result = std::move(keys.result);
  suite.result.title = keys.title.empty() ? suite.result.name : keys.title;
  suite.result.unit = keys.unit;
  suite.unit = unit_of(reader, keys.unit, suite.result.metric);
  suite.base = keys.base;
  add_paths(reader, suite);
  diagnostics.throw_if_any();
  suite.table_file = (file.parent_path() / keys.table).string();
  suite.table = read_csv(suite.table_file);
  check_names(suite.table, suite.table_file);
  check_measured(suite.table, suite.table_file);
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
