#include "scenario/machine.hpp"

#include <algorithm>

#include "job/operation.hpp"

namespace orrery {
namespace {

// Stands in where the system says nothing about communication: nothing may ask it.
class NoCollectives final : public CollectiveModel {
 public:
  CollectiveCost cost(const CollectiveRequest&) const override {
    throw ConfigError("system: missing key 'communication', which the workload's collectives need");
  }
};

// Servers that are looked at by themselves.
std::vector<int> singled_out(const OperationSpec& spec, const Platform& platform) {
  std::vector<int> servers = servers_apart(spec);
  const Spread spread =
      spread_of(platform.servers(), platform.devices_per_server(), spec.limits.seed);
  if (spread.slowest_server >= 0) servers.push_back(spread.slowest_server);
  std::sort(servers.begin(), servers.end());
  servers.erase(std::unique(servers.begin(), servers.end()), servers.end());
  std::erase_if(servers, [&](int server) { return server >= platform.servers(); });
  return servers;
}

std::unique_ptr<Platform> make_platform(const Scenario& scenario, const Registry& registry,
                                        std::span<const int> singled_out,
                                        Diagnostics& diagnostics) {
  Reader system(scenario.system, "system", diagnostics);
  return std::make_unique<Platform>(
      system,
      [&](Reader& reader) {
        return std::shared_ptr<const Accelerator>(registry.accelerators.make(reader, "model"));
      },
      singled_out);
}

OperationSpec operation_of(const Scenario& scenario, const Registry& registry,
                           Diagnostics& diagnostics) {
  OperationSpec operation = read_operation(
      {.environment = scenario.environment, .job = scenario.job, .record = scenario.record},
      registry.plants, diagnostics);
  operation.limits = {.cap = scenario.power_cap,
                      .clock = scenario.clock,
                      .seed = scenario.seed,
                      .cap_at = scenario.cap_at,
                      .clock_at = scenario.clock_at};
  return operation;
}

std::unique_ptr<const Workload> read_workload(const Node& workload, const Registry& registry,
                                              Diagnostics& diagnostics) {
  Reader reader(workload, "workload", diagnostics);
  return registry.workloads.make(reader, "kind", "training");
}

// The models that the platform names.
void add_models(const Registry& registry, Diagnostics& diagnostics, Machine& machine) {
  const Node& communication = machine.platform->communication();
  if (communication.kind() != Node::Kind::Null) {
    Reader reader(communication, "communication", diagnostics);
    machine.collectives = registry.collectives.make(reader, "model");
  }
  if (machine.platform->cooling().kind() != Node::Kind::Null) {
    Reader reader(machine.platform->cooling(), "cooling", diagnostics);
    machine.cooling = registry.server_cooling.make(reader, "model");
  }
}

Machine make(const Scenario& scenario, const Registry& registry, bool with_workload) {
  Diagnostics diagnostics;
  Machine machine;
  machine.platform = make_platform(scenario, registry, {}, diagnostics);
  if (with_workload) {
    machine.workload = read_workload(scenario.workload, registry, diagnostics);
  }
  add_models(registry, diagnostics, machine);
  machine.operation = operation_of(scenario, registry, diagnostics);
  diagnostics.throw_if_any();
  const std::vector<int> servers = singled_out(machine.operation, *machine.platform);
  if (!servers.empty()) {
    machine.platform = make_platform(scenario, registry, servers, diagnostics);
  }
  if (!machine.collectives) machine.collectives = std::make_unique<NoCollectives>();
  return machine;
}

}  // namespace

Machine make_machine(const Scenario& scenario, const Registry& registry) {
  return make(scenario, registry, true);
}

Machine make_idle_machine(const Scenario& scenario, const Registry& registry) {
  return make(scenario, registry, false);
}

std::unique_ptr<const Workload> make_workload(const Node& workload, const Registry& registry) {
  Diagnostics diagnostics;
  auto made = read_workload(workload, registry, diagnostics);
  diagnostics.throw_if_any();
  return made;
}

std::vector<DevicePoint> device_points(const Machine& machine, OperatingPoint::Regime regime,
                                       int devices) {
  std::vector<DevicePoint> points;
  for (const DeviceKind& kind : machine.platform->kinds()) {
    points.push_back({.accelerator = kind.accelerator.get(),
                      .point = {.regime = regime,
                                .slowest_deviations = expected_slowest(devices),
                                .clock = kind.clock,
                                .power_cap = machine.operation.limits.cap,
                                .clock_limit = machine.operation.limits.clock}});
  }
  return points;
}

}  // namespace orrery
