// yaml-cpp takes 4 to 12 ms for the entries of a run, more than a closed form takes to simulate it.
// Whatever this reader is not sure of it leaves to yaml-cpp: the two never disagree, which a test
// checks on all files and on mutations of them.
#include "config/yaml_subset.hpp"

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

namespace orrery {
namespace {

constexpr int kDeepest = 50;  // yaml-cpp's side has the limit and its message

/// The text is for the other reader.
struct NotPlain {};

bool is_key_start(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}
bool is_key_char(char c) { return is_key_start(c) || c == '.' || c == '-' || c == '/'; }

bool is_null(std::string_view text) {
  return text == "~" || text == "null" || text == "Null" || text == "NULL";
}

class SubsetParser {
 public:
  SubsetParser(const std::string& text, const std::string& file) : text_(text), file_(file) {}

  Node document() {
    if (text_.empty() || text_.back() != '\n') throw NotPlain{};
    constexpr std::string_view kOthers = "\t\r\xEF";  // the last opens a byte order mark
    if (text_.find_first_of(kOthers) != std::string_view::npos) throw NotPlain{};
    skip_to_content();
    if (at_ >= text_.size()) throw NotPlain{};
    const bool in_line = !starts_block();
    Node root = in_line ? value_in_line() : block();
    if (in_line) finish_line();
    if (at_ < text_.size()) throw NotPlain{};
    return root;
  }

 private:
  // -- Where we are.
  [[nodiscard]] char peek(std::size_t ahead = 0) const {
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\n';
  }
  [[nodiscard]] int column() const { return static_cast<int>(at_ - line_start_); }
  [[nodiscard]] Location place() const {
    return {.file = file_, .line = line_ + 1, .column = column() + 1};
  }
  [[nodiscard]] bool starts_comment() const {
    return peek() == '#' && (at_ == line_start_ || text_[at_ - 1] == ' ');
  }
  [[nodiscard]] bool starts_item() const { return peek() == '-' && peek(1) == ' '; }
  [[nodiscard]] std::size_t end_of_line() const { return text_.find('\n', at_); }

  // The end of the key that is here; none where there is no key.
  [[nodiscard]] std::optional<std::size_t> key_end() const {
    std::size_t end = at_;
    if (!is_key_start(peek())) return std::nullopt;
    while (end < text_.size() && is_key_char(text_[end])) ++end;
    const bool colon = end + 1 < text_.size() && text_[end] == ':' &&
                       (text_[end + 1] == ' ' || text_[end + 1] == '\n');
    if (!colon || is_null(text_.substr(at_, end - at_))) return std::nullopt;
    return end;
  }
  [[nodiscard]] bool starts_block() const { return starts_item() || key_end().has_value(); }

  // -- Moving on.
  void skip_spaces() {
    while (at_ < text_.size() && text_[at_] == ' ') ++at_;
  }
  void next_line() {
    at_ = end_of_line() + 1;
    line_start_ = at_;
    ++line_;
  }
  // To what is neither blank nor comment, on this line or a later one.
  void skip_to_content() {
    while (true) {
      skip_spaces();
      if (at_ >= text_.size() || (peek() != '\n' && !starts_comment())) return;
      next_line();
    }
  }
  // Past a value in a block: nothing but a comment may follow on its line.
  void finish_line() {
    skip_spaces();
    if (peek() != '\n' && !starts_comment()) throw NotPlain{};
    skip_to_content();
  }

  // -- Blocks.
  Node block() {
    const Deeper deeper(depth_);
    return starts_item() ? sequence() : map();
  }

  Node map() {
    const Location where = place();
    const int indent = column();
    std::vector<Node::Entry> entries;
    do {
      add_entry(entries, [&] { return block_value(indent); });
    } while (continues(indent) && !starts_item());
    return Node::map(std::move(entries), where);
  }

  Node sequence() {
    const Location where = place();
    const int indent = column();
    std::vector<Node> items;
    do {
      at_ += 2;
      skip_spaces();
      if (peek() == '\n' || starts_item() || starts_comment()) throw NotPlain{};
      if (key_end()) {
        const Deeper deeper(depth_);
        items.push_back(map());
      } else {
        items.push_back(value_in_line());
        finish_line();
      }
    } while (continues(indent) && starts_item());
    return Node::sequence(std::move(items), where);
  }

  // Whether the block at `indent` has more: what is deeper belongs to nothing that was read.
  [[nodiscard]] bool continues(int indent) const {
    if (at_ >= text_.size() || column() < indent) return false;
    if (column() > indent) throw NotPlain{};
    return true;
  }

  void add_entry(std::vector<Node::Entry>& entries, auto value) {
    const std::optional<std::size_t> end = key_end();
    if (!end) throw NotPlain{};
    std::string key(text_.substr(at_, *end - at_));
    if (std::ranges::count(entries, key, &Node::Entry::key) > 0) throw NotPlain{};
    Location where = place();
    at_ = *end + 1;
    Node made = value();
    entries.push_back({std::move(key), std::move(where), std::move(made)});
  }

  // The value of a key of the map at `indent`, and the lines up to the next content.
  Node block_value(int indent) {
    skip_spaces();
    if (peek() == '\n' || starts_comment()) {
      skip_to_content();
      const bool item_beside = column() == indent && starts_item();
      const bool below = at_ < text_.size() && (column() > indent || item_beside);
      if (below && (peek() == '{' || peek() == '[')) {
        Node value = flow();
        finish_line();
        return value;
      }
      if (!below || !starts_block()) throw NotPlain{};
      return block();
    }
    Node value = peek() == '>' || peek() == '|' ? text_block(indent) : value_in_line();
    finish_line();
    return value;
  }

  // Lines of equal indent, deeper than `indent`, without a blank one among them.
  Node text_block(int indent) {
    const Location where = place();
    const char between = peek() == '>' ? ' ' : '\n';
    const bool strip = peek(1) == '-';
    at_ += strip ? 2 : 1;
    if (peek() != '\n') throw NotPlain{};
    std::string text;
    std::size_t inner = 0;
    while (true) {
      const std::size_t start = end_of_line() + 1;
      const std::size_t first = text_.find_first_not_of(' ', start);
      const bool blank = first == std::string_view::npos || text_[first] == '\n';
      const std::size_t depth = blank ? 0 : first - start;
      if (inner == 0) {
        if (blank || depth <= static_cast<std::size_t>(indent)) throw NotPlain{};
        inner = depth;
      } else if (blank || depth < inner) {
        break;
      } else if (depth > inner) {
        throw NotPlain{};
      }
      next_line();
      const std::string_view line = text_.substr(first, end_of_line() - first);
      if (line.back() == ' ') throw NotPlain{};
      if (!text.empty()) text += between;
      text += line;
      at_ = end_of_line();
    }
    check_end_of_text_block(static_cast<std::size_t>(indent));
    if (!strip) text += '\n';
    return Node::scalar(std::move(text), where, true);
  }

  // What comes after blank lines must not belong to the block.
  void check_end_of_text_block(std::size_t indent) const {
    const std::size_t next = text_.find_first_not_of(" \n", at_);
    if (next == std::string_view::npos) return;
    if (next - (text_.rfind('\n', next) + 1) > indent) throw NotPlain{};
  }

  // -- Values that fit a line, or lie in brackets.
  Node value_in_line() {
    if (peek() == '{' || peek() == '[') return flow();
    if (peek() == '"' || peek() == '\'') return quoted();
    return plain(false);
  }

  Node quoted() {
    const Location where = place();
    const char mark = peek();
    const std::size_t end = text_.find_first_of(mark == '"' ? "\"\\\n" : "'\n", at_ + 1);
    if (end == std::string_view::npos || text_[end] != mark) throw NotPlain{};
    if (end + 1 < text_.size() && text_[end + 1] == mark) throw NotPlain{};
    std::string text(text_.substr(at_ + 1, end - at_ - 1));
    at_ = end + 1;
    return Node::scalar(std::move(text), where, true);
  }

  // Ends before a comment or the line does, in brackets also before ',', ']' and '}'.
  Node plain(bool in_brackets) {
    constexpr std::string_view kIndicators = "?:,[]{}#&*!|>'\"%@`";
    const bool marker = peek() == '-' && (peek(1) == ' ' || peek(1) == '\n' || peek(1) == '-');
    const bool dots = peek() == '.' && peek(1) == '.';
    if (marker || dots || kIndicators.find(peek()) != std::string_view::npos) throw NotPlain{};
    const Location where = place();
    std::size_t end = at_;
    for (; text_[end] != '\n'; ++end) {
      const char c = text_[end], next = text_[end + 1];
      if (c == '#' && text_[end - 1] == ' ') break;
      if (c == ':' && (next == ' ' || next == '\n' || in_brackets)) throw NotPlain{};
      if (!in_brackets) continue;
      if (c == ',' || c == ']' || c == '}') break;
      if (c == '[' || c == '{' || c == '?') throw NotPlain{};
    }
    std::string_view text = text_.substr(at_, end - at_);
    text = text.substr(0, text.find_last_not_of(' ') + 1);
    if (text.empty()) throw NotPlain{};
    at_ += text.size();
    return is_null(text) ? Node::null(where) : Node::scalar(std::string(text), where);
  }

  Node flow() {
    const Deeper deeper(depth_);
    const Location where = place();
    const bool is_map = peek() == '{';
    const char close = is_map ? '}' : ']';
    std::vector<Node::Entry> entries;
    std::vector<Node> items;
    ++at_;
    skip_to_content();
    for (bool more = peek() != close; more;) {
      if (is_map) {
        add_entry(entries, [&] { return flow_value(); });
      } else {
        items.push_back(flow_value());
      }
      skip_to_content();
      more = peek() == ',';
      if (!more) break;
      ++at_;
      skip_to_content();
    }
    if (peek() != close || at_ >= text_.size()) throw NotPlain{};
    ++at_;
    return is_map ? Node::map(std::move(entries), where) : Node::sequence(std::move(items), where);
  }

  Node flow_value() {
    skip_spaces();
    if (peek() == '\n' || starts_comment()) throw NotPlain{};
    if (peek() == '{' || peek() == '[') return flow();
    return peek() == '"' || peek() == '\'' ? quoted() : plain(true);
  }

  /// Counts levels while it lives.
  class Deeper {
   public:
    explicit Deeper(int& depth) : depth_(depth) {
      if (++depth_ > kDeepest) throw NotPlain{};
    }
    ~Deeper() { --depth_; }
    Deeper(const Deeper&) = delete;
    Deeper& operator=(const Deeper&) = delete;

   private:
    int& depth_;
  };

  std::string_view text_;
  const std::string& file_;
  std::size_t at_ = 0;
  std::size_t line_start_ = 0;
  int line_ = 0;
  int depth_ = 0;
};

}  // namespace

std::optional<Node> parse_yaml_subset(const std::string& text, const std::string& file) {
  try {
    return SubsetParser(text, file).document();
  } catch (const NotPlain&) {
    return std::nullopt;
  }
}

}  // namespace orrery
