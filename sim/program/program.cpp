#include <orrery/program.hpp>

#include <orrery/error.hpp>

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

std::uint32_t Program::add(const Op& op, std::initializer_list<std::uint32_t> dependencies) {
  ORRERY_CHECK(op.rank < ranks);
  ops_.push_back(op);
  const auto index = static_cast<std::uint32_t>(ops_.size() - 1);
  for (const std::uint32_t before : dependencies) add_dependency(index, before);
  return index;
}

void Program::meet(std::uint32_t op, std::int32_t meeting) {
  ORRERY_CHECK(meeting >= 0 && ops_[op].kind == Op::Kind::Collective);
  const auto index = static_cast<std::size_t>(meeting);
  if (meetings.size() <= index) meetings.resize(index + 1);
  meetings[index].push_back(op);
  ops_[op].meeting = meeting;
}

void Program::add_dependency(std::uint32_t op, std::uint32_t before) {
  ORRERY_CHECK(op != before);
  edges_.push_back({op, before});
}

}  // namespace orrery
