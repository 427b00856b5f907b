#pragma once
/// Simulates the cases of a validation suite.

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <orrery/registry.hpp>
#include <orrery/scenario.hpp>

#include "scenario/evaluate.hpp"
#include "study/suite.hpp"

namespace orrery {

/// The cases of a suite by index; several threads may run different ones. Cases that differ in
/// their workload alone share a machine.
class SuiteRunner {
 public:
  /// Keeps references to all three.
  SuiteRunner(const Suite& suite, const Library& library, const Registry& registry);
  /// The case of row `row` of the suite's table. @throws ConfigError when the row is malformed.
  [[nodiscard]] ValidationCase run(std::size_t row) const;

 private:
  /// What the cases with the same overrides of everything but `workload` have in common.
  struct Site {
    Scenario scenario;  ///< its workload is not looked at
    Machine machine;
  };
  /// A case, made.
  struct Made {
    std::shared_ptr<const Site> site;
    std::unique_ptr<const Workload> workload;
  };

  /// Values that make a legal case which fits, and what the closed form says of it.
  struct Candidate {
    std::vector<Override> overrides;
    Made made;
    Seconds step{};
    double analytic = 0;  ///< the metric, as value_of()
  };

  void search(const std::vector<Override>& row, ValidationCase& result) const;
  [[nodiscard]] std::vector<Candidate> legal(const std::vector<Override>& row,
                                             std::string& problem) const;
  [[nodiscard]] std::shared_ptr<const Site> site(const std::vector<Override>& overrides) const;
  [[nodiscard]] Made make(const std::vector<Override>& overrides) const;
  [[nodiscard]] static Report evaluated(const Made& made, Fidelity fidelity);
  /// The metric in the suite's unit, or its ratio to that of the row which `relative` makes of it.
  [[nodiscard]] double value_of(const Report& report, std::vector<Override> overrides,
                                Fidelity fidelity) const;

  const Suite& suite_;
  const Library& library_;
  const Registry& registry_;
  std::vector<std::vector<Override>> combinations_;
  mutable std::mutex mutex_;  // of what follows
  mutable std::map<std::vector<Override>, std::shared_ptr<const Site>> sites_;
  mutable std::map<std::pair<std::vector<Override>, Fidelity>, double> references_;
};

}  // namespace orrery
