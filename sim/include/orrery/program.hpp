#pragma once
/// What the operations of a training step are, the tables that they refer to, and the ranks that
/// are simulated: one representative of every class of ranks.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <orrery/collective.hpp>
#include <orrery/resource.hpp>
#include <orrery/work.hpp>

namespace orrery {

/// Where the time of a rank goes. The tiles of a rank sum to the step.
enum class Tile {
  Compute,
  TensorComm,
  PipelineComm,
  DataComm,
  ContextComm,
  ExpertComm,
  Bubble,
  DataWait,
  Checkpoint,
  Host,
  Optimizer
};
inline constexpr int kTileCount = 11;
const char* to_text(Tile tile);

/// Queues of a rank that run their operations in order. Different streams run side by side.
enum class Stream : std::uint8_t { Compute, DataComm, ParamComm, Send, TensorComm };
inline constexpr int kStreamCount = 5;

/// What an operation does, as an index into the tables of its step.
struct Op {
  enum class Kind : std::uint8_t { Compute, Collective, Host };
  Kind kind = Kind::Compute;
  Stream stream = Stream::Compute;
  Tile tile = Tile::Compute;  ///< what its time counts as while it holds the compute stream
  std::uint32_t work = 0;     ///< index of its block, collective or host time
};

/// A collective or point-to-point operation of a step.
struct CollectiveUse {
  CollectiveRequest request;
  const char* who = "";  ///< name of the group, for people: "tensor"
  int group = 0;         ///< kind of group, an index into RepresentedRank::meetings
  /// What it costs alone where no collective model is to be asked: a copy along its route.
  std::optional<CollectiveCost> cost{};
};

/// What operations refer to by index.
struct WorkTables {
  std::vector<Block> blocks;
  std::vector<CollectiveUse> collectives;
  std::vector<Seconds>
      host_times;  ///< of host operations, during which the device has nothing to do
  /// What collectives with a `placed` layout share, whatever rank issues them.
  std::vector<Resource> resources;
};

/// A rank that is simulated, and those it stands for: they run the same program on the same kind of
/// device in the same place.
struct RepresentedRank {
  std::string name;
  double weight = 1;  ///< ranks that it stands for, itself included
  int kind = 0;       ///< of its device, as Platform::kind()
  /// By kind of group: which represented ranks meet in it, as a number that its members share; -1
  /// (or nothing) where all members of the group are represented by this rank.
  std::vector<std::int32_t> meetings;
};

}  // namespace orrery
