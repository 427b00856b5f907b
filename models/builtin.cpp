#include <orrery/builtin.hpp>

#include "accelerator/gpu.hpp"
#include "accelerator/tpu.hpp"
#include "collective/nccl.hpp"
#include "collective/torus.hpp"
#include "cooling/air.hpp"
#include "cooling/cold_plate.hpp"
#include "cooling/immersion.hpp"
#include "cooling/plant.hpp"
#include "workload/single.hpp"
#include "workload/training.hpp"
#include "workload/transfers.hpp"

namespace orrery {

Registry builtin_registry() {
  Registry registry;
  registry.accelerators.add("gpu.tiled", accelerator::make_gpu);
  registry.accelerators.add("tpu.systolic", accelerator::make_tpu);
  registry.collectives.add("collective.nccl", make_nccl);
  registry.collectives.add("collective.torus", make_torus);
  registry.plants.add("plant.constant", cooling::make_constant_plant);
  registry.plants.add("plant.air", cooling::make_air_plant);
  registry.plants.add("plant.liquid", cooling::make_liquid_plant);
  registry.workloads.add("training", make_training);
  registry.workloads.add("transformer_layer", make_transformer_layer);
  registry.workloads.add("gemm", make_gemm);
  registry.workloads.add("attention", make_attention);
  registry.workloads.add("stream", make_stream);
  registry.workloads.add("collective", make_collective);
  registry.workloads.add("transfers", make_transfers);
  registry.server_cooling.add("cooling.air", cooling::make_air);
  registry.server_cooling.add("cooling.liquid", cooling::make_liquid);
  registry.server_cooling.add("cooling.immersion", cooling::make_immersion);
  return registry;
}

}  // namespace orrery
