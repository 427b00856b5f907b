// Parts that a server has besides its devices, and the links that it lists one by one.
#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "platform/server_keys.hpp"

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

/// "'gpu9'", "a list of 3", "a map": what stands where something else is expected.
std::string in_words(const Node& node) {
  switch (node.kind()) {
    case Node::Kind::Scalar:
      return fmt::format("'{}'", node.text());
    case Node::Kind::Sequence:
      return node.items().empty() ? "an empty list"
                                  : fmt::format("a list of {}", node.items().size());
    case Node::Kind::Map:
      return "a map";
    case Node::Kind::Null:
      break;
  }
  return "nothing";
}

/// Reads `between` of one entry of `links`.
class Ends {
 public:
  Ends(Reader& reader, const ServerSpec& spec) : reader_(reader), spec_(spec) {}

  std::vector<std::pair<PartName, PartName>> read(const Node& list) {
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
      refuse("two different parts", pair.items().front());
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
    reader_.diagnostics().error(
        got.kind() == Node::Kind::Null ? reader_.where() : got.where(),
        fmt::format("between: expected {}; got {}", expected, in_words(got)));
  }

  Reader& reader_;
  const ServerSpec& spec_;
};

}  // namespace

const Schema<LinkKeys>& link_schema() {
  using namespace schema;
  using L = LinkKeys;
  static const Schema<L> result(
      "links",
      std::vector{
          required("kind", &L::kind,
                   Choices<std::string>{{"nvlink", "nvlink"}, {"pcie", "pcie"}, {"upi", "upi"}},
                   "what the wires are")} +
          inlined(&L::wire, wire_fields("of each wire, in each direction", "of each wire")) +
          std::vector{
              custom<L>({.key = "between",
                         .list = true,
                         .doc = "pairs of parts: `[[gpu0, gpu1], [pcie_switch0, cpu0], "
                                "[nic0, cpu1]]`"},
                        [](Reader& reader, L& keys) { keys.between = reader.raw("between"); })});
  return result;
}

std::vector<ListedLinks> make_links(Reader& server, const std::vector<LinkKeys>& keys,
                                    const ServerSpec& spec) {
  std::vector<ListedLinks> result;
  std::vector<Reader> readers = server.children("links", false);
  for (std::size_t i = 0; i < readers.size(); ++i) {
    result.push_back({.kind = keys[i].kind,
                      .wire = keys[i].wire,
                      .between = Ends(readers[i], spec).read(keys[i].between)});
  }
  return result;
}

const Schema<DriveSpec>& drive_schema() {
  using namespace schema;
  using D = DriveSpec;
  static const Schema<D> result(
      "storage",
      {label<D>(), required("count", &D::count, parts(0), "of drives, all alike"),
       otherwise("", optional("read", &D::read,
                              "of one; without `read` and `write` nothing can "
                              "be copied from or to them")),
       otherwise("", optional("write", &D::write, "likewise")),
       optional("latency", &D::latency, within(Seconds(0), kLongestLatency), "of one"),
       optional("on", &D::on_pcie_switches, Choices<bool>{{"cpu", false}, {"pcie_switch", true}},
                "where they are dealt to, in order: sockets or PCIe switches"),
       entry("power", optional("power", &D::power, &draw_schema(), "of one"))},
      [](Reader& reader, const D& drives) {
        const BytesPerSecond none(0);
        if ((drives.read > none) == (drives.write > none)) return;
        const char* key = drives.read > none ? "write" : "read";
        reader.error(key,
                     fmt::format("{}: expected a bandwidth above 0 beside the other one", key));
      });
  return result;
}

const Schema<HostMemoryKeys>& host_memory_schema() {
  using namespace schema;
  using M = HostMemoryKeys;
  static const Schema<M> result(
      "memory", {label<M>(), required("count", &M::count, parts(0), "of modules, all alike"),
                 otherwise("", optional("channel_bandwidth", &M::channel_bandwidth,
                                        "without it the memory limits no copy")),
                 optional("channels", &M::channels, parts(1), "of a socket"),
                 entry("power", optional("power", &M::power, &draw_schema(), "of one module"))});
  return result;
}

}  // namespace orrery
