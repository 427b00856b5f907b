#pragma once
/// The commands: what `orrery run` and the others do.

#include <orrery/registry.hpp>

#include "cli/arguments.hpp"

namespace orrery::cli {

/// Does what `arguments` ask with the models of `registry`; returns the exit code.
/// @throws ConfigError, SimulationError
int execute(const Arguments& arguments, const Registry& registry);

}  // namespace orrery::cli
