#include "platform/platform_spec.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "platform/conditions.hpp"
#include "platform/system_keys.hpp"

namespace orrery {
namespace {

// What the system says about communication goes over what its server says.
Node merged_communication(const Node& server, const Node& system) {
  if (server.kind() == Node::Kind::Null) return system;
  if (system.kind() == Node::Kind::Null) return server;
  return server.merged_with(system);
}

void check_network(Reader& system, const PlatformSpec& spec) {
  if (spec.servers == 1 || !system.has("server")) return;
  if (spec.server.nics == 0) {
    system.error("servers", fmt::format("servers: {} need a network, but their server has no NICs; "
                                        "expected server.nics of at least 1",
                                        spec.servers));
  }
  if (!spec.fabric) {
    system.error("servers",
                 fmt::format("servers: {} need a network; expected key 'fabric' in {}, such as "
                             "{{leaf: {{use: switches/qm9700}}, spine: {{use: switches/qm9700}}}}",
                             spec.servers, system.name()));
  }
}

const Schema<MixedKeys>& mixed_schema() {
  using namespace schema;
  using M = MixedKeys;
  static const Schema<M> result(
      "mixed", {required("servers", &M::servers, parts(1), "how many, fewer than are left"),
                entry("server", required("server", &M::server, &server_schema(),
                                         "with as many accelerators and NICs as the ordinary "
                                         "ones"))});
  return result;
}

const Schema<DegradedKeys>& degraded_schema() {
  using namespace schema;
  using D = DegradedKeys;
  // Less is a failure, not a slow part.
  constexpr Between share = {.low = 0.001, .high = 1};
  static const Schema<D> result(
      "degraded",
      {required("devices", &D::devices,
                "by name: `server3.gpu5`, `*.gpu7` (a hot position), `server9.*`"),
       optional("clock", &D::clock, share, "of what the device has otherwise"),
       optional("scale_up", &D::scale_up, share, "likewise, of its bandwidth to its neighbours"),
       optional("scale_out", &D::scale_out, share, "likewise, between servers")},
      [](Reader& reader, const D&) {
        for (const std::string& key : reader.keys()) {  // one that is misspelt is reported as such
          const std::vector<std::string>& prose = prose_keys();
          const bool says = std::find(prose.begin(), prose.end(), key) == prose.end();
          if (says && key != "devices") return;
        }
        reader.error("devices",
                     "degraded: expected what these devices do less of: clock, scale_up or "
                     "scale_out, such as clock: 0.8; got none of them");
      });
  return result;
}

}  // namespace

const Schema<SystemKeys>& system_schema() {
  using namespace schema;
  using S = SystemKeys;
  static const Schema<S> result(
      "system",
      {otherwise("the server's", optional("name", &S::name, "in reports")),
       optional("servers", &S::servers, parts(1), "of equal build, but for those in `mixed`"),
       entry("server", required("server", &S::server, &server_schema(), "one of them")),
       entry("fabric", optional("fabric", &S::fabric, &fabric_schema(),
                                "between servers; required when there are several")),
       entry("collective.nccl or collective.torus",
             optional("communication", &S::communication,
                      "laid over the server's; `scale_out` belongs here")),
       optional("mixed", &S::mixed, &mixed_schema(),
                "servers of another build, from the last server backwards; a group over both goes "
                "at the pace of the slower links"),
       optional("degraded", &S::degraded, &degraded_schema(),
                "devices that do less; entries for the same device multiply, and a group's links "
                "are as slow as its slowest member's")});
  return result;
}

PlatformSpec PlatformSpec::read(Reader& system, const AcceleratorFactory& make,
                                Conditions& conditions) {
  const SystemKeys keys = system_schema().read(system);
  PlatformSpec spec;
  spec.servers = keys.servers;
  Reader server = system.child("server", false);
  spec.server = make_server(server, keys.server, make);
  spec.name = keys.name.value_or(spec.server.name);
  spec.fabric = keys.fabric;
  if (spec.fabric) {
    Reader fabric = system.child("fabric");
    complete_fabric(fabric, spec.server, *spec.fabric);
  }
  check_network(system, spec);
  if (spec.fabric) wire_fabric(*spec.fabric, spec, system);
  spec.communication = merged_communication(spec.server.communication, keys.communication);
  conditions = Conditions::of(keys, system, spec, make);
  return spec;
}

}  // namespace orrery
