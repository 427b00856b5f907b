// Every key of a validation suite changes what `orrery validate` says.
#include <filesystem>
#include <fstream>
#include <map>

#include <gtest/gtest.h>

#include <orrery/builtin.hpp>
#include <orrery/schema_tables.hpp>
#include <orrery/validation.hpp>

#include "schema/effects.hpp"

namespace orrery::schema_test {
namespace {

namespace fs = std::filesystem;

const std::map<std::string, std::string> kSuite = {
    {"orrery", "validation/1"},
    {"name", "mine"},
    {"table", "one.csv"},
    {"metric", "throughput.step_time_s"},
    {"ceiling", "9"},
    {"base",
     "{system: {server: {use: servers/dgx-h100}}, workload: {kind: gemm, m: 4096, n: 4096, k: "
     "512}}"}};

// What the file with one other key gives: the cases, and what is wrong with the suite.
std::string result_with(const std::string& key, const std::string& value) {
  const fs::path folder = fs::path(testing::TempDir()) / "orrery-suite-keys";
  fs::create_directories(folder);
  auto keys = kSuite;
  keys[key] = value;
  std::ofstream file(folder / "mine.yaml");
  for (const auto& [name, text] : keys) file << name << ": " << text << "\n";
  file.close();
  std::ofstream(folder / "one.csv") << "name,measured\na,1e-3\n";
  std::ofstream(folder / "two.csv") << "name,measured\na,2e-3\n";
  LoadOptions options;
  options.library = {std::string(ORRERY_SOURCE_DIR) + "/configs"};
  std::string text;
  try {
    const SuiteResult result = validate_suite(folder / "mine.yaml", builtin_registry(), options);
    text = to_json({result}) + cases_to_text(result) + result.failure();
  } catch (const ConfigError& error) {
    text = error.what();
  }
  fs::remove_all(folder);
  return text;
}

TEST(SuiteKeys, EveryOneHasAnEffect) {
  const std::map<std::string, std::pair<std::string, std::string>> changes = {
      {"orrery", {"orrery", "validation/2"}},
      {"name", {"name", "other"}},
      {"metric", {"metric", "throughput.mfu"}},
      {"title", {"title", "A title"}},
      {"table", {"table", "two.csv"}},
      {"unit", {"unit", "ms"}},
      {"base",
       {"base",
        "{system: {server: {use: servers/dgx-h100}}, workload: {kind: gemm, m: 4096, "
        "n: 4096, k: 1024}}"}},
      {"search", {"search", "{workload.k: [64, 128]}"}},
      {"relative", {"relative", "{workload.k: 1024}"}},
      {"target.mean", {"target", "{mean: 0.01}"}},
      {"target.median", {"target", "{median: 0.01}"}},
      {"known_miss", {"known_miss", "none is known"}},
      {"ceiling", {"ceiling", "0.001"}}};
  const std::string usual = result_with("name", "mine");
  for (const Table& table : schema_tables(builtin_registry())) {
    if (table.name != "validation") continue;
    for (const std::string& key : keys_of(table.fields)) {
      const auto change = changes.find(key);
      if (change == changes.end()) {
        ADD_FAILURE() << key << " is not looked at here";
        continue;
      }
      EXPECT_NE(result_with(change->second.first, change->second.second), usual) << key;
    }
  }
}

}  // namespace
}  // namespace orrery::schema_test
