#pragma once
/// Small jobs on one to four DGX H100, changed key by key.

#include <string>
#include <utility>
#include <vector>

#include <orrery/builtin.hpp>
#include <orrery/simulation.hpp>

namespace orrery::properties_test {

using Changes = std::vector<std::pair<std::string, std::string>>;

/// Eight layers, 32 devices, Megatron-Core with all its overlap.
constexpr const char* kJob = R"(
system: {use: clusters/eos, servers: 4}
workload:
  model:
    name: small
    layers: 8
    hidden: 4096
    heads: 32
    feed_forward: 16384
    vocabulary: 32768
    max_sequence: 2048
    tied_embeddings: false
  sequence_length: 2048
  global_batch: 64
  microbatch: 1
  parallelism: {tensor: 1, pipeline: 1, sharding: zero1}
  precision: bf16
  software: {use: software/megatron-core-2024}
run: {ignore_memory: true}
)";

/// Eight A100 on PCIe switches of their own, bridged in pairs.
inline constexpr const char* kBridgedPairs = R"(
system:
  server:
    name: pairs
    accelerator: {use: accelerators/a100-sxm-80gb}
    accelerators: 8
    scale_up: {kind: links}
    links:
      - {kind: nvlink, bandwidth: 300 GB/s, latency: 0.7 us, between: [[gpu0, gpu1], [gpu2, gpu3], [gpu4, gpu5], [gpu6, gpu7]]}
    cpu: {use: cpus/xeon-8462y}
    pcie: {bandwidth: 31.5 GB/s, latency: 1 us, devices_per_switch: 1}
    communication: {model: collective.nccl, scale_up: {use: communication/nvlink3}, over_host: {use: communication/pcie}}
workload: {kind: collective, collective: all_reduce, bytes: 650 MB, dtype: bf16}
)";

inline Report run(const Changes& changes) {
  const Library library({std::string(ORRERY_SOURCE_DIR) + "/configs"});
  const Registry registry = builtin_registry();
  return Simulation(make_scenario(parse_yaml(kJob, "job.yaml"), library, changes), registry).run();
}

inline double step_seconds(const Changes& changes) { return run(changes).step.step_time.si(); }

inline Changes operator+(Changes a, const Changes& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

/// Every second layer with eight experts.
inline const Changes kExperts = {
    {"workload.model.moe",
     "{experts: 8, experts_per_token: 2, shared_experts: 1, expert_feed_forward: 4096, every: 2}"}};
inline const Changes kLatent = {
    {"workload.model.attention",
     "{kind: mla, q_lora_rank: 1024, kv_lora_rank: 512, rope_head_dim: 64, nope_head_dim: 128, "
     "value_head_dim: 128}"}};

/// Layouts that use every kind of parallelism, sharding and recomputation.
struct Layout {
  std::string name;
  Changes changes;
};

inline std::vector<Layout> layouts() {
  const auto parallelism = [](const std::string& map) {
    return Changes{{"workload.parallelism", map}};
  };
  return {
      {"data", parallelism("{sharding: none}")},
      {"zero1", parallelism("{sharding: zero1}")},
      {"zero2", parallelism("{sharding: zero2}")},
      {"zero3", parallelism("{sharding: zero3}")},
      {"hybrid", parallelism("{sharding: hybrid}")},
      {"tensor", parallelism("{tensor: 8}")},
      {"sequence", parallelism("{tensor: 4, sequence: true, sharding: zero1}")},
      {"context", parallelism("{context: 4, sharding: zero1}")},
      {"all_gather", parallelism("{context: 4, context_style: all_gather, sharding: zero1}")},
      {"ulysses", parallelism("{context: 4, context_style: ulysses, sharding: zero1}")},
      {"experts", parallelism("{expert: 8, sharding: zero1}") + kExperts},
      {"experts_pipeline", parallelism("{pipeline: 2, expert: 4, sharding: zero1}") + kExperts},
      {"experts_zero3", parallelism("{expert: 4, sharding: zero3}") + kExperts},
      {"experts_tensor",
       parallelism("{tensor: 2, sequence: true, expert: 4, sharding: zero1}") + kExperts},
      {"experts_whole",
       parallelism("{tensor: 4, sequence: true, expert: 8, expert_tensor: 1, sharding: zero1}") +
           kExperts},
      {"latent", parallelism("{tensor: 2, sequence: true}") + kLatent},
      {"pipeline", parallelism("{pipeline: 4}")},
      {"interleaved", parallelism("{pipeline: 4, interleave: 2, sharding: zero1}")},
      {"uneven", parallelism("{pipeline: 4, layers_per_stage: [1, 3, 3, 1]}")},
      {"threed", parallelism("{tensor: 2, pipeline: 4, sequence: true, sharding: zero1}")},
      {"selective",
       parallelism("{tensor: 2, pipeline: 2}") + Changes{{"workload.recompute", "selective"}}},
      {"full", parallelism("{tensor: 2, pipeline: 2}") + Changes{{"workload.recompute", "full"}}},
      {"operator", parallelism("{sharding: zero3}") + Changes{{"workload.recompute", "operator"}}},
      {"fp8", parallelism("{tensor: 2, sequence: true}") + Changes{{"workload.precision", "fp8"}}},
      {"large_microbatch", parallelism("{tensor: 2}") + Changes{{"workload.microbatch", "4"}}},
  };
}

inline Changes overlap(bool on) {
  Changes changes;
  for (const char* key : {"grad_reduce", "param_gather", "tensor", "tensor_backward", "p2p"}) {
    changes.emplace_back(std::string("workload.overlap.") + key, on ? "true" : "false");
  }
  return changes;
}

}  // namespace orrery::properties_test
