#pragma once
/// The keys of a scenario, and of its `run` map: how it is evaluated, and what the user sets of all
/// devices.

#include <orrery/scenario.hpp>
#include <orrery/schema.hpp>

namespace orrery {

/// The keys of `run`, which go to members of the scenario.
const Schema<Scenario>& run_schema();
/// All keys of a scenario. Its parts are kept as they are, but for `run`.
const Schema<Scenario>& scenario_schema();

}  // namespace orrery
