#include <orrery/platform.hpp>

#include <algorithm>
#include <mutex>
#include <optional>

#include <orrery/error.hpp>

#include "platform/conditions.hpp"
#include "platform/device_names.hpp"
#include "platform/layout.hpp"
#include "platform/machine_graph.hpp"
#include "platform/part.hpp"
#include "platform/paths.hpp"
#include "platform/platform_spec.hpp"

namespace orrery {

// Groups are laid out on the small machine of Paths; the whole one, tens of thousands of parts, is
// never built.
struct Platform::Graph {
  PlatformSpec spec;
  Conditions conditions;
  std::vector<DeviceKind> kinds;
  std::vector<int> kind_of;  // by condition
  std::vector<int> parts;    // of the fabric, in devices
  MachinePower power;
  mutable std::once_flag paths_once;
  // Of every build: the machine as if all servers were of it.
  mutable std::vector<PlatformSpec> builds;
  mutable std::vector<std::unique_ptr<Paths>> small;
  mutable std::vector<std::unique_ptr<ServerWiring>> wirings;
  mutable std::vector<ResourceTable> tables;
  mutable std::vector<Resource> resources;  // of all tables
  Collisions collisions;

  void prepare_paths() const {
    std::call_once(paths_once, [this] {
      builds.push_back(spec);
      for (const ServerSpec& server : conditions.builds()) {
        builds.push_back(spec);
        builds.back().server = server;
      }
      for (const PlatformSpec& build : builds) {
        small.push_back(std::make_unique<Paths>(build));
        wirings.push_back(std::make_unique<ServerWiring>(build.server));
        tables.emplace_back(build, *wirings.back(), static_cast<std::uint32_t>(resources.size()));
        const std::vector<Resource>& more = tables.back().all();
        resources.insert(resources.end(), more.begin(), more.end());
      }
    });
  }
  const Condition& condition(int device) const {
    return conditions.all()[static_cast<std::size_t>(conditions.of(device))];
  }
  void add_kinds();
  [[nodiscard]] Network network(std::size_t build) const {
    return {*small[build], *wirings[build], tables[build], collisions};
  }
  void add_parts();
  GroupLayout layout(std::span<const int> devices, Others others) const;
};

void Platform::Graph::add_kinds() {
  for (const Condition& condition : conditions.all()) {
    const auto& accelerator =
        condition.build == 0
            ? spec.server.accelerator
            : conditions.builds()[static_cast<std::size_t>(condition.build - 1)].accelerator;
    const auto same = std::find_if(kinds.begin(), kinds.end(), [&](const DeviceKind& kind) {
      return kind.accelerator == accelerator && kind.clock == condition.clock &&
             kind.singled_out == condition.singled_out;
    });
    kind_of.push_back(static_cast<int>(same - kinds.begin()));
    if (same == kinds.end()) {
      kinds.push_back({.accelerator = accelerator,
                       .clock = condition.clock,
                       .devices = 0,
                       .singled_out = condition.singled_out});
    }
  }
  const int devices = spec.servers * spec.server.devices;
  if (conditions.uniform()) {
    kinds.front().devices = devices;
    return;
  }
  for (int device = 0; device < devices; ++device) {
    ++kinds[static_cast<std::size_t>(kind_of[static_cast<std::size_t>(conditions.of(device))])]
          .devices;
  }
}

void Platform::Graph::add_parts() {
  if (!spec.fabric || spec.servers == 1) return;
  for (const int servers : {spec.fabric->servers_per_leaf, spec.fabric->servers_per_pod}) {
    parts.push_back(servers * spec.server.devices);
  }
}

// A collective moves at the pace of its slowest member.
GroupLayout Platform::Graph::layout(std::span<const int> devices, Others others) const {
  prepare_paths();
  if (conditions.uniform()) return layout_of(devices, others, spec, network(0));
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
    const GroupLayout layout = layout_of(devices, others, builds[build], network(build));
    slowest = slowest ? slower(*slowest, layout) : layout;
  }
  return degraded(*slowest, scale_up, scale_out);
}

Platform::Platform(Reader& system, const AcceleratorFactory& make, std::span<const int> singled_out)
    : graph_(std::make_unique<Graph>()) {
  graph_->spec = PlatformSpec::read(system, make, graph_->conditions);
  graph_->conditions.single_out(singled_out, graph_->spec.server.devices);
  graph_->add_kinds();
  graph_->add_parts();
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
int Platform::period() const {
  if (!uniform()) return devices();
  const ServerSpec& server = graph_->spec.server;
  using Kind = ScaleUpSpec::Kind;
  const bool alike = server.scale_up.kind == Kind::NvLink || server.scale_up.kind == Kind::Torus;
  const bool even =
      server.nics == 0 || server.devices % server.nics == 0 || server.nics % server.devices == 0;
  return alike && even ? 1 : devices_per_server();
}
const std::vector<int>& Platform::fabric_parts() const { return graph_->parts; }
std::string Platform::device_name(int device) const {
  ORRERY_CHECK(device >= 0 && device < devices());
  return name_of_device(graph_->spec.server, device);
}
std::optional<int> Platform::find_device(std::string_view name) const {
  return device_of_name(graph_->spec.server, graph_->spec.servers, name);
}
Bytes Platform::memory_capacity() const {
  Bytes least = accelerator().memory_capacity();
  for (const DeviceKind& kind : kinds()) least = min(least, kind.accelerator->memory_capacity());
  return least;
}
Seconds Platform::launch_time() const { return graph_->spec.server.launch_time; }
const Node& Platform::communication() const { return graph_->spec.communication; }
const MachinePower& Platform::power() const { return graph_->power; }
const Node& Platform::cooling() const { return graph_->spec.server.cooling; }
MachinePart Platform::part(std::span<const int> servers, bool every_switch) const {
  const Graph& graph = *graph_;
  graph.prepare_paths();
  PartServers which{.indices = servers,
                    .builds = {},
                    .wirings = {},
                    .layouts = [&graph](std::span<const int> group) {
                      return graph.layout(group, Others::Idle);
                    }};
  for (std::size_t build = 0; build < graph.builds.size(); ++build) {
    which.builds.push_back(&graph.builds[build].server);
    which.wirings.push_back(graph.wirings[build].get());
  }
  PlatformSpec spec = graph.spec;
  if (spec.fabric && !every_switch) spec.fabric = bundled(*spec.fabric);
  return make_part(std::move(spec), graph.conditions, which);
}

GroupLayout Platform::layout(std::span<const int> devices, Others others) const {
  return graph_->layout(devices, others);
}

const std::vector<Resource>& Platform::resources() const {
  graph_->prepare_paths();
  return graph_->resources;
}

MachineActivity Platform::activity(std::span<const double> resources) const {
  graph_->prepare_paths();
  return activity_of(graph_->tables, resources);
}

}  // namespace orrery
