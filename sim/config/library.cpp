#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>
#include <set>
#include <system_error>
#include <utility>

#include <orrery/node.hpp>
#include <orrery/reader.hpp>

namespace orrery {
namespace {

namespace fs = std::filesystem;

constexpr const char* kUse = "use";

[[noreturn]] void reject(const Location& where, const std::string& what) {
  const std::string place = where.text();
  throw ConfigError(place.empty() ? what : place + ": " + what);
}

Node without(const Node& map, const std::string& key) {
  std::vector<Node::Entry> rest = map.entries();
  std::erase_if(rest, [&](const Node::Entry& entry) { return entry.key == key; });
  return Node::map(std::move(rest), map.where());
}

/// "kind/name", without steps out of the library.
bool is_entry_name(const std::string& entry) {
  const fs::path path(entry);
  const auto is_step = [](const fs::path& step) {
    return !step.empty() && step != "." && step != "..";
  };
  return path.is_relative() && std::distance(path.begin(), path.end()) >= 2 &&
         std::all_of(path.begin(), path.end(), is_step) && path.extension() != ".yaml";
}

/// The paths in a folder; none when it cannot be read.
std::vector<fs::path> paths_in(const fs::path& folder) {
  std::vector<fs::path> paths;
  std::error_code failure;
  for (fs::directory_iterator i(folder, failure), end; !failure && i != end; i.increment(failure)) {
    paths.push_back(i->path());
  }
  return paths;
}

/// What to try instead of an unknown entry: a near one of its kind or of all, else all of its kind.
std::string advice_for(const std::string& entry, const std::vector<std::string>& all) {
  const std::string kind = entry.substr(0, entry.find('/') + 1);
  std::vector<std::string> same_kind;
  std::ranges::copy_if(all, std::back_inserter(same_kind),
                       [&](const std::string& other) { return other.starts_with(kind); });
  if (std::string near = did_you_mean(entry, same_kind); !near.empty()) return near;
  if (std::string near = did_you_mean(entry, all); !near.empty()) return near;
  constexpr const char* kElsewhere =
      "; --library DIR names another folder, such as CHECKOUT/configs";
  if (same_kind.empty()) return kElsewhere;
  return fmt::format("; expected one of {}{}", fmt::join(same_kind, ", "), kElsewhere);
}

}  // namespace

Library::Library(std::vector<fs::path> folders) : folders_(std::move(folders)) {}

std::vector<std::string> Library::entries() const {
  std::set<std::string> names;
  for (const fs::path& folder : folders_) {
    for (const fs::path& kind : paths_in(folder)) {
      for (const fs::path& file : paths_in(kind)) {
        if (file.extension() != ".yaml") continue;
        names.insert(kind.filename().string() + "/" + file.stem().string());
      }
    }
  }
  return {names.begin(), names.end()};
}

fs::path Library::file_of(const std::string& entry, const Location& from) const {
  if (!is_entry_name(entry)) {
    reject(from, fmt::format("malformed library entry; expected 'kind/name' without '.yaml' such "
                             "as 'accelerators/h100-sxm'; got '{}'",
                             entry));
  }
  std::vector<std::string> searched;
  for (const fs::path& folder : folders_) {
    const fs::path file = folder / (entry + ".yaml");
    std::error_code ignored;
    if (fs::exists(file, ignored)) return file;
    searched.push_back(folder.string());
  }
  if (searched.empty()) searched.emplace_back("no folder");
  reject(from, fmt::format("unknown library entry '{}'; searched in {}{}", entry,
                           fmt::join(searched, ", "), advice_for(entry, entries())));
}

Node Library::resolve(const Node& tree) const {
  std::vector<std::string> chain;
  return resolve(tree, chain);
}

Node Library::load_entry(const Node& use, std::vector<std::string>& chain) const {
  if (use.kind() != Node::Kind::Scalar) {
    reject(use.where(),
           "'use' without a name; expected a library entry such as "
           "'accelerators/h100-sxm'");
  }
  const fs::path file = file_of(use.text(), use.where());
  // A `use` that a scenario wrote below another is finite; only entries can go round in circles.
  const bool written_by_entry = std::ranges::count(files_read_, fs::path(use.where().file)) > 0;
  if (written_by_entry && std::ranges::count(chain, use.text()) > 0) {
    reject(use.where(), fmt::format("library entries use each other in a cycle: {} -> {}",
                                    fmt::join(chain, " -> "), use.text()));
  }
  chain.push_back(use.text());
  Node entry = load_yaml(file);
  const auto place = std::ranges::lower_bound(files_read_, file);
  if (place == files_read_.end() || *place != file) files_read_.insert(place, file);
  if (entry.kind() == Node::Kind::Map) return entry;
  reject(entry.where(), "a library entry that is no map; expected lines such as 'name: value'");
}

Node Library::resolve(const Node& tree, std::vector<std::string>& chain) const {
  Node node = tree;
  // Keys beside `use` are laid over the entry before anything below is resolved, so that an
  // override of a nested `use` swaps that entry instead of mixing two.
  while (const Node* use = node.find(kUse)) {
    const Node own = without(node, kUse);
    node = load_entry(*use, chain).merged_with(own);
  }
  Diagnostics diagnostics;
  const auto resolved = [&](const Node& child) {
    std::vector<std::string> chain_below = chain;
    try {
      return resolve(child, chain_below);
    } catch (const ConfigError& error) {
      for (const std::string& message : error.messages()) diagnostics.error(message);
      return Node();
    }
  };
  std::vector<Node> items;
  for (const Node& item : node.items()) items.push_back(resolved(item));
  std::vector<Node::Entry> entries;
  for (const auto& [key, where, value] : node.entries()) {
    entries.push_back({key, where, resolved(value)});
  }
  diagnostics.throw_if_any();
  if (node.kind() == Node::Kind::Sequence) return Node::sequence(std::move(items), node.where());
  return node.kind() == Node::Kind::Map ? Node::map(std::move(entries), node.where()) : node;
}

}  // namespace orrery
