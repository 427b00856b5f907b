#pragma once
/// A small machine with round numbers, and ways to change it.

#include <memory>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include <orrery/platform.hpp>

namespace orrery::platform_test {

class FakeAccelerator final : public Accelerator {
 public:
  const std::string& name() const override { return name_; }
  Bytes memory_capacity() const override { return gigabytes(80); }
  FlopsPerSecond peak(Dtype) const override { return FlopsPerSecond(1e15); }
  bool supports(Dtype) const override { return true; }
  BytesPerSecond memory_bandwidth() const override { return BytesPerSecond(2e12); }
  int multiprocessors() const override { return 100; }
  Cost cost(const Work&, const OperatingPoint&) const override { return {}; }

 private:
  std::string name_ = "fake";
};

inline std::shared_ptr<const Accelerator> make_fake(Reader&) {
  return std::make_shared<const FakeAccelerator>();
}

/// Leaves of 40 ports take two servers of 8 NICs without rails, 20 with rails.
constexpr const char* kSystem = R"(
name: small
servers: 4
server:
  name: box
  accelerator: {}
  accelerators: 8
  scale_up: {kind: nvlink, bandwidth: 300 GB/s, latency: 0.2 us, switches: 6}
  cpu: {launch_time: 4 us, socket_link: {bandwidth: 96 GB/s, latency: 0.1 us}}
  sockets: 2
  pcie: {bandwidth: 32 GB/s, latency: 0.25 us, devices_per_switch: 2}
  nic: {bandwidth: 200 Gbit/s, latency: 0.3 us}
  nics: 8
fabric:
  leaf: {ports: 40, port_bandwidth: 200 Gbit/s, latency: 0.13 us}
  spine: {ports: 40, port_bandwidth: 200 Gbit/s, latency: 0.13 us}
  cable_latency: 0.05 us
)";

using Changes = std::vector<std::pair<std::string, std::string>>;

/// kSystem with values at dotted paths replaced.
inline Node system_with(const Changes& changes) {
  Node node = parse_yaml(kSystem, "test.yaml");
  for (const auto& [path, value] : changes) {
    node = node.with_value_at(path, parse_yaml(value, "change.yaml"));
  }
  return node;
}

/// @throws ConfigError with every mistake.
inline Platform platform_of(const Node& system) {
  Diagnostics diagnostics;
  Reader reader(system, "system", diagnostics);
  Platform platform(reader, make_fake);
  diagnostics.throw_if_any();
  return platform;
}

inline Platform platform_with(const Changes& changes) { return platform_of(system_with(changes)); }

/// Every part of a small machine, every switch by itself.
inline MachinePart whole(const Platform& platform) {
  std::vector<int> servers(static_cast<std::size_t>(platform.servers()));
  std::iota(servers.begin(), servers.end(), 0);
  return platform.part(servers, true);
}

/// A part refers to its platform.
MachinePart whole(Platform&&) = delete;

inline int find(const Platform& platform, const std::string& name) {
  return whole(platform).find(name);
}

inline Route route(const Platform& platform, const std::string& from, const std::string& to) {
  const MachinePart part = whole(platform);
  return part.route(part.find(from), part.find(to));
}

/// The kinds of a route's links, separated by blanks.
inline std::string kinds(const Platform& platform, const Route& route) {
  std::string text;
  const MachinePart part = whole(platform);
  for (const int link : route.links) {
    text += (text.empty() ? "" : " ") + part.links()[static_cast<std::size_t>(link)].kind;
  }
  return text;
}

inline int count(const Platform& platform, ComponentKind kind) {
  int result = 0;
  const MachinePart part = whole(platform);
  for (const Component& component : part.components()) result += component.kind == kind ? 1 : 0;
  return result;
}

// Sums of a few doubles: equal to the last digits.
constexpr double kExact = 1e-12;

inline double microseconds_of(Seconds time) { return time.si() * 1e6; }
inline double gigabytes_per_second(BytesPerSecond rate) { return rate.si() / 1e9; }

/// DGX-1 with V100: four links of 25 GB/s where two are joined twice; PCIe and sockets
/// beside.
inline constexpr const char* kCubeMesh = R"(
name: cube mesh
server:
  accelerator: {}
  accelerators: 8
  scale_up: {kind: links}
  links:
    - {kind: nvlink, bandwidth: 50 GB/s, latency: 0.7 us, between: [[gpu0, gpu3], [gpu0, gpu4], [gpu1, gpu2], [gpu1, gpu5], [gpu2, gpu3], [gpu4, gpu7], [gpu5, gpu6], [gpu6, gpu7]]}
    - {kind: nvlink, bandwidth: 25 GB/s, latency: 0.7 us, between: [[gpu0, gpu1], [gpu0, gpu2], [gpu1, gpu3], [gpu2, gpu6], [gpu3, gpu7], [gpu4, gpu5], [gpu4, gpu6], [gpu5, gpu7]]}
  cpu: {launch_time: 4 us, socket_link: {bandwidth: 19 GB/s, latency: 0.1 us}}
  pcie: {bandwidth: 16 GB/s, latency: 1 us, devices_per_switch: 2}
)";

}  // namespace orrery::platform_test
