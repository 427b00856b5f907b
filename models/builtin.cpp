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
  registry.accelerators.add("gpu.tiled", accelerator::make_gpu, accelerator::gpu_table);
  registry.accelerators.add("tpu.systolic", accelerator::make_tpu, accelerator::tpu_table);
  registry.collectives.add("collective.nccl", make_nccl, nccl_table);
  registry.collectives.add("collective.torus", make_torus, torus_table);
  registry.plants.add("plant.constant", cooling::make_constant_plant,
                      cooling::constant_plant_table);
  registry.plants.add("plant.air", cooling::make_air_plant, cooling::air_plant_table);
  registry.plants.add("plant.liquid", cooling::make_liquid_plant, cooling::liquid_plant_table);
  registry.workloads.add("training", make_training, training_table);
  registry.workloads.add("transformer_layer", make_transformer_layer, transformer_layer_table);
  registry.workloads.add("gemm", make_gemm, gemm_table);
  registry.workloads.add("attention", make_attention, attention_table);
  registry.workloads.add("stream", make_stream, stream_table);
  registry.workloads.add("collective", make_collective, collective_table);
  registry.workloads.add("transfers", make_transfers, transfers_table);
  registry.server_cooling.add("cooling.air", cooling::make_air, cooling::air_table);
  registry.server_cooling.add("cooling.liquid", cooling::make_liquid, cooling::liquid_table);
  registry.server_cooling.add("cooling.immersion", cooling::make_immersion,
                              cooling::immersion_table);
  return registry;
}

}  // namespace orrery
