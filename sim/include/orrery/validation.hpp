#pragma once
/// Measured runs against predictions.

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <orrery/registry.hpp>
#include <orrery/scenario.hpp>

namespace orrery {

/// One measured run. `predicted` is empty when the run could not be simulated; `problem` says why.
struct ValidationCase {
  std::string name;
  double measured = 0;              ///< in the suite's unit
  std::optional<double> predicted;  ///< same unit
  /// With values that the source does not state, the least and greatest prediction over all legal
  /// ones, in closed form but for the fastest; `predicted` is then the fastest that fits, which is
  /// not the nearest to what was measured.
  double least = 0;
  double greatest = 0;
  int tried = 1;
  double analytic = 0;  ///< the same prediction in closed form, where there is one
  std::string problem;
  /// predicted / measured - 1.
  [[nodiscard]] double error() const { return *predicted / measured - 1; }
  [[nodiscard]] double analytic_error() const { return analytic / measured - 1; }
  /// analytic / predicted - 1.
  [[nodiscard]] double fidelity_difference() const { return analytic / *predicted - 1; }
};

struct SuiteResult {
  std::string name;
  std::string title;
  std::string metric;
  std::string unit;
  std::vector<ValidationCase> cases;  ///< in the order of the suite's table
  std::optional<double> target_mean;  ///< of the absolute error
  std::optional<double> target_median;
  std::string known_miss;         ///< why a target is not met; empty when it should be
  std::optional<double> ceiling;  ///< of the mean absolute error, met or missed

  [[nodiscard]] int predicted_cases() const;
  /// Over the predicted cases: mean and median of the absolute relative error, mean of the signed
  /// one.
  [[nodiscard]] double mean_absolute_error() const;
  [[nodiscard]] double median_absolute_error() const;
  [[nodiscard]] double bias() const;
  /// Mean absolute relative error of the analytic predictions, and their mean absolute relative
  /// difference from those of the event engine.
  [[nodiscard]] double analytic_mean_absolute_error() const;
  [[nodiscard]] double mean_fidelity_difference() const;
  /// All cases were predicted and every target holds; true without targets.
  [[nodiscard]] bool meets_targets() const;
  /// What is wrong with the suite; empty where nothing is. A suite fails where a case has no
  /// prediction, where the mean is above the ceiling, where a target is missed that is not known to
  /// be, and where one that is known to be missed is met.
  [[nodiscard]] std::string failure() const;
};

/// The suite files below `folder`, sorted by name; none where there is no such folder.
std::vector<std::filesystem::path> validation_suites(const std::filesystem::path& folder);
/// Simulates every case of a suite. @throws ConfigError when the suite or its table is malformed.
SuiteResult validate_suite(const std::filesystem::path& file, const Registry& registry,
                           const LoadOptions& options = {});
/// The same for several suites, in the order of `files`, on `threads` threads (0: one per
/// processor). Results do not depend on their number. Library entries are read once, and machines
/// are made once for all cases of a suite that differ in nothing but their workload.
/// @throws ConfigError as validate_suite(), of the first that is malformed
std::vector<SuiteResult> validate_suites(const std::vector<std::filesystem::path>& files,
                                         const Registry& registry, const LoadOptions& options = {},
                                         int threads = 0);

/// A table of suites for a terminal, and the cases of one; both end with a newline, as the JSON
/// does.
std::string to_text(const std::vector<SuiteResult>& suites);
std::string cases_to_text(const SuiteResult& suite);
std::string to_json(const std::vector<SuiteResult>& suites);

}  // namespace orrery
