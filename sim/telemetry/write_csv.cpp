#include <orrery/telemetry.hpp>

#include <cerrno>
#include <cstring>
#include <fstream>

#include <fmt/format.h>

#include <orrery/error.hpp>

namespace orrery {
namespace {

[[noreturn]] void cannot_write(const std::filesystem::path& file, const std::string& why) {
  throw SimulationError(fmt::format(
      "{}: cannot be written ({}); is the folder there, may you write to it, and is the disk not "
      "full?",
      file.string(), why));
}

std::string line_of(const std::vector<double>& row) {
  std::string line;
  for (const double value : row) line += fmt::format("{}{:.9g}", line.empty() ? "" : ",", value);
  return line + '\n';
}

}  // namespace

void write_csv(const TimeSeries& series, const std::filesystem::path& file) {
  const std::filesystem::path beside = file.string() + ".part";
  errno = 0;
  std::ofstream stream(beside, std::ios::binary);
  std::string header;
  for (const std::string& column : series.columns) header += (header.empty() ? "" : ",") + column;
  stream << header << '\n';
  for (const std::vector<double>& row : series.rows) {
    ORRERY_CHECK(row.size() == series.columns.size());
    stream << line_of(row);
  }
  stream.close();
  if (!stream) {
    const std::string why = errno != 0 ? std::strerror(errno) : "write failed";
    std::error_code ignored;
    std::filesystem::remove(beside, ignored);
    cannot_write(file, why);
  }
  std::error_code problem;
  std::filesystem::rename(beside, file, problem);
  if (problem) cannot_write(file, problem.message());
}

}  // namespace orrery
