#pragma once
/// A validation suite as its files say it.

#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <orrery/node.hpp>
#include <orrery/schema.hpp>
#include <orrery/validation.hpp>

#include "config/csv.hpp"

namespace orrery {

using Override = std::pair<std::string, std::string>;

struct Suite {
  SuiteResult result;  ///< without cases
  CsvTable table;
  std::string table_file;
  Node base;
  double unit = 1;  ///< of the measured column, in the metric's SI unit
  std::vector<std::pair<std::string, std::vector<std::string>>> search;  ///< path -> values
  std::vector<Override> relative;  ///< predictions are ratios to the row with these
};

/// The keys of a suite's file.
const Table& suite_table();
/// @throws ConfigError when the suite or its table is malformed.
Suite read_suite(const std::filesystem::path& file);

/// A measurement: all of `cell`, from 1e-30 to 1e30, for errors are relative to it.
std::optional<double> measured_value(const std::string& cell);

/// All combinations of the values that rows do not fix; at least one, which may be empty.
std::vector<std::vector<Override>> combinations(const Suite& suite);

}  // namespace orrery
