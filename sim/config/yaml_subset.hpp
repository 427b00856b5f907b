#pragma once
/// The two readers behind parse_yaml(): a quick one for the plain YAML that nearly every file is
/// made of, and yaml-cpp for everything else and for all messages.

#include <optional>
#include <string>

#include <orrery/node.hpp>

namespace orrery {

/// The tree of `text`, as parse_whole_yaml() gives it, place by place; none where the text holds
/// anything but: block maps and sequences, flow maps and sequences, plain and quoted scalars of one
/// line without escapes, folded and literal blocks without blank lines, comments; keys of letters,
/// digits and `_ . - /`; spaces and line feeds. None, too, where the text is wrong.
/// `text` is UTF-8 without control characters.
std::optional<Node> parse_yaml_subset(const std::string& text, const std::string& file);

/// Any YAML, read by yaml-cpp. @throws ConfigError
Node parse_whole_yaml(const std::string& text, const std::string& file);

}  // namespace orrery
