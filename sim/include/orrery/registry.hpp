#pragma once
/// The models by name. Built explicitly by a composition root; nothing registers itself.

#include <orrery/accelerator.hpp>
#include <orrery/collective.hpp>
#include <orrery/cooling.hpp>
#include <orrery/models.hpp>
#include <orrery/workload.hpp>

namespace orrery {

/// A value: copies share the factories' captures and nothing else.
struct Registry {
  Models<Accelerator> accelerators;
  Models<CollectiveModel> collectives;
  Models<Workload> workloads;
  Models<ServerCooling> server_cooling;
  Models<Plant> plants;
};

}  // namespace orrery
