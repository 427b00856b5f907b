#pragma once
/// What a recipe must satisfy across its keys.

#include <string>
#include <vector>

#include "workload/recipe.hpp"

namespace orrery::workload {

/// Why a recipe cannot run, at a key of the workload.
struct RecipeProblem {
  static constexpr const char* kLayout = "parallelism";

  const char* key = kLayout;
  std::string what;
};

/// What does not go together in a recipe, whatever the machine; empty where it can run.
[[nodiscard]] std::vector<RecipeProblem> problems_of(const Recipe& recipe);

/// Reports what does not go together: layout against model, sequence, software.
void check(Reader& reader, const Recipe& recipe);

}  // namespace orrery::workload
