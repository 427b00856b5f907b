#include "folding/occupied.hpp"

#include <numeric>

#include <fmt/format.h>

namespace orrery {
namespace {

constexpr std::size_t kNamed = 4;

}  // namespace

std::vector<int> occupied_servers(const StepWork& work, int devices_per_server) {
  std::vector<int> servers;
  if (work.device_list.empty()) {
    servers.resize(
        static_cast<std::size_t>((work.devices + devices_per_server - 1) / devices_per_server));
    std::iota(servers.begin(), servers.end(), 0);
  }
  for (const int device : work.device_list) {
    const int server = device / devices_per_server;
    if (servers.empty() || servers.back() != server) servers.push_back(server);
  }
  return servers;
}

std::string occupied_devices(const StepWork& work, const Platform& platform) {
  const std::vector<int>& list = work.device_list;
  if (list.empty()) {
    const std::string first = platform.device_name(0);
    return work.devices == 1
               ? first
               : fmt::format("{} to {}", first, platform.device_name(work.devices - 1));
  }
  std::string text;
  for (std::size_t i = 0; i < list.size() && i < kNamed; ++i) {
    text += (i > 0 ? ", " : "") + platform.device_name(list[i]);
  }
  if (list.size() > kNamed) text += fmt::format(" and {} more", list.size() - kNamed);
  return text;
}

FlopsPerSecond mean_peak(const std::vector<RepresentedRank>& ranks, const Platform& platform,
                         Dtype dtype) {
  FlopsPerSecond sum{};
  double weights = 0;
  for (const RepresentedRank& rank : ranks) {
    const DeviceKind& kind = platform.kinds()[static_cast<std::size_t>(rank.kind)];
    sum += kind.accelerator->peak(dtype) * rank.weight;
    weights += rank.weight;
  }
  return sum / weights;
}

}  // namespace orrery
