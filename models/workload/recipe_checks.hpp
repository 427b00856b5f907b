#pragma once
/// What must hold between the keys of a recipe.

#include "workload/recipe.hpp"

namespace orrery::workload {

/// Reports every contradiction to the reader's diagnostics.
void check(Reader& reader, const Recipe& recipe);

}  // namespace orrery::workload
