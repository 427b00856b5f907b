#pragma once
/// Which devices of a machine a job occupies.

#include <string>
#include <vector>

#include <orrery/workload.hpp>

namespace orrery {

/// Its servers in ascending order.
[[nodiscard]] std::vector<int> occupied_servers(const StepWork& work, int devices_per_server);

/// For people: "server0.gpu0", "server0.gpu0 to server3.gpu7", or up to four names and how many
/// more there are.
[[nodiscard]] std::string occupied_devices(const StepWork& work, const Platform& platform);

/// Mean of the datasheet's rate over the devices of represented ranks.
[[nodiscard]] FlopsPerSecond mean_peak(const std::vector<RepresentedRank>& ranks,
                                       const Platform& platform, Dtype dtype);

}  // namespace orrery
