#pragma once
/// The library in one call: `Simulation(load_scenario("x.yaml"), builtin_registry()).run()`.

#include <orrery/registry.hpp>
#include <orrery/report.hpp>
#include <orrery/scenario.hpp>

namespace orrery {

class Simulation {
 public:
  /// Keeps a copy of the scenario and a reference to the registry.
  Simulation(Scenario scenario, const Registry& registry);
  /// Builds the platform and the program and simulates one step. One run at a time in a process.
  /// @throws ConfigError for input that is wrong, SimulationError when the step cannot end.
  [[nodiscard]] Report run() const;

 private:
  Scenario scenario_;
  const Registry& registry_;
};

}  // namespace orrery
