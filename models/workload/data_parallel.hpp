#pragma once
/// What data parallelism adds around the chunks of a stage: gathering parameters, reducing
/// gradients.

#include "workload/chunk_builder.hpp"
#include "workload/memory_model.hpp"

namespace orrery::workload {

/// Hooks for `rank` and all whose groups talk over equal links. The hooks refer to this object,
/// which must outlive the sequences' construction.
class DataParallel {
 public:
  DataParallel(const Recipe& recipe, Groups& groups, int rank);

  /// Parameters are split and gathered layer by layer (zero3, hybrid) or once per microbatch
  /// (zero2).
  [[nodiscard]] bool gathers_layers() const { return full_ || sharding_ == Sharding::Zero2; }
  /// Whether the first forward, or the last backward, differs from the others.
  [[nodiscard]] bool first_differs() const {
    return active_ && sharding_ == Sharding::Zero1 && recipe_.software.overlap.param_gather;
  }
  [[nodiscard]] bool last_differs() const {
    return active_ && !gathers_layers() && recipe_.software.overlap.grad_reduce;
  }
  /// Hooks of a forward: under layer gathering of every microbatch, else of the first.
  [[nodiscard]] ChunkHooks forward(const ChunkShape& chunk, bool first_microbatch);
  [[nodiscard]] ChunkHooks backward(const ChunkShape& chunk, bool last_microbatch);
  /// Whether gradients are reduced by the hooks; otherwise reduce() does it after the last
  /// backward.
  [[nodiscard]] bool reduces_beside() const;
  /// Reduces the gradients of `parameters` at once, holding the compute stream.
  void reduce(Sequence& sequence, const DeviceParameters& parameters);
  /// What the hooks do with the gradients of a layer as soon as they are there.
  void reduce_layer(Sequence& sequence, const DeviceParameters& parameters);
  /// Gathers `parameters` after the optimizer, unless hooks do it beside the next forward.
  void gather(Sequence& sequence, const DeviceParameters& parameters);

 private:
  struct Unit {
    std::vector<std::uint32_t> gather;  // of dense parameters, then of experts
    std::vector<std::uint32_t> reduce;
    std::uint32_t replicas = 0;  // reduction between replicas (hybrid)
  };
  [[nodiscard]] Unit unit(const DeviceParameters& parameters);
  void add(Unit& unit, GroupKind group, double parameters);
  [[nodiscard]] DeviceParameters parameters(const ChunkShape& chunk, int layer) const;
  // All gathers of a unit; the step of the last, before which the others end.
  int gather_detached(Sequence& sequence, const Unit& unit, Stream stream, std::vector<int> after);
  void reduce_beside(Sequence& sequence, const Unit& unit);
  [[nodiscard]] ChunkHooks layer_gathering(const ChunkShape& chunk, bool backward);
  [[nodiscard]] ChunkHooks bucket_gathering(const ChunkShape& chunk);
  [[nodiscard]] ChunkHooks bucket_reduction(const ChunkShape& chunk);

  const Recipe& recipe_;
  Groups& groups_;
  int rank_;
  Sharding sharding_;
  bool full_;    // parameters are split too
  bool active_;  // more than one rank reduces
};

}  // namespace orrery::workload
