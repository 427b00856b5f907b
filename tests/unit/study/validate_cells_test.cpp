#include <orrery/validation.hpp>

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include <orrery/builtin.hpp>

namespace orrery {
namespace {

namespace fs = std::filesystem;

constexpr const char* kSuite = R"(
orrery: validation/1
name: mine
table: mine.csv
metric: throughput.step_time_s
base:
  system: {server: {use: servers/dgx-h100}}
  workload: {kind: gemm, m: 4096, n: 4096, k: 4096}
)";

/// A suite of one folder, gone when it goes out of scope.
class Folder {
 public:
  explicit Folder(const std::string& table, const std::string& more = "")
      : path_(fs::path(testing::TempDir()) /
              testing::UnitTest::GetInstance()->current_test_info()->name()) {
    fs::create_directories(path_);
    std::ofstream(path_ / "mine.yaml") << kSuite << more;
    std::ofstream(path_ / "mine.csv") << table;
  }
  ~Folder() { fs::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  [[nodiscard]] SuiteResult result() const {
    LoadOptions options;
    options.library = {std::string(ORRERY_SOURCE_DIR) + "/configs"};
    return validate_suite(path_ / "mine.yaml", builtin_registry(), options);
  }
  [[nodiscard]] std::string problem() const {
    try {
      (void)result();
    } catch (const ConfigError& error) {
      return error.what();
    }
    return "";
  }
  [[nodiscard]] std::string table() const { return (path_ / "mine.csv").string(); }

 private:
  fs::path path_;
};

TEST(ValidateSuite, ComparesEveryRowWithItsMeasurement) {
  const Folder folder("name,workload.m,measured\na,4096,2e-4\nb,,0.0002\n");
  const SuiteResult suite = folder.result();
  ASSERT_EQ(suite.cases.size(), 2U);
  EXPECT_EQ(suite.cases[0].measured, 2e-4);
  EXPECT_EQ(suite.cases[0].predicted, suite.cases[1].predicted);  // an empty cell leaves the base
}

TEST(ValidateSuite, NamesEveryCellThatIsNoMeasurement) {
  const Folder folder(
      "name,measured\nempty,\nword,fast\njunk,0.2junk\nzero,0\nbelow,-1\nleast,1e-320\ngood,1\n");
  std::string expected;
  int line = 2;
  for (const char* cell : {"", "fast", "0.2junk", "0", "-1", "1e-320"}) {
    expected += (expected.empty() ? "" : "\n") + folder.table() + ":" + std::to_string(line++) +
                ":1: measured: expected a number from 1e-30 to 1e30; got '" + cell + "'";
  }
  EXPECT_EQ(folder.problem(), expected);
}

TEST(ValidateSuite, NamesTheRowAndTheColumnOfAValueThatIsNone) {
  const Folder folder("name,workload.m,measured\na,4096,1\nb,many,1\n");
  const std::string problem = folder.problem();
  EXPECT_TRUE(problem.starts_with(folder.table() + ":3:1: this row cannot be simulated\n"))
      << problem;
  EXPECT_NE(problem.find("column workload.m: m: expected an integer of at least 1; got 'many'"),
            std::string::npos)
      << problem;
}

TEST(ValidateSuite, WantsAUnitOfTheMetric) {
  const Folder folder("name,measured\na,1\n", "unit: GB\n");
  EXPECT_NE(folder.problem().find("unit: expected that of a time"), std::string::npos)
      << folder.problem();
  EXPECT_EQ(Folder("name,measured\na,1\n", "unit: ms\n").problem(), "");
}

TEST(ValidateSuite, TellsRowsApartByTheirNames) {
  const Folder folder("name,measured\na,1\nb,1\na,2\n");
  EXPECT_EQ(folder.problem(), folder.table() + ":4:1: name: 'a' is the row of line 2, too");
}

TEST(ValidateSuite, WantsAColumnOfMeasurements) {
  const Folder folder("name,workload.m\na,4096\n");
  EXPECT_NE(folder.problem().find("missing column 'measured'"), std::string::npos);
}

}  // namespace
}  // namespace orrery
