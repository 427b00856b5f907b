#include <orrery/platform.hpp>

#include <mutex>
#include <optional>

#include <orrery/error.hpp>

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
  mutable std::once_flag machine_once, router_once, paths_once;
  mutable std::optional<MachineGraph> whole;
  mutable std::optional<Router> routes;
  mutable std::optional<Paths> small;
  Collisions collisions;

  const MachineGraph& machine() const {
    std::call_once(machine_once, [this] { whole.emplace(spec); });
    return *whole;
  }
  const Router& router() const {
    std::call_once(router_once, [this] { routes.emplace(machine()); });
    return *routes;
  }
  const Paths& paths() const {
    std::call_once(paths_once, [this] { small.emplace(spec); });
    return *small;
  }
};

Platform::Platform(Reader& system, const AcceleratorFactory& make)
    : graph_(std::make_unique<Graph>()) {
  graph_->spec = PlatformSpec::read(system, make);
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
Seconds Platform::launch_time() const { return graph_->spec.server.launch_time; }
const Node& Platform::communication() const { return graph_->spec.communication; }
const std::vector<Component>& Platform::components() const { return graph_->machine().components; }
const std::vector<Link>& Platform::links() const { return graph_->machine().links; }

int Platform::component_of_device(int device) const {
  ORRERY_CHECK(device >= 0 && device < devices());
  return graph_->machine().devices[static_cast<std::size_t>(device)];
}

Route Platform::route(int from_component, int to_component) const {
  return graph_->router().routes(from_component, std::span(&to_component, 1)).front();
}

GroupLayout Platform::layout(std::span<const int> devices) const {
  return layout_of(devices, graph_->spec, {graph_->paths(), graph_->collisions});
}

}  // namespace orrery
