#pragma once
/// A training step as a dependency graph of operations on named streams, for one representative of
/// every class of ranks.

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

/// What an operation does, as an index into the tables of its program.
struct Op {
  enum class Kind : std::uint8_t { Compute, Collective, Host };
  Kind kind = Kind::Compute;
  Stream stream = Stream::Compute;
  Tile tile = Tile::Compute;  ///< what its time counts as while it holds the compute stream
  bool host_sync = false;     ///< the host waits for what came before, then launches this
  std::uint32_t rank = 0;     ///< represented rank
  std::uint32_t work = 0;     ///< index of its block, collective or host time
  std::int32_t label = -1;    ///< index into Program::labels, for traces
  /// Index into Program::meetings of a collective that other represented ranks take part in; -1
  /// where the rank stands for all of its group.
  std::int32_t meeting = -1;
};

/// A collective or point-to-point operation of a program.
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

/// The operations of the represented ranks of one step. Operation `i` may start when its
/// dependencies have ended and every earlier operation of its rank and stream has. Built in any
/// order of ranks; within a rank and stream the order of creation is the order of execution.
class Program : public WorkTables {
 public:
  std::vector<std::string> labels;
  std::uint32_t ranks = 1;                   ///< represented ranks
  std::vector<RepresentedRank> represented;  ///< one per rank; empty: ordinary ranks of weight 1
  /// Operations that start when all of them could and end when all have.
  std::vector<std::vector<std::uint32_t>> meetings;

  /// A run of a routine: operations [first, first + count) of one rank. Those of equal `routine`
  /// are equal but for their rank.
  struct Instance {
    std::uint32_t first = 0, count = 0, routine = 0;
  };
  std::vector<Instance> instances;

  /// Adds an operation after `dependencies` (indices of earlier operations, or ones added later for
  /// other ranks through add_dependency). Returns its index.
  std::uint32_t add(const Op& op, std::initializer_list<std::uint32_t> dependencies = {});
  /// Device kind of a represented rank.
  [[nodiscard]] int kind(std::uint32_t rank) const {
    return represented.empty() ? 0 : represented[rank].kind;
  }
  [[nodiscard]] double weight(std::uint32_t rank) const {
    return represented.empty() ? 1 : represented[rank].weight;
  }
  /// The host waits for what came before, then launches `op`.
  void synchronise(std::uint32_t op) { ops_[op].host_sync = true; }
  /// `op` joins a meeting. @pre it is a collective
  void meet(std::uint32_t op, std::int32_t meeting);
  /// `op` waits for `before`. Duplicates are harmless.
  void add_dependency(std::uint32_t op, std::uint32_t before);
  [[nodiscard]] const std::vector<Op>& ops() const { return ops_; }
  /// All (operation, dependency) pairs, unsorted.
  struct Edge {
    std::uint32_t op, before;
  };
  [[nodiscard]] const std::vector<Edge>& edges() const { return edges_; }

 private:
  std::vector<Op> ops_;
  std::vector<Edge> edges_;
};

}  // namespace orrery
