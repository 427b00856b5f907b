#pragma once
/// What must hold before a YAML parser may look at bytes.

#include <string>

namespace orrery {

/// @throws ConfigError at the first byte of `text` that is no UTF-8 text: a NUL, another control
/// character or a malformed sequence.
void check_plain_text(const std::string& text, const std::string& file);

}  // namespace orrery
