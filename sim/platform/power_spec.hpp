#pragma once
/// What `power`, `memory`, `storage`, `board` and `supplies` of a server, and `power` and `optics`
/// of a switch say. The keys are described in configs/README.md, "Power".

#include <optional>
#include <vector>

#include <orrery/machine_power.hpp>
#include <orrery/schema.hpp>

namespace orrery {

struct ServerSpec;
struct PlatformSpec;

/// Of one part: at rest, and at full activity.
struct DrawSpec {
  Watts idle{};
  Watts busy{};
};

/// `{idle, busy}` of a part.
const Schema<DrawSpec>& draw_schema();

struct SuppliesKeys {
  int count = 0;
  int redundant = 0;
  Watts rating{};
  std::vector<ConversionCurve::Point> curve;
};

/// Keys of a server that are about all of it.
struct PowerKeys {
  std::optional<Watts> board;
  double host_activity = 0.3;  ///< data loading, launches and threads that poll: an estimate
  std::optional<SuppliesKeys> supplies;
};

std::vector<Binding<PowerKeys>> power_fields();
/// With the parts that `spec` holds already.
ServerPower server_power(const PowerKeys& keys, const ServerSpec& spec);
/// The switches of the fabric as it is laid out.
FabricPower fabric_power(const PlatformSpec& spec);

}  // namespace orrery
