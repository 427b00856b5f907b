#include <orrery/program.hpp>

namespace orrery {

const char* to_text(Tile tile) {
  switch (tile) {
    case Tile::Compute:
      return "compute";
    case Tile::TensorComm:
      return "tensor_comm";
    case Tile::PipelineComm:
      return "pipeline_comm";
    case Tile::DataComm:
      return "data_comm";
    case Tile::ContextComm:
      return "context_comm";
    case Tile::ExpertComm:
      return "expert_comm";
    case Tile::Bubble:
      return "bubble";
    case Tile::DataWait:
      return "data_wait";
    case Tile::Checkpoint:
      return "checkpoint";
    case Tile::Host:
      return "host";
    case Tile::Optimizer:
      return "optimizer";
  }
  return "?";
}

}  // namespace orrery
