#include <orrery/platform.hpp>

#include <algorithm>
#include <mutex>
#include <optional>

#include <orrery/error.hpp>

#include "platform/conditions.hpp"
#include "platform/layout.hpp"
#include "platform/machine_graph.hpp"
#include "platform/paths.hpp"
#include "platform/platform_spec.hpp"
#include "platform/router.hpp"

namespace orrery {

const char* to_text(ComponentKind kind) {
  switch (kind) {
    case ComponentKind::Device:
      return "device";
    case ComponentKind::Memory:
      return "memory";
    case ComponentKind::ScaleUpSwitch:
      return "scale-up switch";
    case ComponentKind::PcieSwitch:
      return "pcie switch";
    case ComponentKind::Cpu:
      return "cpu";
    case ComponentKind::Nic:
      return "nic";
    case ComponentKind::LeafSwitch:
      return "leaf switch";
    case ComponentKind::SpineSwitch:
      return "spine switch";
    case ComponentKind::CoreSwitch:
      return "core switch";
    case ComponentKind::Router:
      return "router";
  }
  return "";
}

// Groups are laid out on the small machine of Paths; the whole one, tens of thousands of parts, is
// built when somebody asks for it.
struct Platform::Graph {
  PlatformSpec spec;
  Conditions conditions;
  std::vector<DeviceKind> kinds;
  std::vector<int> kind_of;  // by condition
  MachinePower power;
  mutable std::once_flag machine_once, router_once, paths_once;
  mutable std::optional<MachineGraph> whole;
  mutable std::optional<Router> routes;
  // Of every build: the machine as if all servers were of it.
  mutable std::vector<PlatformSpec> builds;
  mutable std::vector<std::unique_ptr<Paths>> small;
  Collisions collisions;

  const MachineGraph& machine() const {
    std::call_once(machine_once, [this] { whole.emplace(spec); });
    return *whole;
  }
  const Router& router() const {
    std::call_once(router_once, [this] { routes.emplace(machine()); });
    return *routes;
  }
  void prepare_paths() const {
    std::call_once(paths_once, [this] {
      builds.push_back(spec);
      for (const ServerSpec& server : conditions.builds()) {
        builds.push_back(spec);
        builds.back().server = server;
      }
      for (const PlatformSpec& build : builds) small.push_back(std::make_unique<Paths>(build));
    });
  }
  const Condition& condition(int device) const {
    return conditions.all()[static_cast<std::size_t>(conditions.of(device))];
  }
  void add_kinds();
  GroupLayout layout(std::span<const int> devices) const;
};

void Platform::Graph::add_kinds() {
  for (const Condition& condition : conditions.all()) {
    const auto& accelerator =
        condition.build == 0
            ? spec.server.accelerator
            : conditions.builds()[static_cast<std::size_t>(condition.build - 1)].accelerator;
    const auto same = std::find_if(kinds.begin(), kinds.end(), [&](const DeviceKind& kind) {
      return kind.accelerator == accelerator && kind.clock == condition.clock &&
             kind.apart == condition.apart;
    });
    kind_of.push_back(static_cast<int>(same - kinds.begin()));
    if (same == kinds.end()) {
      kinds.push_back({.accelerator = accelerator,
                       .clock = condition.clock,
                       .devices = 0,
                       .apart = condition.apart});
    }
  }
  for (int device = 0; device < spec.servers * spec.server.devices; ++device) {
    ++kinds[static_cast<std::size_t>(kind_of[static_cast<std::size_t>(conditions.of(device))])]
          .devices;
  }
}

// A collective moves at the pace of its slowest member.
GroupLayout Platform::Graph::layout(std::span<const int> devices) const {
  prepare_paths();
  if (conditions.uniform()) return layout_of(devices, spec, {*small.front(), collisions});
  std::vector<bool> has_build(builds.size());
  double scale_up = 1, scale_out = 1;
  for (const int device : devices) {
    const Condition& here = condition(device);
    has_build[static_cast<std::size_t>(here.build)] = true;
    scale_up = std::min(scale_up, here.scale_up);
    scale_out = std::min(scale_out, here.scale_out);
  }
  std::optional<GroupLayout> slowest;
  for (std::size_t build = 0; build < builds.size(); ++build) {
    if (!has_build[build]) continue;
    const GroupLayout layout = layout_of(devices, builds[build], {*small[build], collisions});
    slowest = slowest ? slower(*slowest, layout) : layout;
  }
  return degraded(*slowest, scale_up, scale_out);
}

Platform::Platform(Reader& system, const AcceleratorFactory& make, std::span<const int> apart)
    : graph_(std::make_unique<Graph>()) {
  graph_->spec = PlatformSpec::read(system, make, graph_->conditions);
  graph_->conditions.set_apart(apart, graph_->spec.server.devices);
  graph_->add_kinds();
  graph_->power = {.server = graph_->spec.server.power, .fabric = fabric_power(graph_->spec)};
}

Platform::~Platform() = default;
Platform::Platform(Platform&&) noexcept = default;

const std::string& Platform::name() const { return graph_->spec.name; }
int Platform::servers() const { return graph_->spec.servers; }
int Platform::devices_per_server() const { return graph_->spec.server.devices; }
const Accelerator& Platform::accelerator() const {
  ORRERY_CHECK(graph_->spec.server.accelerator != nullptr);
  return *graph_->spec.server.accelerator;
}
const std::vector<DeviceKind>& Platform::kinds() const { return graph_->kinds; }
int Platform::kind(int device) const {
  return graph_->kind_of[static_cast<std::size_t>(graph_->conditions.of(device))];
}
int Platform::condition(int device) const { return graph_->conditions.of(device); }
bool Platform::uniform() const { return graph_->conditions.uniform(); }
Bytes Platform::memory_capacity() const {
  Bytes least = accelerator().memory_capacity();
  for (const DeviceKind& kind : kinds()) least = min(least, kind.accelerator->memory_capacity());
  return least;
}
Seconds Platform::launch_time() const { return graph_->spec.server.launch_time; }
const Node& Platform::communication() const { return graph_->spec.communication; }
const MachinePower& Platform::power() const { return graph_->power; }
const Node& Platform::cooling() const { return graph_->spec.server.cooling; }
const std::vector<Component>& Platform::components() const { return graph_->machine().components; }
const std::vector<Link>& Platform::links() const { return graph_->machine().links; }

std::string Platform::device_name(int device) const {
  ORRERY_CHECK(device >= 0 && device < devices());
  const int each = devices_per_server();
  return orrery::device_name(graph_->spec.server, device / each, device % each);
}

int Platform::component_of_device(int device) const {
  ORRERY_CHECK(device >= 0 && device < devices());
  return graph_->machine().devices[static_cast<std::size_t>(device)];
}

Route Platform::route(int from_component, int to_component) const {
  return graph_->router().routes(from_component, std::span(&to_component, 1)).front();
}

GroupLayout Platform::layout(std::span<const int> devices) const { return graph_->layout(devices); }

}  // namespace orrery
