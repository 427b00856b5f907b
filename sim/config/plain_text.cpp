#include "config/plain_text.hpp"

#include <fmt/core.h>

#include <string_view>

#include <orrery/node.hpp>

namespace orrery {
namespace {

bool is_continuation(unsigned char byte) { return (byte & 0xC0U) == 0x80U; }

// Unicode 15, table 3-7: the second byte excludes overlong forms, surrogates and > U+10FFFF.
bool is_second_byte(unsigned char lead, unsigned char byte) {
  const unsigned char low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
  const unsigned char high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
  return byte >= low && byte <= high;
}

/// Length of the UTF-8 sequence at the front of `bytes`, or 0 when it is malformed.
std::size_t sequence_length(std::string_view bytes) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return 1;
  const std::size_t length = lead < 0xC2 || lead > 0xF4 ? 0 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  if (length == 0 || bytes.size() < length || !is_second_byte(lead, byte(1))) return 0;
  for (std::size_t i = 2; i < length; ++i) {
    if (!is_continuation(byte(i))) return 0;
  }
  return length;
}

// yaml-cpp takes the control character 0x04 for the end of the file and would drop the rest.
bool is_control(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return (byte < 0x20 && c != '\t' && c != '\n' && c != '\r') || byte == 0x7F;
}

}  // namespace

void check_plain_text(const std::string& text, const std::string& file) {
  Location where{file, 1, 1};
  for (std::string_view rest = text; !rest.empty();) {
    const std::size_t length = sequence_length(rest);
    if (length == 0 || is_control(rest.front())) {
      throw ConfigError(
          fmt::format("{}: not a text file; expected YAML in UTF-8; got byte 0x{:02X}",
                      where.text(), static_cast<unsigned char>(rest.front())));
    }
    const bool line_ends = rest.front() == '\n';
    where.line += line_ends ? 1 : 0;
    where.column = line_ends ? 1 : where.column + 1;
    rest.remove_prefix(length);
  }
}

}  // namespace orrery
