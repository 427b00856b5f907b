// Every suite of scenarios/validation predicts all of its cases, stays below its ceiling and meets
// its target, or says why it does not.
#include <filesystem>

#include <gtest/gtest.h>

#include <orrery/builtin.hpp>
#include <orrery/validation.hpp>

namespace orrery {
namespace {

namespace fs = std::filesystem;

const fs::path kFolder = fs::path(ORRERY_SOURCE_DIR) / "scenarios" / "validation";

std::vector<std::string> suite_names() {
  std::vector<std::string> names;
  for (const fs::path& file : validation_suites(kFolder)) names.push_back(file.stem().string());
  return names;
}

class ValidationSuite : public testing::TestWithParam<std::string> {};

TEST_P(ValidationSuite, PredictsEveryCaseAndHoldsItsGates) {
  const Registry registry = builtin_registry();
  const SuiteResult suite = validate_suite(kFolder / (GetParam() + ".yaml"), registry);
  EXPECT_EQ(suite.name, GetParam());
  EXPECT_FALSE(suite.cases.empty());
  for (const ValidationCase& c : suite.cases) {
    EXPECT_TRUE(c.predicted) << c.name << ": " << c.problem;
    EXPECT_GT(c.measured, 0) << c.name;
  }
  EXPECT_TRUE(suite.ceiling) << "no ceiling";
  EXPECT_EQ(suite.failure(), "");
}

std::string test_name(const testing::TestParamInfo<std::string>& info) {
  std::string name = info.param;
  for (char& c : name) c = c == '-' ? '_' : c;
  return name;
}

INSTANTIATE_TEST_SUITE_P(Validation, ValidationSuite, testing::ValuesIn(suite_names()), test_name);

}  // namespace
}  // namespace orrery
