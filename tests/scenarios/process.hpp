#pragma once
/// Runs the orrery executable as a user does.

#include <sys/wait.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace orrery {

struct Finished {
  int exit_code = -1;  ///< -1 when a signal ended it
  std::string output;
  std::string errors;
};

/// A path in the folder of temporary files that belongs to the running test alone.
inline std::filesystem::path scratch(const std::string& name) {
  const auto* test = testing::UnitTest::GetInstance()->current_test_info();
  std::string own = std::string(test->test_suite_name()) + "." + test->name() + "." + name;
  for (char& c : own) c = c == '/' ? '_' : c;
  return std::filesystem::path(testing::TempDir()) / own;
}

inline std::string text_of(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

/// Runs `program` with `arguments`; `environment` is put in front, such as "NO_COLOR=1" or
/// "cd / &&".
inline Finished run_program(const std::filesystem::path& program,
                            const std::vector<std::string>& arguments,
                            const std::string& environment = "") {
  const auto quoted = [](const std::string& text) {
    std::string result = "'";
    for (const char c : text) result += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return result + "'";
  };
  const std::filesystem::path errors = scratch("stderr");
  std::string command = environment + " " + quoted(program.string());
  for (const std::string& argument : arguments) command += " " + quoted(argument);
  command += " 2>" + quoted(errors.string()) + " </dev/null";
  Finished finished;
  FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) return finished;
  char block[4096];
  for (std::size_t n = 0; (n = fread(block, 1, sizeof block, pipe)) > 0;)
    finished.output.append(block, n);
  const int status = pclose(pipe);
  finished.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  finished.errors = text_of(errors);
  std::filesystem::remove(errors);
  return finished;
}

/// Runs the `orrery` of this build.
inline Finished run_orrery(const std::vector<std::string>& arguments,
                           const std::string& environment = "") {
  return run_program(ORRERY_EXECUTABLE, arguments, environment);
}

}  // namespace orrery
