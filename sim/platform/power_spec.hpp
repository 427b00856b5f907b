#pragma once
/// What `power`, `memory`, `storage`, `board` and `supplies` of a server, and `power` and `optics`
/// of a switch say. The keys are described in configs/README.md, "Power".

#include <optional>

#include <orrery/machine_power.hpp>
#include <orrery/reader.hpp>

namespace orrery {

struct ServerSpec;
struct PlatformSpec;

/// Of one part: at rest, and at full activity.
struct DrawSpec {
  Watts idle{};
  Watts busy{};
};

/// `power: {idle, busy}` of a part; nothing when the key is absent.
std::optional<DrawSpec> read_draw(Reader& part);
/// Reads the server's own keys and counts the parts that `spec` holds already.
ServerPower read_server_power(Reader& server, const ServerSpec& spec);
/// The switches of the fabric as it is laid out.
FabricPower fabric_power(const PlatformSpec& spec);

}  // namespace orrery
