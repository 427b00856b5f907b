#pragma once
/// One way to lay out a training recipe: what a search chooses of it.

#include <string>
#include <utility>
#include <vector>

#include "workload/recipe.hpp"

namespace orrery::workload {

struct Choice {
  int tensor = 1, pipeline = 1, interleave = 1, context = 1, data = 1, expert = 1, microbatch = 1;
  Sharding sharding = Sharding::None;
  Recompute recompute = Recompute::None;
  bool sequence = false;
  bool overlap_data = false;
  bool overlap_p2p = false;
};

/// Ranks that split each expert: over the tensor ranks, or not, as the recipe has it.
int expert_tensor(const Recipe& base, const Choice& choice);

/// Makes `recipe`, a copy of `base` on which other choices may have been applied, that of the
/// choice. Allocates nothing once it has room for the layers of the stages.
void apply(const Choice& choice, const Recipe& base, Recipe& recipe);

/// As `--set` takes them.
std::vector<std::pair<std::string, std::string>> settings_of(const Choice& choice,
                                                             const Recipe& base);

}  // namespace orrery::workload
