#include "cli/output.hpp"

#include <cerrno>
#include <cstring>
#include <iostream>

#include <fmt/format.h>

namespace orrery::cli {
namespace fs = std::filesystem;

void write_file(const std::string& path, const std::string& text) {
  if (path == "-") {
    std::cout << text;
    return;
  }
  write_text(text, path);
}

void write_series(const Report& report, const fs::path& folder) {
  const OperationReport none;
  const OperationReport& operation = report.operation ? *report.operation : none;
  if (operation.job_series.empty() && operation.step_series.empty()) {
    throw ConfigError(
        "--csv: nothing to write; expected a scenario with `job:` (job.csv) or long work at event "
        "fidelity on devices whose power is known (step.csv)");
  }
  std::error_code problem;
  fs::create_directories(folder, problem);
  if (problem) {
    throw OutputError(fmt::format("--csv {}: the folder cannot be made ({})", folder.string(),
                                  problem.message()));
  }
  if (!operation.job_series.empty()) write_csv(operation.job_series, folder / "job.csv");
  if (!operation.step_series.empty()) {
    write_csv(operation.step_series, folder / "step.csv");
  }
}

// What a full disk or a closed pipe kept back would be missed by whoever reads the output.
void check_output() {
  errno = 0;
  std::cout.flush();
  if (std::cout) return;
  throw OutputError(
      fmt::format("standard output: cannot be written ({}); the result is not complete",
                  errno != 0 ? std::strerror(errno) : "write failed"));
}

}  // namespace orrery::cli
