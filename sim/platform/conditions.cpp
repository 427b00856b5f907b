#include "platform/conditions.hpp"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "platform/system_keys.hpp"

namespace orrery {
namespace {

// `*`, or a name that ends in a number: -1 for any, nothing when it is neither.
std::optional<int> number_after(std::string_view text, std::initializer_list<const char*> names) {
  if (text == "*") return -1;
  for (const std::string_view name : names) {
    if (text.substr(0, name.size()) != name) continue;
    const std::string_view rest = text.substr(name.size());
    if (rest == "*") return -1;
    if (rest.empty() || rest.front() == '-') return std::nullopt;
    int value = 0;
    const auto [end, problem] = std::from_chars(rest.data(), rest.data() + rest.size(), value);
    if (problem == std::errc() && end == rest.data() + rest.size() && !rest.empty()) return value;
  }
  return std::nullopt;
}

/// Devices by name, such as server3.gpu5, *.gpu7 or server9.*.
struct Pattern {
  int server = -1;  ///< -1: all
  int device = -1;
};

Pattern pattern_of(Reader& reader, const std::string& text, const PlatformSpec& spec) {
  const std::size_t dot = text.find('.');
  const auto server = number_after(std::string_view(text).substr(0, dot), {"server", "slice"});
  const auto device =
      dot == std::string::npos
          ? std::nullopt
          : number_after(std::string_view(text).substr(dot + 1), {"gpu", "tpu", "device"});
  if (!server || !device || *server >= spec.servers || *device >= spec.server.devices) {
    if (reader.has("devices")) {
      reader.error("devices",
                   fmt::format("devices: expected names of devices such as server0.gpu3, *.gpu7 "
                               "or server0.*, up to server{}.gpu{}; got '{}'",
                               spec.servers - 1, spec.server.devices - 1, text));
    }
    return {};
  }
  return {.server = *server, .device = *device};
}

std::vector<int> matching(const Pattern& pattern, const PlatformSpec& spec) {
  std::vector<int> devices;
  for (int server = 0; server < spec.servers; ++server) {
    if (pattern.server >= 0 && pattern.server != server) continue;
    for (int device = 0; device < spec.server.devices; ++device) {
      if (pattern.device >= 0 && pattern.device != device) continue;
      devices.push_back(server * spec.server.devices + device);
    }
  }
  return devices;
}

void check_build(Reader& reader, const ServerSpec& other, const PlatformSpec& spec) {
  if (other.devices == spec.server.devices && other.nics == spec.server.nics) return;
  reader.error("server", fmt::format("server: all servers of a system have as many accelerators "
                                     "and NICs; expected {} and {}; got {} and {} in {}",
                                     spec.server.devices, spec.server.nics, other.devices,
                                     other.nics, other.name));
}

}  // namespace

int Conditions::of(int device) const {
  const auto found = of_device_.find(device);
  return found == of_device_.end() ? 0 : found->second;
}

void Conditions::set(int device, const Condition& condition) {
  const auto known = std::find(all_.begin(), all_.end(), condition);
  const auto index = static_cast<int>(known - all_.begin());
  if (known == all_.end()) all_.push_back(condition);
  if (index == 0) {
    of_device_.erase(device);
  } else {
    of_device_[device] = index;
  }
}

void Conditions::single_out(std::span<const int> servers, int devices_per_server) {
  for (std::size_t i = 0; i < servers.size(); ++i) {
    for (int device = 0; device < devices_per_server; ++device) {
      const int index = servers[i] * devices_per_server + device;
      Condition condition = all_[static_cast<std::size_t>(of(index))];
      condition.singled_out = static_cast<int>(i) + 1;
      set(index, condition);
    }
  }
}

Conditions Conditions::of(const SystemKeys& keys, Reader& system, const PlatformSpec& spec,
                          const AcceleratorFactory& make) {
  Conditions result;
  int last = spec.servers;  // servers of other builds fill the machine from its end
  std::vector<Reader> mixed = system.children("mixed", false);
  for (std::size_t i = 0; i < mixed.size(); ++i) {
    Reader reader = mixed[i].child("server", false);
    ServerSpec server = make_server(reader, keys.mixed[i].server, make);
    check_build(mixed[i], server, spec);
    result.builds_.push_back(std::move(server));
    const int count = keys.mixed[i].servers;
    if (count >= last) {
      mixed[i].error("servers",
                     fmt::format("servers: expected fewer than the {} that are left of the "
                                 "system's {}; got {}",
                                 last, spec.servers, count));
      continue;
    }
    for (int index = (last - count) * spec.server.devices; index < last * spec.server.devices;
         ++index) {
      result.set(index, {.build = static_cast<int>(result.builds_.size())});
    }
    last -= count;
  }
  std::vector<Reader> degraded = system.children("degraded", false);
  for (std::size_t i = 0; i < degraded.size(); ++i) {
    const DegradedKeys& ratios = keys.degraded[i];
    for (const int device : matching(pattern_of(degraded[i], ratios.devices, spec), spec)) {
      Condition condition = result.all_[static_cast<std::size_t>(result.of(device))];
      condition.clock *= ratios.clock;
      condition.scale_up *= ratios.scale_up;
      condition.scale_out *= ratios.scale_out;
      result.set(device, condition);
    }
  }
  return result;
}

}  // namespace orrery
