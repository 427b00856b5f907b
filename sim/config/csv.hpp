#pragma once
/// Comma-separated tables with a header line.

#include <filesystem>
#include <string>
#include <vector>

namespace orrery {

struct CsvTable {
  std::vector<std::string> columns;
  std::vector<std::vector<std::string>> rows;  ///< each as long as `columns`
  std::vector<int> lines;                      ///< of the rows in the file, from 1
};

/// Quotes as in RFC 4180, without line breaks inside fields; columns have different names. @throws
/// ConfigError naming file and line.
CsvTable read_csv(const std::filesystem::path& file);

}  // namespace orrery
