// The links of some servers as text.
#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "platform/index.hpp"
#include "platform/part_graph.hpp"

namespace orrery {
namespace {

// From this many on, names that count up are written as their first and last.
constexpr std::size_t kShortestRun = 3;

/// "gpu12" as "gpu" and 12.
struct NumberedName {
  std::string stem;
  std::optional<std::int64_t> number;

  explicit NumberedName(const std::string& name) : stem(name) {
    const std::size_t digits = name.find_last_not_of("0123456789") + 1;
    if (digits == 0 || digits == name.size()) return;
    stem = name.substr(0, digits);
    number = std::stoll(name.substr(digits));
  }
  [[nodiscard]] bool follows(const NumberedName& before) const {
    return stem == before.stem && number && before.number && *number == *before.number + 1;
  }
};

/// "gpu0 to gpu7, nic0, 2 x nic1": equal names stand one after the other.
std::string in_runs(const std::vector<std::string>& names) {
  std::vector<std::pair<std::string, int>> counted;
  for (const std::string& name : names) {
    if (counted.empty() || counted.back().first != name) counted.emplace_back(name, 0);
    ++counted.back().second;
  }
  std::string text;
  for (std::size_t begin = 0, end = 0; begin < counted.size(); begin = end) {
    const auto& [first, count] = counted[begin];
    for (end = begin + 1; end < counted.size() && counted[end].second == count; ++end) {
      if (!NumberedName(counted[end].first).follows(NumberedName(counted[end - 1].first))) break;
    }
    if (end - begin < kShortestRun) end = begin + 1;
    text += fmt::format("{}{}{}", text.empty() ? "" : ", ",
                        count > 1 ? fmt::format("{} x ", count) : "", first);
    if (end - begin > 1) text += " to " + counted[end - 1].first;
  }
  return text;
}

/// "server0." of "server0.gpu3"; empty for a switch of the fabric.
std::string server_of(const std::string& name) { return name.substr(0, name.find('.') + 1); }

/// What `name` is called among the parts of `from`, or in its server.
std::string seen_from(const std::string& from, const std::string& name) {
  const std::string own = from + ".", server = server_of(from);
  if (name.starts_with(own)) return name.substr(own.size());
  return !server.empty() && name.starts_with(server) ? name.substr(server.size()) : name;
}

class Drawing {
 public:
  explicit Drawing(const MachineGraph& machine)
      : machine_(machine), ends_(machine.components.size()) {
    for (const Link& link : machine.links) {
      ends_[index(link.from)].push_back({link.to, &link.kind, link.bandwidth, link.back});
      ends_[index(link.to)].push_back({link.from, &link.kind, link.back, link.bandwidth});
    }
  }

  std::string text() {
    for (std::size_t i = 0; i < ends_.size(); ++i) {
      const Component& one = machine_.components[i];
      // A memory hangs on what it belongs to, and is drawn there.
      if (one.kind == ComponentKind::Memory || one.kind == ComponentKind::Dram) continue;
      std::string lines = lines_of(i);
      const bool joins =
          !names_.empty() && lines == lines_ && server_of(one.name) == server_of(names_.front());
      if (!joins) flush();
      names_.push_back(one.name);
      lines_ = std::move(lines);
    }
    flush();
    return std::move(text_);
  }

 private:
  /// A link as one of its ends sees it.
  struct End {
    int other = 0;
    const std::string* kind = nullptr;
    BytesPerSecond out{}, in{};
  };

  // Links of equal kind and bandwidths share a line, in the order of the first of them.
  std::string lines_of(std::size_t component) {
    std::vector<End>& ends = ends_[component];
    std::stable_sort(ends.begin(), ends.end(),
                     [](const End& a, const End& b) { return a.other < b.other; });
    const std::string& own = machine_.components[component].name;
    std::vector<std::pair<std::string, std::vector<std::string>>> lines;
    for (const End& end : ends) {
      const std::string wire = fmt::format("  {:<8} {}", *end.kind, bandwidth_of(end));
      auto line = std::find_if(lines.begin(), lines.end(),
                               [&](const auto& known) { return known.first == wire; });
      if (line == lines.end()) line = lines.insert(lines.end(), {wire, {}});
      line->second.push_back(seen_from(own, machine_.components[index(end.other)].name));
    }
    std::string text;
    for (const auto& [wire, names] : lines) text += fmt::format("{}  {}\n", wire, in_runs(names));
    return text;
  }

  static std::string bandwidth_of(const End& end) {
    if (end.out == end.in) return fmt::format("{:<12}", to_text(end.out));
    return fmt::format("{} out, {} in", to_text(end.out), to_text(end.in));
  }

  void flush() {
    if (!lines_.empty()) {
      const std::string server = server_of(names_.front());
      for (std::string& name : names_) name = name.substr(server.size());
      text_ += server + in_runs(names_) + "\n" + lines_;
    }
    names_.clear();
    lines_.clear();
  }

  const MachineGraph& machine_;
  std::vector<std::vector<End>> ends_;  // by component
  std::vector<std::string> names_;      // of components with equal lines, not yet written
  std::string lines_;
  std::string text_;
};

}  // namespace

std::string MachinePart::drawing() const { return Drawing(graph_->machine).text(); }

}  // namespace orrery
