#include <algorithm>
#include <cmath>

#include <orrery/validation.hpp>

namespace orrery {
namespace {

// Of the cases that have a prediction.
std::vector<double> values(const SuiteResult& suite, double (ValidationCase::*of)() const) {
  std::vector<double> all;
  for (const ValidationCase& c : suite.cases) {
    if (c.predicted) all.push_back((c.*of)());
  }
  return all;
}

std::vector<double> errors(const SuiteResult& suite) {
  return values(suite, &ValidationCase::error);
}

double mean_absolute(const std::vector<double>& all) {
  double sum = 0;
  for (const double value : all) sum += std::abs(value);
  return all.empty() ? 0 : sum / static_cast<double>(all.size());
}

}  // namespace

int SuiteResult::predicted_cases() const { return static_cast<int>(errors(*this).size()); }

double SuiteResult::mean_absolute_error() const { return mean_absolute(errors(*this)); }

double SuiteResult::analytic_mean_absolute_error() const {
  return mean_absolute(values(*this, &ValidationCase::analytic_error));
}

double SuiteResult::mean_fidelity_difference() const {
  return mean_absolute(values(*this, &ValidationCase::fidelity_difference));
}

double SuiteResult::median_absolute_error() const {
  std::vector<double> all = errors(*this);
  if (all.empty()) return 0;
  for (double& error : all) error = std::abs(error);
  std::sort(all.begin(), all.end());
  const std::size_t middle = all.size() / 2;
  return all.size() % 2 == 1 ? all[middle] : (all[middle - 1] + all[middle]) / 2;
}

double SuiteResult::bias() const {
  const std::vector<double> all = errors(*this);
  double sum = 0;
  for (const double error : all) sum += error;
  return all.empty() ? 0 : sum / static_cast<double>(all.size());
}

bool SuiteResult::meets_targets() const {
  if (target_mean && mean_absolute_error() > *target_mean) return false;
  if (target_median && median_absolute_error() > *target_median) return false;
  const bool targeted = target_mean || target_median;
  return !targeted || predicted_cases() == static_cast<int>(cases.size());
}

}  // namespace orrery
