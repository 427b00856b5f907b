#pragma once
/// Other values that a key may have.

#include <vector>

#include <orrery/field.hpp>
#include <orrery/node.hpp>

namespace orrery::schema_test {

/// Values in the range of `field` that differ from `now`, or from its default where `now` is null:
/// the likeliest to matter first.
std::vector<Node> changed_values(const Field& field, const Node* now, const Location& where);

}  // namespace orrery::schema_test
