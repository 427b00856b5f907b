#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include <orrery/node.hpp>

namespace orrery {

std::string Location::text() const {
  return line == 0 ? file : fmt::format("{}:{}:{}", file, line, column);
}

struct Node::Content {
  Kind kind = Kind::Null;
  Location where = {};
  std::string text = {};
  bool quoted = false;
  std::vector<Node> items = {};
  std::vector<Entry> entries = {};
  bool uses_library = false;  // here or below
};

Node::Node() : Node(std::make_shared<const Content>()) {}
Node::Node(std::shared_ptr<const Content> content) : content_(std::move(content)) {}

Node Node::null(Location where) {
  return Node(std::make_shared<const Content>(Content{.where = std::move(where)}));
}
Node Node::scalar(std::string text, Location where, bool quoted) {
  return Node(std::make_shared<const Content>(Content{
      .kind = Kind::Scalar, .where = std::move(where), .text = std::move(text), .quoted = quoted}));
}
Node Node::sequence(std::vector<Node> items, Location where) {
  const bool uses = std::ranges::any_of(items, &Node::uses_library);
  return Node(std::make_shared<const Content>(Content{.kind = Kind::Sequence,
                                                      .where = std::move(where),
                                                      .items = std::move(items),
                                                      .uses_library = uses}));
}
Node Node::map(std::vector<Entry> entries, Location where) {
  const bool uses = std::ranges::any_of(
      entries, [](const Entry& entry) { return entry.value.uses_library() || entry.key == "use"; });
  return Node(std::make_shared<const Content>(Content{.kind = Kind::Map,
                                                      .where = std::move(where),
                                                      .entries = std::move(entries),
                                                      .uses_library = uses}));
}

Node::Kind Node::kind() const { return content_->kind; }
const Location& Node::where() const { return content_->where; }
const std::string& Node::text() const { return content_->text; }
bool Node::quoted() const { return content_->quoted; }
const std::vector<Node>& Node::items() const { return content_->items; }
const std::vector<Node::Entry>& Node::entries() const { return content_->entries; }

bool Node::uses_library() const { return content_->uses_library; }

const Node* Node::find(const std::string& key) const {
  const auto found = std::ranges::find(entries(), key, &Entry::key);
  return found == entries().end() ? nullptr : &found->value;
}

namespace {

/// Whether a map below says by itself what it is: parameters of one model mean nothing to another.
bool names_model(const Node& map) {
  const Node* model = map.find("model");
  return model != nullptr && model->kind() == Node::Kind::Scalar;
}

}  // namespace

// The merged map is placed where `over` is: that is where its author can add a missing key.
Node Node::merged_with(const Node& over) const {
  if (kind() != Kind::Map || over.kind() != Kind::Map) return over;
  std::vector<Entry> merged = entries();
  for (const Entry& entry : over.entries()) {
    const auto below = std::ranges::find(merged, entry.key, &Entry::key);
    if (below == merged.end()) {
      merged.push_back(entry);
    } else {
      *below = {entry.key, entry.where,
                names_model(entry.value) ? entry.value : below->value.merged_with(entry.value)};
    }
  }
  return map(std::move(merged), over.where());
}

}  // namespace orrery
