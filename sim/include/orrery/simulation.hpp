#pragma once
/// The library in one call: `Simulation(load_scenario("x.yaml"), builtin_registry()).run()`.

#include <string>

#include <orrery/registry.hpp>
#include <orrery/report.hpp>
#include <orrery/scenario.hpp>

namespace orrery {

class Simulation {
 public:
  /// Keeps both: neither the scenario nor the registry need outlive the call.
  Simulation(Scenario scenario, Registry registry);
  /// Builds the platform and the program and simulates one step. One run at a time in a process.
  /// @throws ConfigError for input that is wrong, SimulationError when the step cannot end.
  [[nodiscard]] Report run() const;

 private:
  Scenario scenario_;
  Registry registry_;
};

/// The machine of a scenario as lines of text, component by component with its links
/// (MachinePart::drawing()): one server of each sort and, where there are several, the first behind
/// another leaf, with the switches between.
/// @throws ConfigError for input that is wrong
[[nodiscard]] std::string draw_machine(const Scenario& scenario, const Registry& registry);

}  // namespace orrery
