#pragma once
/// Whether an outline holds together, and whether two are the same.

#include <orrery/outline.hpp>

#include "sdk/findings.hpp"

namespace orrery {

/// Adds what is wrong with the indices of `outline`.
void check_outline(const Outline& outline, Check& check);

/// Ranks, passes and routines are equal, and the tables as long.
[[nodiscard]] bool same_outline(const Outline& a, const Outline& b);

}  // namespace orrery
