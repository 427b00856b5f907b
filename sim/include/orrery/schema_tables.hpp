#pragma once
/// Every table of fields that a program knows: of its models and of scenarios.

#include <vector>

#include <orrery/field.hpp>
#include <orrery/registry.hpp>

namespace orrery {

/// Of every model in `registry` that gave one, of what they hold, and of the maps `environment`,
/// `job`, `record`, `run` and `plan`. Names are unique; in no particular order.
std::vector<Table> schema_tables(const Registry& registry);

}  // namespace orrery
