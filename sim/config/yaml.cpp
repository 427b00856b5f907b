// The only file that includes yaml-cpp. It listens to the parser's events instead of walking a
// YAML::Node: that sees duplicate keys, `<<` and aliases as written and stops deep nesting early.

#include <fmt/core.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <map>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <orrery/node.hpp>

#include "config/plain_text.hpp"
#include "config/yaml_subset.hpp"

namespace orrery {
namespace {

constexpr int kMaxDepth = 64;
constexpr std::size_t kMaxNodes = 4'000'000;  // with aliases written out

/// A finished node, and how deep and large it is with its aliases written out.
struct Built {
  Node node;
  int depth = 1;
  std::size_t size = 1;
};

/// A map or sequence whose end has not been seen.
struct Open {
  Node::Kind kind = Node::Kind::Map;
  Location where = {};
  YAML::anchor_t anchor = 0;
  std::vector<Node> items = {};
  std::vector<Node::Entry> entries = {};
  std::map<std::string, int> lines = {};  // of the keys
  bool key_pending = false;               // the last entry waits for its value
  bool key_rejected = false;              // and is to be dropped then
  int depth = 1;
  std::size_t size = 1;
};

class TreeBuilder final : public YAML::EventHandler {
 public:
  explicit TreeBuilder(std::string file) : file_(std::move(file)) {}

  [[nodiscard]] Location place(const YAML::Mark& mark) const {
    return mark.is_null()
               ? Location{.file = file_}
               : Location{.file = file_, .line = mark.line + 1, .column = mark.column + 1};
  }
  void report(const Location& where, const std::string& what) {
    errors_.push_back(where.text() + ": " + what);
  }
  void throw_if_any() const {
    if (!errors_.empty()) throw ConfigError(errors_);
  }
  [[nodiscard]] const std::optional<Node>& root() const { return root_; }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (started_) fail(place(mark), "a second document; expected one document in a file");
    started_ = true;
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const Location where = place(mark);
    add({.node = Node::null(where)}, anchor, where);
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    const Location where = place(mark);
    check_tag(tag, where);
    const bool quoted = tag == "!" || tag == "tag:yaml.org,2002:str";
    add({.node = Node::scalar(value, where, quoted)}, anchor, where);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end()) fail(place(mark), "an alias in a cycle; expected a finite tree");
    add(found->second, 0, place(mark));
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value /*style*/) override {
    open(Node::Kind::Sequence, mark, tag, anchor);
  }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value /*style*/) override {
    open(Node::Kind::Map, mark, tag, anchor);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapEnd() override { close(); }

 private:
  /// Reports what makes the rest of the file meaningless, with all that was found before.
  [[noreturn]] void fail(const Location& where, const std::string& what) {
    report(where, what);
    throw ConfigError(errors_);
  }

  void check_tag(const std::string& tag, const Location& where) {
    constexpr std::string_view kCore = "tag:yaml.org,2002:";
    constexpr std::string_view kKnown[] = {"str", "int", "float", "bool", "null", "map", "seq"};
    if (tag.empty() || tag == "?" || tag == "!") return;
    const bool core = tag.starts_with(kCore) &&
                      std::ranges::count(kKnown, std::string_view(tag).substr(kCore.size())) > 0;
    if (!core) report(where, fmt::format("unknown tag; expected none; got '{}'", tag));
  }

  void check_depth(const Location& where, int depth) {
    if (static_cast<int>(open_.size()) + depth <= kMaxDepth) return;
    fail(where, fmt::format("nested too deeply; expected at most {} levels", kMaxDepth));
  }

  void open(Node::Kind kind, const YAML::Mark& mark, const std::string& tag,
            YAML::anchor_t anchor) {
    const Location where = place(mark);
    check_tag(tag, where);
    check_depth(where, 1);
    if (wants_key()) fail(where, "a map or sequence as a key; expected a name");
    open_.push_back({.kind = kind, .where = where, .anchor = anchor});
  }

  void close() {
    Open done = std::move(open_.back());
    open_.pop_back();
    Node node = done.kind == Node::Kind::Map ? Node::map(std::move(done.entries), done.where)
                                             : Node::sequence(std::move(done.items), done.where);
    add({.node = std::move(node), .depth = done.depth, .size = done.size}, done.anchor, done.where);
  }

  [[nodiscard]] bool wants_key() const {
    return !open_.empty() && open_.back().kind == Node::Kind::Map && !open_.back().key_pending;
  }

  /// Puts a finished node, met at `where`, into the innermost open one.
  void add(const Built& built, YAML::anchor_t anchor, const Location& where) {
    if (anchor != 0) anchors_.insert_or_assign(anchor, built);
    if (open_.empty()) {
      root_ = built.node;
    } else if (wants_key()) {
      add_key(open_.back(), built.node, where);
    } else {
      add_value(open_.back(), built, where);
    }
  }

  void add_key(Open& map, const Node& key, const Location& where) {
    if (const std::string problem = problem_of_key(map, key, where); !problem.empty()) {
      report(where, problem);
      map.key_rejected = true;
    }
    map.entries.push_back({key.text(), where, Node()});
    map.key_pending = true;
  }

  static std::string problem_of_key(Open& map, const Node& key, const Location& where) {
    if (key.kind() != Node::Kind::Scalar || key.text().empty()) {
      return "a key without a name; expected 'name: value'";
    }
    if (key.text() == "<<" && !key.quoted()) {
      return "merge key '<<' is not supported; expected the keys written out, or 'use:'";
    }
    const auto [first, fresh] = map.lines.try_emplace(key.text(), where.line);
    if (fresh) return "";
    return fmt::format("duplicate key '{}'; first at line {}", key.text(), first->second);
  }

  void add_value(Open& parent, const Built& built, const Location& where) {
    check_depth(where, built.depth);
    parent.depth = std::max(parent.depth, built.depth + 1);
    parent.size += built.size;
    if (parent.size > kMaxNodes) {
      fail(where, fmt::format("too large; expected at most {} nodes, aliases included", kMaxNodes));
    }
    if (parent.kind == Node::Kind::Sequence) return parent.items.push_back(built.node);
    Node::Entry& entry = parent.entries.back();
    // yaml-cpp places the value of "key:" where the next token is.
    const bool bare = built.node.kind() == Node::Kind::Null && where.line != entry.where.line;
    entry.value = bare ? Node::null(entry.where) : built.node;
    if (parent.key_rejected) parent.entries.pop_back();
    parent.key_pending = false;
    parent.key_rejected = false;
  }

  std::string file_;
  bool started_ = false;
  std::vector<Open> open_;
  std::map<YAML::anchor_t, Built> anchors_;
  std::optional<Node> root_;
  std::vector<std::string> errors_;
};

/// What the parser's words most often come from.
std::string hint_for(std::string_view message) {
  const auto says = [&](std::string_view part) { return message.find(part) != message.npos; };
  if (says("tab")) return "; expected spaces";
  if (says("flow not found")) return "; expected ',' or a closing bracket";
  if (says("illegal map value")) return "; expected one 'key: value' a line, or quotes";
  if (says("end of map not found")) {
    return "; expected 'key: value' with a space after ':' and the same indentation";
  }
  return "";
}

}  // namespace

Node parse_yaml(const std::string& text, const std::string& file) {
  check_plain_text(text, file);
  if (const std::optional<Node> tree = parse_yaml_subset(text, file)) return *tree;
  return parse_whole_yaml(text, file);
}

Node parse_whole_yaml(const std::string& text, const std::string& file) {
  TreeBuilder builder(file);
  std::istringstream input(text);
  try {
    YAML::Parser parser(input);
    // The second call fails on a second document.
    if (parser.HandleNextDocument(builder)) parser.HandleNextDocument(builder);
  } catch (const YAML::Exception& error) {
    builder.report(builder.place(error.mark),
                   fmt::format("not valid YAML: {}{}", error.msg, hint_for(error.msg)));
  }
  builder.throw_if_any();
  return builder.root().value_or(Node::null({.file = file}));
}

}  // namespace orrery
