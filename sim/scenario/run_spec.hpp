#pragma once
/// The `run` map of a scenario: how it is evaluated, and what the user sets of all devices.

#include <orrery/scenario.hpp>
#include <orrery/schema.hpp>

namespace orrery {

/// The keys of `run`, which go to members of the scenario.
const Schema<Scenario>& run_schema();

}  // namespace orrery
