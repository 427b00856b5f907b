#pragma once
/// One training step of a transformer: a recipe lowered to a program.

#include <memory>

#include <orrery/field.hpp>
#include <orrery/workload.hpp>

namespace orrery {

/// Registry name `training`.
std::unique_ptr<const Workload> make_training(Reader& reader);

/// The keys that it reads.
const Table& training_table();

}  // namespace orrery
