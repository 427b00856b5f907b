#include <orrery/simulation.hpp>

#include <chrono>
#include <fstream>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>
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

namespace {

// Servers whose devices are of the same conditions, in order of the first of each sort.
std::vector<std::vector<int>> servers_alike(const Platform& platform) {
  std::vector<std::vector<int>> result;
  std::map<std::vector<int>, std::size_t> known;
  const int per_server = platform.devices_per_server();
  for (int server = 0; server < platform.servers(); ++server) {
    std::vector<int> sort;
    for (int i = 0; i < per_server; ++i)
      sort.push_back(platform.condition(server * per_server + i));
    const auto [place, added] = known.try_emplace(std::move(sort), result.size());
    if (added) result.emplace_back();
    result[place->second].push_back(server);
  }
  return result;
}

// "0-3, 7"
std::string in_runs(const std::vector<int>& numbers) {
  std::string text;
  for (std::size_t i = 0; i < numbers.size();) {
    std::size_t end = i + 1;
    while (end < numbers.size() && numbers[end] == numbers[end - 1] + 1) ++end;
    text += fmt::format("{}{}", text.empty() ? "" : ", ", numbers[i]);
    if (end - i > 1) text += fmt::format("-{}", numbers[end - 1]);
    i = end;
  }
  return text;
}

}  // namespace

// One server of each sort, and one behind another leaf: what lies between them shows, too.
std::string draw_machine(const Scenario& scenario, const Registry& registry) {
  const Machine machine = make_idle_machine(scenario, registry);
  const Platform& platform = *machine.platform;
  const std::vector<std::vector<int>> sorts = servers_alike(platform);
  std::set<int> drawn;
  for (const std::vector<int>& sort : sorts) drawn.insert(sort.front());
  const std::vector<int>& parts = platform.fabric_parts();
  const int other = parts.empty() ? 1 : parts.front() / platform.devices_per_server();
  if (other < platform.servers()) drawn.insert(other);
  const std::vector<int> servers(drawn.begin(), drawn.end());
  std::string text = platform.part(servers).drawing();
  if (platform.servers() == 1) return text;
  text += fmt::format("\ndrawn: server{} {}\n", servers.size() > 1 ? "s" : "", in_runs(servers));
  for (const std::vector<int>& sort : sorts) {
    text += fmt::format("server{} {} {}\n", sort.size() > 1 ? "s" : "", in_runs(sort),
                        sort.size() > 1 ? "are alike" : "is like no other");
  }
  return text;
}

}  // namespace orrery
