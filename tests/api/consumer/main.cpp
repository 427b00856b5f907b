// A program that embeds Orrery: checks models of its own, runs the scenario that it is given and
// prints the time of a step.
#include <iostream>

#include <orrery/builtin.hpp>
#include <orrery/simulation.hpp>

#include "own_models.hpp"

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: consumer SCENARIO\n";
    return 2;
  }
  try {
    for (const std::string& finding : check_own_models()) {
      std::cerr << "own models: " << finding << '\n';
      return 1;
    }
    const orrery::Registry registry = orrery::builtin_registry();
    const orrery::Report report =
        orrery::Simulation(orrery::load_scenario(argv[1]), registry).run();
    std::cout << "step time " << orrery::metric(report, "throughput.step_time_s") << " s\n";
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
}
