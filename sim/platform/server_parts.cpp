// Parts that a server has besides its devices, and the links that it lists one by one.
#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "platform/platform_spec.hpp"

namespace orrery {
namespace {

struct PartKind {
  const char* name;
  ComponentKind kind;
};
constexpr PartKind kPartKinds[] = {
    {"gpu", ComponentKind::Device},    {"tpu", ComponentKind::Device},
    {"device", ComponentKind::Device}, {"pcie_switch", ComponentKind::PcieSwitch},
    {"cpu", ComponentKind::Cpu},       {"nic", ComponentKind::Nic}};

int parts_of(const ServerSpec& spec, ComponentKind kind) {
  switch (kind) {
    case ComponentKind::Device:
      return spec.devices;
    case ComponentKind::PcieSwitch:
      return spec.pcie_switches();
    case ComponentKind::Cpu:
      return spec.sockets;
    case ComponentKind::Nic:
      return spec.nics;
    default:
      return 0;
  }
}

std::optional<int> number(std::string_view text) {
  int value = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = problem == std::errc() && end == text.data() + text.size();
  return whole && value >= 0 ? std::optional(value) : std::nullopt;
}

std::optional<PartName> part_named(std::string_view text, const ServerSpec& spec) {
  for (const PartKind& part : kPartKinds) {
    const std::string_view name = part.name;
    if (text.substr(0, name.size()) != name) continue;
    const std::optional<int> index = number(text.substr(name.size()));
    if (index && *index < parts_of(spec, part.kind)) return PartName{part.kind, *index};
  }
  return std::nullopt;
}

std::string parts_in_words(const ServerSpec& spec) {
  std::string text;
  for (const PartKind& part : kPartKinds) {
    const int count = parts_of(spec, part.kind);
    const bool other_name = part.kind == ComponentKind::Device && part.name != kPartKinds[0].name;
    if (count == 0 || other_name) continue;
    text += fmt::format("{}{}0 to {}{}", text.empty() ? "" : ", ", part.name, part.name, count - 1);
  }
  return text;
}

/// Reads `between` of one entry of `links`.
class Ends {
 public:
  Ends(Reader& reader, const ServerSpec& spec) : reader_(reader), spec_(spec) {}

  std::vector<std::pair<PartName, PartName>> read() {
    const Node list = reader_.raw("between");
    if (list.kind() != Node::Kind::Sequence || list.items().empty()) {
      refuse("pairs such as [[gpu0, gpu1], [gpu2, gpu3]]", list);
      return {};
    }
    std::vector<std::pair<PartName, PartName>> pairs;
    for (const Node& pair : list.items()) read_pair(pair, pairs);
    return pairs;
  }

 private:
  void read_pair(const Node& pair, std::vector<std::pair<PartName, PartName>>& pairs) {
    if (pair.kind() != Node::Kind::Sequence || pair.items().size() != 2) {
      refuse("a pair such as [gpu0, gpu1]", pair);
      return;
    }
    const auto from = read_part(pair.items().front());
    const auto to = read_part(pair.items().back());
    if (!from || !to) return;
    if (from->kind == to->kind && from->index == to->index) {
      refuse("two different parts", pair);
      return;
    }
    pairs.emplace_back(*from, *to);
  }

  std::optional<PartName> read_part(const Node& name) {
    const bool scalar = name.kind() == Node::Kind::Scalar;
    const auto part = scalar ? part_named(name.text(), spec_) : std::nullopt;
    if (!part) refuse(fmt::format("a part of the server: {}", parts_in_words(spec_)), name);
    return part;
  }

  void refuse(const std::string& expected, const Node& got) {
    const bool scalar = got.kind() == Node::Kind::Scalar;
    reader_.diagnostics().error(
        got.kind() == Node::Kind::Null ? reader_.where() : got.where(),
        fmt::format("between: expected {}; got {}", expected,
                    scalar ? fmt::format("'{}'", got.text()) : std::string("something else")));
  }

  Reader& reader_;
  const ServerSpec& spec_;
};

}  // namespace

std::vector<ListedLinks> read_links(Reader& server, const ServerSpec& spec) {
  std::vector<ListedLinks> result;
  for (Reader& reader : server.children("links", false)) {
    ListedLinks links;
    links.kind = reader.choice<std::string>(
        "kind", {{"nvlink", "nvlink"}, {"pcie", "pcie"}, {"upi", "upi"}});
    links.wire = read_wire(reader);
    links.between = Ends(reader, spec).read();
    ignore_prose(reader);
    reader.finish();
    result.push_back(std::move(links));
  }
  return result;
}

DriveSpec read_drives(Reader& server) {
  DriveSpec drives;
  if (!server.has("storage")) {
    server.ignore("storage");
    return drives;
  }
  Reader reader = server.child("storage");
  drives.count = read_count(reader, "count", std::nullopt, 0);
  drives.read = reader.quantity<BytesPerSecond>("read", BytesPerSecond(0));
  drives.write = reader.quantity<BytesPerSecond>("write", BytesPerSecond(0));
  if ((drives.read > BytesPerSecond(0)) != (drives.write > BytesPerSecond(0))) {
    const char* key = drives.read > BytesPerSecond(0) ? "write" : "read";
    reader.error(key, fmt::format("{}: expected a bandwidth above 0 beside the other one", key));
  }
  drives.latency = reader.quantity<Seconds>("latency", Seconds(0));
  drives.on_pcie_switches =
      reader.choice<bool>("on", {{"cpu", false}, {"pcie_switch", true}}, false);
  drives.power = read_draw(reader);
  reader.text_or("name", "");
  ignore_prose(reader);
  reader.finish();
  return drives;
}

HostMemorySpec read_host_memory(Reader& server) {
  HostMemorySpec memory;
  if (!server.has("memory")) {
    server.ignore("memory");
    return memory;
  }
  Reader reader = server.child("memory");
  memory.count = read_count(reader, "count", std::nullopt, 0);
  memory.per_socket = reader.quantity<BytesPerSecond>("channel_bandwidth", BytesPerSecond(0)) *
                      static_cast<double>(read_count(reader, "channels", 1));
  memory.power = read_draw(reader);
  reader.text_or("name", "");
  ignore_prose(reader);
  reader.finish();
  return memory;
}

}  // namespace orrery
