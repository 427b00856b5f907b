#pragma once
/// Operations of different represented ranks on the same resources, in closed form.

#include <cstdint>
#include <vector>

#include <orrery/outline.hpp>
#include <orrery/step_result.hpp>

#include "engine/cost_table.hpp"

namespace orrery {

/// What a placed collective takes of one resource of WorkTables::resources.
struct PlacedLoad {
  std::uint32_t resource = 0;
  Bytes bytes{};  ///< of the resource
};
std::vector<PlacedLoad> placed_loads(const CollectiveCost& cost);

/// Adds to `result` what ranks wait for one another on WorkTables::resources, whose shares follow
/// the flows that are under way, as in the kernel. @pre every rank has one pass, and its placed
/// collective ends it
void share_resources(const Outline& outline, const CostTable& costs, StepResult& result);

}  // namespace orrery
