#include "platform/platform_spec.hpp"

#include "platform/conditions.hpp"

#include <algorithm>
#include <cstdint>

#include <fmt/format.h>

namespace orrery {
namespace {

constexpr std::int64_t kMostParts = 1'000'000;

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

}  // namespace

void ignore_prose(Reader& reader) {
  reader.ignore("source");
  reader.ignore("notes");
}

int read_count(Reader& reader, const std::string& key, std::optional<int> fallback, int minimum) {
  const std::int64_t count =
      fallback ? reader.integer_or(key, *fallback, minimum) : reader.integer(key, minimum);
  if (count <= kMostParts) return static_cast<int>(count);
  reader.error(key, fmt::format("{}: expected at most {}; got {}", key, kMostParts, count));
  return std::max(1, minimum);
}

PlatformSpec PlatformSpec::read(Reader& system, const AcceleratorFactory& make,
                                Conditions& conditions) {
  PlatformSpec spec;
  spec.servers = read_count(system, "servers", 1);
  spec.server = read_server(system.child("server"), make);
  spec.name = system.text_or("name", spec.server.name);
  if (system.has("fabric")) spec.fabric = read_fabric(system.child("fabric"), spec.server);
  check_network(system, spec);
  if (spec.fabric) wire_fabric(*spec.fabric, spec, system);
  spec.communication = merged_communication(spec.server.communication, system.raw("communication"));
  conditions = Conditions::read(system, spec, make);
  ignore_prose(system);
  system.finish();
  return spec;
}

}  // namespace orrery
