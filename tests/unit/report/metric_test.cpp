// Every number of the JSON report is a metric, whether the report is made for it or only a part.
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <orrery/builtin.hpp>
#include <orrery/simulation.hpp>

namespace orrery {
namespace {

using Json = nlohmann::json;

// Numbers and truth values by their dotted paths.
void collect(const Json& json, const std::string& path, std::map<std::string, double>& numbers) {
  if (json.is_boolean()) numbers[path] = json.get<bool>() ? 1 : 0;
  if (json.is_number()) numbers[path] = json.get<double>();
  if (json.is_array()) {
    for (std::size_t i = 0; i < json.size(); ++i) {
      collect(json[i], path + "[" + std::to_string(i) + "]", numbers);
    }
  }
  if (!json.is_object()) return;
  for (const auto& [key, value] : json.items()) {
    collect(value, path.empty() ? key : path + "." + key, numbers);
  }
}

void expect_every_number(const std::string& scenario) {
  const auto path = std::filesystem::path(ORRERY_SOURCE_DIR) / "scenarios" / scenario;
  const Report report = Simulation(load_scenario(path), builtin_registry()).run();
  std::map<std::string, double> numbers;
  collect(Json::parse(to_json(report, {.timing = true})), "", numbers);
  EXPECT_GT(numbers.size(), 10U);
  for (const auto& [name, value] : numbers) {
    EXPECT_EQ(metric(report, name), value) << name;
  }
}

TEST(Metric, IsEveryNumberOfATrainingReport) { expect_every_number("llama2-7b-dgx-h100"); }
TEST(Metric, IsEveryNumberOfACollective) { expect_every_number("allreduce-1gb"); }

}  // namespace
}  // namespace orrery
