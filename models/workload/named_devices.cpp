#include "workload/named_devices.hpp"

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include <orrery/error.hpp>

namespace orrery::workload {
namespace {

std::optional<int> device_of(const std::string& text, const Platform& platform) {
  int index = -1;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), index);
  const bool number = problem == std::errc() && end == text.data() + text.size();
  if (!number) return platform.find_device(text);
  return index >= 0 && index < platform.devices() ? std::optional(index) : std::nullopt;
}

}  // namespace

std::vector<int> devices_of(const std::vector<NamedDevice>& named, const Platform& platform) {
  std::vector<int> devices;
  std::vector<std::string> errors;
  std::map<int, const NamedDevice*> known;
  for (const NamedDevice& one : named) {
    const std::optional<int> device = device_of(one.text, platform);
    if (!device) {
      errors.push_back(fmt::format(
          "{}: devices: {} has no such device; expected a number from 0 to {} or a name from {} to "
          "{}; got '{}'",
          one.where.text(), platform.name(), platform.devices() - 1, platform.device_name(0),
          platform.device_name(platform.devices() - 1), one.text));
      continue;
    }
    const auto [first, added] = known.emplace(*device, &one);
    if (!added) {
      errors.push_back(fmt::format(
          "{}: devices: {} is there already, at {}; expected each device "
          "once; got '{}'",
          one.where.text(), platform.device_name(*device), first->second->where.text(), one.text));
    }
    devices.push_back(*device);
  }
  if (!errors.empty()) throw ConfigError(std::move(errors));
  return devices;
}

namespace {

// The first two of these devices between which there is no way; none where all are joined.
std::optional<std::pair<int, int>> first_apart(std::span<const int> devices,
                                               const Platform& platform) {
  const int per_server = platform.devices_per_server();
  std::vector<int> servers;
  for (const int device : devices) servers.push_back(device / per_server);
  std::sort(servers.begin(), servers.end());
  servers.erase(std::unique(servers.begin(), servers.end()), servers.end());
  const MachinePart part = platform.part(servers);
  const int first = devices.front();
  for (const int other : devices.subspan(1)) {
    const int from = part.component_of_device(first), to = part.component_of_device(other);
    if (!part.copy(from, to)) return std::pair(first, other);
  }
  return std::nullopt;
}

}  // namespace

bool joined(const GroupLayout& layout) {
  const BytesPerSecond none(0);
  const bool inside = layout.ranks_per_server < 2 || layout.within.ring.bandwidth > none;
  const bool across = layout.servers < 2 || layout.between.ring.bandwidth > none;
  return inside && across;
}

std::string apart_in_words(std::span<const int> devices, const Platform& platform) {
  const auto apart = first_apart(devices, platform);
  const std::string which =
      apart ? fmt::format("no links lead from {} to {}", platform.device_name(apart->first),
                          platform.device_name(apart->second))
            : std::string("no links join these devices");
  return which +
         "; expected devices that the system joins (`orrery check FILE --draw` prints its links)";
}

std::vector<NamedDevice> read_devices(Reader& reader, bool required) {
  std::vector<NamedDevice> devices;
  if (!reader.has("devices")) {
    if (required) (void)reader.texts("devices");
    return devices;
  }
  const Node list = reader.raw("devices");
  for (const Node& item : list.items()) {
    if (item.kind() != Node::Kind::Scalar) {
      reader.diagnostics().error(item.where(),
                                 "devices: expected a number or a name such as server0.gpu3");
    }
    devices.push_back({.text = item.text(), .where = item.where()});
  }
  if (list.kind() != Node::Kind::Sequence || devices.size() < 2) {
    reader.error("devices",
                 fmt::format("devices: expected a list of at least two devices, such as "
                             "[0, 2] or [server0.gpu0, server1.gpu0]; got {}",
                             list.kind() == Node::Kind::Sequence ? std::to_string(devices.size())
                                                                 : "'" + list.text() + "'"));
  }
  return devices;
}

const schema::Choices<CollectiveKind>& collective_choices() {
  static const schema::Choices<CollectiveKind> choices = {
      {"all_reduce", CollectiveKind::AllReduce},         {"all_gather", CollectiveKind::AllGather},
      {"reduce_scatter", CollectiveKind::ReduceScatter}, {"all_to_all", CollectiveKind::AllToAll},
      {"broadcast", CollectiveKind::Broadcast},          {"send_recv", CollectiveKind::SendRecv}};
  return choices;
}

}  // namespace orrery::workload
