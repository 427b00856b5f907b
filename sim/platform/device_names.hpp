#pragma once
/// Names of devices by formula: no graph is built to say them.

#include <optional>
#include <string>
#include <string_view>

#include "platform/platform_spec.hpp"

namespace orrery {

/// "gpu", or "tpu" where devices are joined in a torus.
[[nodiscard]] const char* device_word(const ServerSpec& server);
/// "server3.gpu5" of device `device` of a machine of such servers.
[[nodiscard]] std::string name_of_device(const ServerSpec& server, int device);
/// The inverse; none for what names no device of `servers` such servers.
[[nodiscard]] std::optional<int> device_of_name(const ServerSpec& server, int servers,
                                                std::string_view name);

}  // namespace orrery
