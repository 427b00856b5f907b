#pragma once
/// Words that the reads of Reader share.

#include <string>
#include <string_view>

#include <orrery/node.hpp>

namespace orrery {

/// "ranks: expected an integer; got 'x'", with long values cut.
std::string expected_but_got(const std::string& key, std::string_view expected, const Node& got);

}  // namespace orrery
