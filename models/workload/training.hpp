#pragma once
/// One training step of a transformer: a recipe lowered to a program.

#include <memory>

#include <orrery/workload.hpp>

namespace orrery {

/// Registry name `training`.
std::unique_ptr<const Workload> make_training(Reader& reader);

}  // namespace orrery
