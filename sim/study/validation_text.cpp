#include <cmath>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <orrery/validation.hpp>

namespace orrery {
namespace {

std::string target_text(const SuiteResult& suite) {
  std::string text;
  if (suite.target_mean) text = fmt::format("mean {:.0f} %", *suite.target_mean * 100);
  if (suite.target_median) {
    text += fmt::format("{}median {:.0f} %", text.empty() ? "" : ", ", *suite.target_median * 100);
  }
  return text;
}

std::string verdict(const SuiteResult& suite) {
  const std::string failure = suite.failure();
  if (!failure.empty()) return "FAILS: " + failure;
  if (!suite.target_mean && !suite.target_median) return "";
  return suite.meets_targets() ? "met" : "MISSED";
}

std::string ceiling_text(const SuiteResult& suite) {
  return suite.ceiling ? fmt::format("{:.1f} %", *suite.ceiling * 100) : "";
}

}  // namespace

std::string to_text(const std::vector<SuiteResult>& suites) {
  std::string text =
      fmt::format("{:<26} {:>5} {:>8} {:>8} {:>8} {:>9} {:>8} {:>8}  {:<22} {}\n", "suite", "cases",
                  "mean", "median", "bias", "analytic", "differs", "ceiling", "target", "");
  int cases = 0, without = 0;
  double sum = 0, analytic = 0, differs = 0;
  for (const SuiteResult& suite : suites) {
    const int predicted = suite.predicted_cases();
    text += fmt::format(
        "{:<26} {:>5} {:>6.1f} % {:>6.1f} % {:>+6.1f} % {:>7.1f} % {:>6.2f} % {:>8}  {:<22} {}\n",
        suite.name, predicted, suite.mean_absolute_error() * 100,
        suite.median_absolute_error() * 100, suite.bias() * 100,
        suite.analytic_mean_absolute_error() * 100, suite.mean_fidelity_difference() * 100,
        ceiling_text(suite), target_text(suite), verdict(suite));
    cases += predicted;
    without += static_cast<int>(suite.cases.size()) - predicted;
    sum += suite.mean_absolute_error() * predicted;
    analytic += suite.analytic_mean_absolute_error() * predicted;
    differs += suite.mean_fidelity_difference() * predicted;
  }
  const double share = cases > 0 ? 100.0 / cases : 0.0;
  text += fmt::format("{:<26} {:>5} {:>6.1f} % {:>8} {:>8} {:>7.1f} % {:>6.2f} %\n", "all cases",
                      cases, sum * share, "", "", analytic * share, differs * share);
  if (without > 0)
    text +=
        fmt::format("{} cases without a prediction: `orrery validate SUITE` says why\n", without);
  return text;
}

std::string cases_to_text(const SuiteResult& suite) {
  std::string text = fmt::format("{}\n{} in {}\n\n", suite.title, suite.metric,
                                 suite.unit == "1" ? "the unit of its name" : suite.unit);
  for (const ValidationCase& c : suite.cases) {
    if (!c.predicted) {
      text += fmt::format("{:<40} measured {:>10.5g}  no prediction: {}\n", c.name, c.measured,
                          c.problem);
      continue;
    }
    text += fmt::format(
        "{:<40} measured {:>10.5g}  predicted {:>10.5g}  error {:>+6.1f} %  analytic {:>+6.1f} %",
        c.name, c.measured, *c.predicted, c.error() * 100, c.analytic_error() * 100);
    if (c.tried > 1)
      text += fmt::format("  (fastest of {}: {:.5g} to {:.5g})", c.tried, c.least, c.greatest);
    text += '\n';
  }
  return text + '\n';
}

std::string to_json(const std::vector<SuiteResult>& suites) {
  using Json = nlohmann::ordered_json;
  Json json = {{"schema", "orrery-validation/1"}, {"suites", Json::array()}};
  for (const SuiteResult& suite : suites) {
    Json cases = Json::array();
    for (const ValidationCase& c : suite.cases) {
      Json item = {{"name", c.name}, {"measured", c.measured}};
      if (c.predicted) {
        item["predicted"] = *c.predicted;
        item["error"] = c.error();
        item["analytic"] = c.analytic;
        item["analytic_error"] = c.analytic_error();
        item["range"] = {c.least, c.greatest};
        item["tried"] = c.tried;
      } else {
        item["problem"] = c.problem;
      }
      cases.push_back(item);
    }
    json["suites"].push_back(
        {{"name", suite.name},
         {"title", suite.title},
         {"metric", suite.metric},
         {"unit", suite.unit},
         {"mean_absolute_error", suite.mean_absolute_error()},
         {"median_absolute_error", suite.median_absolute_error()},
         {"bias", suite.bias()},
         {"analytic_mean_absolute_error", suite.analytic_mean_absolute_error()},
         {"mean_fidelity_difference", suite.mean_fidelity_difference()},
         {"meets_targets", suite.meets_targets()},
         {"known_miss", suite.known_miss},
         {"ceiling", suite.ceiling ? Json(*suite.ceiling) : Json()},
         {"failure", suite.failure()},
         {"cases", cases}});
  }
  return json.dump(2) + "\n";
}

}  // namespace orrery
