#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <span>
#include <utility>

#include <orrery/node.hpp>

namespace orrery {
namespace {

/// One step of a path: into the key of a map, or into an item of a sequence.
struct Step {
  std::string key;
  std::optional<std::size_t> index = std::nullopt;
  std::string so_far;  ///< the path up to and with this step
};

[[noreturn]] void reject(const std::string& path, const std::string& what) {
  throw ConfigError(fmt::format("path '{}': {}", path, what));
}

/// Reads "[2]" at `position` and moves past it.
std::size_t take_index(const std::string& path, std::size_t& position) {
  std::size_t index = 0;
  const char* const end = path.data() + path.size();
  const auto [stop, failure] = std::from_chars(path.data() + position + 1, end, index);
  if (failure != std::errc{} || stop == end || *stop != ']') {
    reject(path, "malformed index; expected a number from 0 in brackets such as 'stages[2]'");
  }
  position = static_cast<std::size_t>(stop - path.data()) + 1;
  return index;
}

std::vector<Step> steps_of(const std::string& path) {
  std::vector<Step> steps;
  std::size_t position = 0;
  for (bool more = true; more;) {
    const std::size_t end = std::min(path.find_first_of(".[", position), path.size());
    if (end == position) reject(path, "empty step; expected keys such as 'workload.ranks'");
    steps.push_back({.key = path.substr(position, end - position), .so_far = path.substr(0, end)});
    position = end;
    while (position < path.size() && path[position] == '[') {
      const std::size_t index = take_index(path, position);
      steps.push_back({.key = "", .index = index, .so_far = path.substr(0, position)});
    }
    more = position < path.size();
    if (more && path[position++] != '.') reject(path, "expected '.' or the end after ']'");
  }
  return steps;
}

std::string place_of(const Node& node) {
  const std::string place = node.where().text();
  return place.empty() ? "" : fmt::format(" ({})", place);
}

/// Replaces what `steps` lead to from a node; keeps the whole path for messages.
class Replacement {
 public:
  Replacement(const std::string& path, const Node& value) : path_(path), value_(value) {}

  Node apply(const Node& node, std::span<const Step> steps, const std::string& name) const {
    if (steps.empty()) return value_;
    return steps.front().index ? in_sequence(node, steps, name) : in_map(node, steps, name);
  }

 private:
  Node in_map(const Node& node, std::span<const Step> steps, const std::string& name) const {
    const bool empty = node.kind() == Node::Kind::Null;  // "run:" with nothing below it
    if (node.kind() != Node::Kind::Map && !empty) {
      reject(path_, fmt::format("{}{} is no map", name, place_of(node)));
    }
    std::vector<Node::Entry> entries = node.entries();
    auto entry = std::ranges::find(entries, steps.front().key, &Node::Entry::key);
    if (entry == entries.end()) {
      // Below the top level a map may be missing, for its entry may come from the library; whoever
      // reads it reports a misspelt key.
      const bool top = steps.front().so_far == steps.front().key;
      if (steps.size() > 1 && top) reject_missing(node, steps.front().key, name);
      entry = entries.insert(entry, {steps.front().key, value_.where(), Node()});
    }
    entry->value = apply(entry->value, steps.subspan(1), quoted(steps.front()));
    return Node::map(std::move(entries), empty ? value_.where() : node.where());
  }

  Node in_sequence(const Node& node, std::span<const Step> steps, const std::string& name) const {
    if (node.kind() != Node::Kind::Sequence) {
      reject(path_, fmt::format("{}{} is no sequence", name, place_of(node)));
    }
    std::vector<Node> items = node.items();
    const std::size_t index = *steps.front().index;
    if (index >= items.size()) {
      reject(path_, fmt::format("no item {} in {}{}; it has {} item(s), counted from 0", index,
                                name, place_of(node), items.size()));
    }
    items[index] = apply(items[index], steps.subspan(1), quoted(steps.front()));
    return Node::sequence(std::move(items), node.where());
  }

  [[noreturn]] void reject_missing(const Node& node, const std::string& key,
                                   const std::string& name) const {
    std::vector<std::string> keys;
    for (const Node::Entry& entry : node.entries()) keys.push_back(entry.key);
    reject(path_, fmt::format("no key '{}' in {}{}{}", key, name, place_of(node),
                              did_you_mean(key, keys)));
  }

  static std::string quoted(const Step& step) { return fmt::format("'{}'", step.so_far); }

  const std::string& path_;
  const Node& value_;
};

}  // namespace

Node Node::with_value_at(const std::string& path, const Node& value) const {
  return Replacement(path, value).apply(*this, steps_of(path), "the top level");
}

}  // namespace orrery
