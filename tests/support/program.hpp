#pragma once
/// Steps made operation by operation.

#include <algorithm>
#include <initializer_list>
#include <vector>

#include <orrery/outline.hpp>

#include "engine/executor.hpp"

namespace orrery::test {

/// What an operation of a program does, and where.
struct ProgramOp {
  Op::Kind kind = Op::Kind::Compute;
  Stream stream = Stream::Compute;
  Tile tile = Tile::Compute;
  bool host_sync = false;
  std::uint32_t rank = 0;
  std::uint32_t work = 0;
};

/// Every operation is a pass of its own, so it may wait for any others. Those of a rank and stream
/// run in order of creation.
class Program : public WorkTables {
 public:
  std::uint32_t ranks = 1;

  std::uint32_t add(const ProgramOp& op, std::initializer_list<std::uint32_t> after = {}) {
    ops_.push_back(op);
    const auto index = static_cast<std::uint32_t>(ops_.size() - 1);
    for (const std::uint32_t before : after) add_dependency(index, before);
    return index;
  }
  void add_dependency(std::uint32_t op, std::uint32_t before) { waits_.push_back({op, before}); }
  /// `op`, whose collective is its own, meets those of the same meeting and stream.
  void meet(std::uint32_t op, int meeting) {
    collectives[ops_[op].work].group = 1 + meeting;
    meets_.push_back({ops_[op].rank, meeting});
  }
  [[nodiscard]] StepResult run(const CostTable& costs, const ExecuteOptions& options,
                               Kernel& kernel) const {
    std::vector<RepresentedRank> represented(ranks);
    for (const auto& [rank, meeting] : meets_) {
      std::vector<std::int32_t>& of = represented[rank].meetings;
      of.resize(std::max(of.size(), 2 + static_cast<std::size_t>(meeting)), -1);
      of[1 + static_cast<std::size_t>(meeting)] = meeting;
    }
    std::vector<PassOps> kinds;
    std::vector<ScheduledPass> passes;
    for (const ProgramOp& op : ops_) {
      passes.push_back({op.rank, static_cast<std::uint32_t>(kinds.size())});
      kinds.emplace_back(*this,
                         Op{.kind = op.kind, .stream = op.stream, .tile = op.tile, .work = op.work},
                         op.host_sync);
    }
    return execute(Schedule(*this, represented, std::move(kinds), std::move(passes), waits_), costs,
                   options, kernel);
  }

 private:
  struct Meet {
    std::uint32_t rank;
    int meeting;
  };
  std::vector<ProgramOp> ops_;
  std::vector<PassWait> waits_;
  std::vector<Meet> meets_;
};

}  // namespace orrery::test
