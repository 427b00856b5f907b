#include <orrery/schema_tables.hpp>

#include <algorithm>

#include "job/job_spec.hpp"
#include "platform/system_keys.hpp"
#include "scenario/run_spec.hpp"
#include "study/plan_spec.hpp"
#include "study/suite.hpp"

namespace orrery {
namespace {

/// Adds `tables` and the entries below them that are documented by themselves, each once.
void add_tables(const std::vector<Table>& tables, std::vector<Table>& all) {
  for (const Table& table : tables) {
    for (const Table& one : with_entries(table)) {
      const bool documented = !one.fields.empty();
      if (documented && std::ranges::count(all, one.name, &Table::name) == 0) all.push_back(one);
    }
  }
}

}  // namespace

std::vector<Table> schema_tables(const Registry& registry) {
  std::vector<Table> all;
  add_tables(registry.accelerators.tables(), all);
  add_tables(registry.collectives.tables(), all);
  add_tables(registry.workloads.tables(), all);
  add_tables(registry.server_cooling.tables(), all);
  add_tables(registry.plants.tables(), all);
  add_tables(operation_tables(), all);
  add_tables({scenario_schema().table(), system_schema().table(), run_schema().table(),
              plan_table(), suite_table()},
             all);
  return all;
}

}  // namespace orrery
