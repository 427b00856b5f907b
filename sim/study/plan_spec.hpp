#pragma once
/// The `plan` map of a scenario.

#include <optional>
#include <string>
#include <vector>

#include <orrery/plan.hpp>
#include <orrery/schema.hpp>
#include <orrery/strategy.hpp>

namespace orrery {

/// A metric of the report and what it may be.
struct Limit {
  std::string metric;
  Location where;
  std::optional<double> least, most;
};

/// The `plan` map of a scenario.
struct PlanSpec {
  Objective objective = Objective::Time;
  std::size_t confirm = 5;
  std::size_t show = 10;
  double memory_share = 1;
  bool prune = true;  ///< rule strategies out by a lower bound; the table is the same without
  SearchValues search;
  Location where_search;
  std::vector<Limit> limits;
};

/// @throws ConfigError with every mistake.
PlanSpec read_plan_spec(const Node& node);
/// The keys of the map.
const Table& plan_table();

}  // namespace orrery
