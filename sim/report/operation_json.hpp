#pragma once
/// Power, energy, temperatures and job of a report as JSON.

#include <nlohmann/json_fwd.hpp>

#include <orrery/operation_report.hpp>

namespace orrery {

/// Adds `power`, `energy`, `thermal` and `job` to `json`, as far as they are known.
void add_operation(const OperationReport& report, nlohmann::ordered_json& json);

}  // namespace orrery
