#include <orrery/telemetry.hpp>

#include <cerrno>
#include <cstring>
#include <fstream>

#include <fmt/format.h>

#include <orrery/error.hpp>

namespace orrery {
namespace fs = std::filesystem;
namespace {

[[noreturn]] void cannot_write(const fs::path& file, const std::string& why) {
  throw OutputError(fmt::format(
      "{}: cannot be written ({}); is the folder there, may you write to it, and is the disk not "
      "full?",
      file.string(), why));
}

std::string line_of(const std::vector<double>& row) {
  std::string line;
  for (const double value : row) line += fmt::format("{}{:.9g}", line.empty() ? "" : ",", value);
  return line + '\n';
}

/// @throws OutputError naming `target`, which `file` stands for.
void put(const std::string& text, const fs::path& file, const fs::path& target) {
  errno = 0;
  std::ofstream stream(file, std::ios::binary);
  stream << text;
  stream.close();
  if (stream) return;
  const std::string why = errno != 0 ? std::strerror(errno) : "write failed";
  std::error_code ignored;
  if (file != target) fs::remove(file, ignored);
  cannot_write(target, why);
}

}  // namespace

void write_text(const std::string& text, const fs::path& file) {
  std::error_code problem;
  const fs::file_status status = fs::status(file, problem);
  if (fs::exists(status) && !fs::is_regular_file(status)) return put(text, file, file);
  // A link stays a link: what it points to is replaced.
  const fs::path target = fs::exists(status) ? fs::canonical(file, problem) : file;
  if (problem && fs::exists(status)) cannot_write(file, problem.message());
  const fs::path beside = target.string() + ".part";
  put(text, beside, file);
  if (fs::exists(status)) fs::permissions(beside, status.permissions(), problem);
  fs::rename(beside, target, problem);
  if (problem) cannot_write(file, problem.message());
}

void write_csv(const TimeSeries& series, const fs::path& file) {
  std::string text;
  for (const std::string& column : series.columns) text += (text.empty() ? "" : ",") + column;
  text += '\n';
  for (const std::vector<double>& row : series.rows) {
    ORRERY_CHECK(row.size() == series.columns.size());
    text += line_of(row);
  }
  write_text(text, file);
}

}  // namespace orrery
