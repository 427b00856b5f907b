// Bad files and exactly what they say. A case is cases/NAME.yaml, whose first lines are comments:
//   # expect: a message, whole; one line for each, in order. {file} is the case, {root} the source
//   tree, {folders} the
//             library folders; "..." at the end stands for any rest
//   # set: path=value, as on the command line
#include <algorithm>
#include <filesystem>
#include <fstream>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include <orrery/builtin.hpp>
#include <orrery/simulation.hpp>

#include "scenarios/process.hpp"

namespace orrery {
namespace {

namespace fs = std::filesystem;
using Messages = std::vector<std::string>;

const fs::path kRoot = ORRERY_SOURCE_DIR;
const fs::path kHere = kRoot / "tests" / "errors";

struct BadCase {
  fs::path file;
  Messages expected;
  LoadOptions options;
};

std::string replaced(std::string text, const std::string& what, const std::string& with) {
  for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += with.size()) {
    text.replace(at, what.size(), with);
  }
  return text;
}

BadCase read_case(const std::string& name) {
  BadCase result{.file = kHere / "cases" / (name + ".yaml"), .expected = {}, .options = {}};
  result.options.library = {kHere / "library"};
  Messages folders;
  for (const fs::path& folder : library_folders(kHere / "cases", result.options))
    folders.push_back(folder.string());
  std::ifstream stream(result.file);
  for (std::string line; std::getline(stream, line) && line.starts_with("# ");) {
    if (line.starts_with("# expect: ")) {
      std::string text = replaced(line.substr(10), "{file}", result.file.string());
      text = replaced(text, "{root}", kRoot.string());
      result.expected.push_back(
          replaced(text, "{folders}", fmt::format("{}", fmt::join(folders, ", "))));
    } else if (line.starts_with("# set: ")) {
      const std::size_t equals = line.find('=');
      result.options.overrides.emplace_back(line.substr(7, equals - 7), line.substr(equals + 1));
    }
  }
  return result;
}

std::vector<std::string> case_names() {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(kHere / "cases"))
    names.push_back(entry.path().stem().string());
  std::sort(names.begin(), names.end());
  return names;
}

// What loading and running says; empty when nothing is wrong.
Messages messages_of(const fs::path& file, const LoadOptions& options) {
  const Registry registry = builtin_registry();
  try {
    (void)Simulation(load_scenario(file, options), registry).run();
  } catch (const ConfigError& error) {
    return error.messages();
  }
  return {};
}

void expect_message(const std::string& said, const std::string& expected) {
  if (!expected.ends_with("...")) {
    EXPECT_EQ(said, expected);
    return;
  }
  const std::string start = expected.substr(0, expected.size() - 3);
  EXPECT_EQ(said.substr(0, start.size()), start);
}

class BadFile : public testing::TestWithParam<std::string> {};

TEST_P(BadFile, SaysWhatIsWrongAndWhere) {
  const BadCase bad = read_case(GetParam());
  ASSERT_FALSE(bad.expected.empty()) << bad.file << " has no '# expect:'";
  const Messages said = messages_of(bad.file, bad.options);
  ASSERT_EQ(said.size(), bad.expected.size()) << fmt::format("{}", fmt::join(said, "\n"));
  for (std::size_t i = 0; i < said.size(); ++i) expect_message(said[i], bad.expected[i]);
}

std::string test_name(const testing::TestParamInfo<std::string>& info) {
  return replaced(info.param, "-", "_");
}

INSTANTIATE_TEST_SUITE_P(Errors, BadFile, testing::ValuesIn(case_names()), test_name);

TEST(BadFiles, AreManyAndAllExpectSomething) { EXPECT_GE(case_names().size(), 30U); }

// Files that cannot hold a comment.
struct RawCase {
  const char* name;
  std::string content;
  const char* expected;  // after the file's name
};

class BadBytes : public testing::TestWithParam<RawCase> {};

TEST_P(BadBytes, AreNamed) {
  const fs::path file = scratch("scenario.yaml");
  std::ofstream(file, std::ios::binary) << GetParam().content;
  const Messages said = messages_of(file, {});
  ASSERT_EQ(said.size(), 1U);
  EXPECT_EQ(said.front(), file.string() + GetParam().expected);
  fs::remove(file);
}

INSTANTIATE_TEST_SUITE_P(
    Errors, BadBytes,
    testing::Values(
        RawCase{"empty", "", ": file is empty; expected a YAML map such as 'name: value'"},
        RawCase{"blank", "\n  \n", ": file is empty; expected a YAML map such as 'name: value'"},
        RawCase{"binary",
                std::string("\x7f"
                            "ELF\x02\x01\x01\0\0",
                            9),
                ":1:1: not a text file; expected YAML in UTF-8; got byte 0x7F"},
        RawCase{"latin1", "orrery: scenario/1\nname: Z\xfcrich\n",
                ":2:8: not a text file; expected YAML in UTF-8; got byte 0xFC"},
        RawCase{"nul", std::string("orrery: \0", 9),
                ":1:9: not a text file; expected YAML in UTF-8; got byte 0x00"}),
    [](const auto& raw) { return std::string(raw.param.name); });

TEST(BadPath, FolderWithoutScenario) {
  const fs::path folder = scratch("folder");
  fs::create_directories(folder);
  const Messages said = messages_of(folder, {});
  ASSERT_EQ(said.size(), 1U);
  EXPECT_EQ(said.front(), (folder / "scenario.yaml").string() +
                              ": file not found; expected a YAML file; check the path");
  fs::remove(folder);
}

TEST(BadPath, MisspeltFileIsSuggested) {
  const fs::path file = kRoot / "scenarios" / "allreduce-1gb" / "scenari.yaml";
  const Messages said = messages_of(file, {});
  ASSERT_EQ(said.size(), 1U);
  EXPECT_EQ(said.front(),
            file.string() +
                ": file not found; expected a YAML file; check the path; did you mean "
                "'scenario.yaml'?");
}

class BadFileInExecutable : public testing::TestWithParam<const char*> {};

TEST_P(BadFileInExecutable, EndsWithTwoAndSaysTheSame) {
  const BadCase bad = read_case(GetParam());
  const Finished finished =
      run_orrery({"run", bad.file.string(), "--library", (kHere / "library").string()});
  EXPECT_EQ(finished.exit_code, 2);
  EXPECT_EQ(finished.output, "");
  EXPECT_EQ(finished.errors, fmt::format("{}\n", fmt::join(bad.expected, "\n")));
}

INSTANTIATE_TEST_SUITE_P(Errors, BadFileInExecutable,
                         testing::Values("misspelt-key", "two-errors", "use-cycle",
                                         "too-many-ranks", "no-header", "fp8-on-a100",
                                         "tab-indent"));

TEST(BadOption, SetWithoutEqualsSign) {
  const std::string scenario = (kRoot / "scenarios" / "allreduce-1gb").string();
  const Finished finished = run_orrery({"run", scenario, "--set", "workload.ranks"});
  EXPECT_EQ(finished.exit_code, 2);
  EXPECT_EQ(finished.errors,
            "--set workload.ranks: expected path=value, such as workload.ranks=128\n");
}

TEST(BadOption, LibraryThatIsNoFolder) {
  const std::string scenario = (kRoot / "scenarios" / "allreduce-1gb").string();
  const Finished finished = run_orrery({"run", scenario, "--library", "/nowhere/at/all"});
  EXPECT_EQ(finished.exit_code, 2);
  EXPECT_EQ(finished.errors, "--library /nowhere/at/all: no such folder\n");
}

}  // namespace
}  // namespace orrery
