#pragma once
/// An immutable tree of what a YAML file says, with the place of every node, made once per file.

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <orrery/error.hpp>

namespace orrery {

/// Where a node was written. Lines and columns count from 1; 0 means "the whole input".
struct Location {
  std::string file;
  int line = 0;
  int column = 0;
  /// "file:line:column", or just "file" when the line is 0.
  [[nodiscard]] std::string text() const;
};

/// A value of a YAML tree. Cheap to copy: copies share their content.
class Node {
 public:
  enum class Kind { Null, Scalar, Sequence, Map };
  struct Entry;

  Node();  ///< a Null node without a place
  static Node null(Location where);
  static Node scalar(std::string text, Location where, bool quoted = false);
  static Node sequence(std::vector<Node> items, Location where);
  static Node map(std::vector<Entry> entries, Location where);

  [[nodiscard]] Kind kind() const;
  [[nodiscard]] const Location& where() const;
  /// The text of a scalar; empty for other kinds.
  [[nodiscard]] const std::string& text() const;
  /// True for a scalar written in quotes (never a number or null).
  [[nodiscard]] bool quoted() const;
  /// The items of a sequence in file order; empty for other kinds.
  [[nodiscard]] const std::vector<Node>& items() const;
  /// The entries of a map in file order; empty for other kinds.
  [[nodiscard]] const std::vector<Entry>& entries() const;
  /// The value of `key`, or null when absent or when this is no map.
  [[nodiscard]] const Node* find(const std::string& key) const;
  /// Whether a key of this map, or of one anywhere below, is `use`. O(1).
  [[nodiscard]] bool uses_library() const;

  /// This tree with `over` laid on top: maps merge key by key, everything else is replaced. A map
  /// below the top that names its `model` is whole: it replaces what was there.
  [[nodiscard]] Node merged_with(const Node& over) const;
  /// This tree with the value at dotted `path` ("workload.ranks", "stages[2].layers") replaced.
  /// Below the top level keys and maps may be new: a library entry may hold them.
  /// @throws ConfigError naming `path` when a first key or an item does not exist, with a
  /// suggestion.
  [[nodiscard]] Node with_value_at(const std::string& path, const Node& value) const;

 private:
  struct Content;
  explicit Node(std::shared_ptr<const Content> content);
  std::shared_ptr<const Content> content_;
};

struct Node::Entry {
  std::string key;
  Location where;  ///< of the key
  Node value;
};

/// Reads one YAML document. Duplicate keys, merge keys (`<<`), several documents, anchors to cycles
/// and binary content are errors. @throws ConfigError
Node parse_yaml(const std::string& text, const std::string& file);
/// @throws ConfigError when the file is missing, unreadable, empty or not YAML.
Node load_yaml(const std::filesystem::path& file);

/// The candidate within two edits of `name`, as "; did you mean 'x'?", or "" when there is none.
std::string did_you_mean(const std::string& name, const std::vector<std::string>& candidates);

/// A file that a result depends on.
struct InputFile {
  std::string path;
  std::string sha256;  ///< lowercase hexadecimal
};

/// Folders of library entries (`configs/`), and the `use:` key that pulls them in:
/// `use: accelerators/h100-sxm` is replaced by that file's tree, keys beside it override it.
/// Every entry is read and parsed once in the life of a Library: changes of its file are not seen
/// later. Threads may share one; copies share what was read.
class Library {
 public:
  /// Folders are searched in order.
  explicit Library(std::vector<std::filesystem::path> folders);
  /// The tree with every `use:` resolved, at any depth.
  /// @throws ConfigError for an unknown entry (with a suggestion) or a cycle (naming its chain).
  [[nodiscard]] Node resolve(const Node& tree) const;
  /// The same; adds the files of the entries that were used, sorted by path and unique.
  [[nodiscard]] Node resolve(const Node& tree, std::vector<InputFile>& files) const;
  /// The file of an entry such as "accelerators/h100-sxm". @throws ConfigError if unknown.
  [[nodiscard]] std::filesystem::path file_of(const std::string& entry, const Location& from) const;
  /// All entries as "kind/name", sorted.
  [[nodiscard]] std::vector<std::string> entries() const;

 private:
  class Entries;
  class Resolution;
  std::vector<std::filesystem::path> folders_;
  std::shared_ptr<Entries> entries_;
};

}  // namespace orrery
