#include <orrery/simulation.hpp>

#include <chrono>
#include <fstream>
#include <string>
#include <string_view>

#include <sys/resource.h>

#include "scenario/evaluate.hpp"
#include "scenario/machine.hpp"

namespace orrery {
namespace {

// What getrusage() says includes the process that started this program.
Bytes peak_memory() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    constexpr std::string_view kPeak = "VmHWM:";  // in KiB
    if (line.starts_with(kPeak)) return Bytes(std::stod(line.substr(kPeak.size())) * 1024.0);
  }
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return Bytes(static_cast<double>(usage.ru_maxrss) * 1024.0);
}

}  // namespace

Simulation::Simulation(Scenario scenario, Registry registry)
    : scenario_(std::move(scenario)), registry_(std::move(registry)) {}

Report Simulation::run() const {
  const auto started = std::chrono::steady_clock::now();
  const Machine machine = make_machine(scenario_, registry_);
  Report report = evaluate(machine, *machine.workload, options_of(scenario_, machine));
  report.seed = scenario_.seed.value_or(0);
  report.scenario = scenario_.name;
  report.description = scenario_.description;
  report.version = ORRERY_VERSION;
  report.inputs = scenario_.inputs;
  report.cost = {
      .wall = Seconds(
          std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count()),
      .peak_memory = peak_memory()};
  return report;
}

std::string draw_machine(const Scenario& scenario, const Registry& registry) {
  const Machine machine = make_idle_machine(scenario, registry);
  const Platform& platform = *machine.platform;
  std::vector<int> servers{0};
  const std::vector<int>& parts = platform.fabric_parts();
  const int other = parts.empty() ? 1 : parts.front() / platform.devices_per_server();
  if (other < platform.servers()) servers.push_back(other);
  return platform.part(servers).drawing();
}

}  // namespace orrery
