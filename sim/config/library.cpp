#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <mutex>
#include <set>
#include <system_error>
#include <utility>

#include <orrery/node.hpp>
#include <orrery/reader.hpp>

#include "config/yaml_file.hpp"

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

/// What was read so far.
class Library::Entries {
 public:
  struct Entry {
    Node tree;
    InputFile file;
  };
  /// The entry in `file`, read on the first call. Valid as long as this lives.
  const Entry& read(const fs::path& file) {
    const std::lock_guard lock(mutex_);
    const auto known = entries_.find(file.string());
    if (known != entries_.end()) return known->second;
    Entry entry{.tree = {}, .file = {.path = file.generic_string(), .sha256 = ""}};
    entry.tree = load_yaml(file, entry.file.sha256);
    return entries_.emplace(file.string(), std::move(entry)).first->second;
  }
  bool was_read(const std::string& file) {
    const std::lock_guard lock(mutex_);
    return entries_.contains(file);
  }

 private:
  std::mutex mutex_;
  std::map<std::string, Entry> entries_;  // by file
};

Library::Library(std::vector<fs::path> folders)
    : folders_(std::move(folders)), entries_(std::make_shared<Entries>()) {}

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

namespace {

/// Entries that led to a node, outermost first.
using Chain = std::vector<std::string>;

void add_file(const InputFile& file, std::vector<InputFile>& files) {
  const auto place = std::ranges::lower_bound(files, file.path, {}, &InputFile::path);
  if (place == files.end() || place->path != file.path) files.insert(place, file);
}

}  // namespace

/// One call of Library::resolve().
class Library::Resolution {
 public:
  Resolution(const Library& library, std::vector<InputFile>& files)
      : library_(library), files_(files) {}

  Node resolve(const Node& tree, Chain& chain) {
    Node node = tree;
    // Keys beside `use` are laid over the entry before anything below is resolved, so that an
    // override of a nested `use` swaps that entry instead of mixing two.
    while (const Node* use = node.find(kUse)) {
      const Node own = without(node, kUse);
      node = load_entry(*use, chain).merged_with(own);
    }
    return node.uses_library() ? resolve_below(node, chain) : node;
  }

 private:
  Node load_entry(const Node& use, Chain& chain) {
    if (use.kind() != Node::Kind::Scalar) {
      reject(use.where(),
             "'use' without a name; expected a library entry such as "
             "'accelerators/h100-sxm'");
    }
    const fs::path file = library_.file_of(use.text(), use.where());
    // A `use` that a scenario wrote below another is finite; only entries can go round in circles.
    if (library_.entries_->was_read(use.where().file) &&
        std::ranges::count(chain, use.text()) > 0) {
      reject(use.where(), fmt::format("library entries use each other in a cycle: {} -> {}",
                                      fmt::join(chain, " -> "), use.text()));
    }
    chain.push_back(use.text());
    const Entries::Entry& entry = library_.entries_->read(file);
    add_file(entry.file, files_);
    if (entry.tree.kind() == Node::Kind::Map) return entry.tree;
    reject(entry.tree.where(),
           "a library entry that is no map; expected lines such as 'name: value'");
  }

  Node resolve_below(const Node& node, const Chain& chain) {
    Diagnostics diagnostics;
    const auto resolved = [&](const Node& child) {
      if (!child.uses_library()) return child;
      Chain chain_below = chain;
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
    return node.kind() == Node::Kind::Sequence ? Node::sequence(std::move(items), node.where())
                                               : Node::map(std::move(entries), node.where());
  }

  const Library& library_;
  std::vector<InputFile>& files_;
};

Node Library::resolve(const Node& tree) const {
  std::vector<InputFile> files;
  return resolve(tree, files);
}

Node Library::resolve(const Node& tree, std::vector<InputFile>& files) const {
  if (!tree.uses_library()) return tree;
  Chain chain;
  return Resolution(*this, files).resolve(tree, chain);
}

}  // namespace orrery
