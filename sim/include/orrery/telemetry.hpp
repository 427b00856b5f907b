#pragma once
/// Time series with units.

#include <filesystem>
#include <string>
#include <vector>

namespace orrery {

/// Columns of equal length; the first is the time. Names end in their unit: "server0_power_w".
struct TimeSeries {
  std::vector<std::string> columns;
  std::vector<std::vector<double>> rows;  ///< one value a column
  [[nodiscard]] bool empty() const { return rows.empty(); }
};

/// Writes `text` to `file`, which appears whole or not at all: it is written beside and then moved.
/// What exists and is no plain file (a pipe, a terminal) is written to as it is.
/// @throws SimulationError when it cannot be written, naming it and why.
void write_text(const std::string& text, const std::filesystem::path& file);

/// Writes a header and a line for every row, as write_text().
/// @throws SimulationError when it cannot be written, naming it and why.
void write_csv(const TimeSeries& series, const std::filesystem::path& file);

}  // namespace orrery
