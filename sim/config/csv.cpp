#include "config/csv.hpp"

#include <algorithm>
#include <cstddef>
#include <fstream>
#include <string_view>

#include <fmt/format.h>

#include <orrery/error.hpp>

namespace orrery {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";  // spreadsheets write it in front

/// Empty when a quote is not closed.
std::vector<std::string> split(const std::string& line) {
  std::vector<std::string> fields(1);
  bool quoted = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (c == '"') {
      const bool doubled = quoted && i + 1 < line.size() && line[i + 1] == '"';
      if (doubled) {
        fields.back() += line[++i];
      } else {
        quoted = !quoted;
      }
    } else if (c == ',' && !quoted) {
      fields.emplace_back();
    } else if (c != '\r') {
      fields.back() += c;
    }
  }
  if (quoted) fields.clear();
  return fields;
}

/// @throws ConfigError when a column has no name, or that of another.
void check_columns(const std::vector<std::string>& columns, const std::string& place) {
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (columns[i].empty()) {
      throw ConfigError(fmt::format("{}: column {} has no name", place, i + 1));
    }
    if (std::ranges::count(columns, columns[i]) > 1) {
      throw ConfigError(fmt::format("{}: two columns are called '{}'", place, columns[i]));
    }
  }
}

}  // namespace

CsvTable read_csv(const std::filesystem::path& file) {
  std::ifstream stream(file);
  if (!stream) throw ConfigError(fmt::format("{}: cannot be read; does it exist?", file.string()));
  CsvTable table;
  std::string line;
  for (int number = 1; std::getline(stream, line); ++number) {
    if (number == 1 && line.starts_with(kByteOrderMark)) line.erase(0, kByteOrderMark.size());
    if (line.empty()) continue;
    std::vector<std::string> fields = split(line);
    const std::string place = fmt::format("{}:{}:1", file.string(), number);
    if (fields.empty()) throw ConfigError(fmt::format("{}: a quote is not closed", place));
    if (table.columns.empty()) {
      check_columns(fields, place);
      table.columns = std::move(fields);
      continue;
    }
    if (fields.size() != table.columns.size()) {
      throw ConfigError(fmt::format("{}: {} fields; expected {} as in the header", place,
                                    fields.size(), table.columns.size()));
    }
    table.rows.push_back(std::move(fields));
    table.lines.push_back(number);
  }
  if (table.columns.empty())
    throw ConfigError(fmt::format("{}: the table is empty", file.string()));
  return table;
}

}  // namespace orrery
