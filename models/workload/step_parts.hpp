#pragma once
/// Parts of a training step that are needed to build it, to weigh its memory and to bound its time.

#include <vector>

#include "workload/data_parallel.hpp"

namespace orrery::workload {

/// Layers of the `part`-th part of the model. Chunk c of stage s is part c x stages + s.
int part_layers(const Recipe& recipe, int part);
ChunkShape chunk_shape(const Recipe& recipe, int stage, int chunk);

/// What each pipeline stage holds, in order.
std::vector<StageShape> stage_shapes(const Recipe& recipe, const Groups& groups);
/// Likewise, into `shapes`, whose memory is used again.
void fill_stage_shapes(const Recipe& recipe, const Groups& groups, std::vector<StageShape>& shapes);

/// What a pipeline stage sends to the next for a microbatch, and back: of one device.
Bytes message_bytes(const Recipe& recipe);

/// Adds what `rank` does after its last backward: what is left to reduce, the optimizer, and what
/// is left to gather.
void add_tail(const Recipe& recipe, Groups& groups, DataParallel& data, int rank,
              Sequence& sequence);

}  // namespace orrery::workload
