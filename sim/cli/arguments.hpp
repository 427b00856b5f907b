#pragma once
/// What the user asked for on the command line.

#include <optional>
#include <string>
#include <vector>

namespace orrery::cli {

enum ExitCode { kOk = 0, kCannotFinish = 1, kBadInput = 2, kBug = 3 };

enum class Command { Run, Check, Plan, Validate, List, Schema };

struct Arguments {
  Command command = Command::Run;
  std::string target;  ///< a scenario, or a kind of entries
  std::vector<std::string> sets;
  std::vector<std::string> libraries;
  std::string json;
  std::string csv;
  std::string fidelity;
  int jobs = 0;
  bool draw = false;
  bool ignore_memory = false;
  bool no_fold = false;
  bool timing = false;
  std::vector<std::string> names;  ///< of suites or tables
  std::vector<std::string> files;  ///< whose tables are filled
};

/// Reads the command line. Where there is nothing to run — help, a version, a mistake — says so
/// and returns the exit code. @throws ConfigError for a command that there is not
std::optional<int> parse(int argc, char** argv, Arguments& arguments);

}  // namespace orrery::cli
