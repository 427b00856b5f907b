#include "config/reader_messages.hpp"

#include <fmt/core.h>

namespace orrery {
namespace {

std::string quoted_text(const std::string& text) {
  constexpr std::size_t kLongest = 60;
  if (text.size() <= kLongest) return fmt::format("'{}'", text);
  std::size_t end = kLongest;
  while ((static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;  // whole characters only
  return fmt::format("'{}...'", text.substr(0, end));
}

std::string shown(const Node& node) {
  switch (node.kind()) {
    case Node::Kind::Null:
      return "nothing";
    case Node::Kind::Sequence:
      return "a sequence";
    case Node::Kind::Map:
      return "a map";
    case Node::Kind::Scalar:
      break;
  }
  return quoted_text(node.text());
}

}  // namespace

std::string expected_but_got(const std::string& key, std::string_view expected, const Node& got) {
  return fmt::format("{}: expected {}; got {}", key, expected, shown(got));
}

}  // namespace orrery
