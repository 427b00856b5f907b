#pragma once
/// Near-miss search for misspelt names: units here, keys and library entries in config.

#include <string>
#include <vector>

namespace orrery {

/// The least number of insertions, deletions, substitutions and swaps of neighbours that turn `a`
/// into `b` (optimal string alignment). O(|a| * |b|).
int edit_distance(const std::string& a, const std::string& b);

/// The candidate within two edits of `name`, or "" when there is none. A candidate that differs in
/// case only comes first; ties go to the earlier one. A word changed in every letter is not near.
std::string closest(const std::string& name, const std::vector<std::string>& candidates);

}  // namespace orrery
