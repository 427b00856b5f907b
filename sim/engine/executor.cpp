#include "engine/executor.hpp"

#include <algorithm>
#include <array>
#include <limits>

#include <fmt/format.h>

#include <orrery/error.hpp>

#include "engine/schedule_graph.hpp"
#include "engine/tiling.hpp"

namespace orrery {
namespace {

constexpr std::uint32_t kNone = std::numeric_limits<std::uint32_t>::max();

// Tokens: an operation's index and what of it has ended.
enum class Part : std::uint64_t { Compute, Latency, Transfer };
Token token_of(std::uint32_t op, Part part) {
  return static_cast<Token>(op) << 2 | static_cast<Token>(part);
}

struct RankState {
  std::array<std::uint32_t, kStreamCount> running;  // operation on each stream, or kNone
  Seconds host_time{};                              // when the host has launched everything so far
  int comm_multiprocessors = 0;
  BytesPerSecond comm_memory{};
};

struct ComputeState {
  Seconds remaining{};  // undisturbed time still to run
  Seconds since{};      // when `remaining` was right
  double slowdown = 1.0;
  Kernel::Timer timer = 0;
};

class Executor final : public CompletionHandler {
 public:
  Executor(const Program& program, const CostTable& costs, Seconds launch_time, Kernel& kernel)
      : program_(program),
        costs_(costs),
        launch_time_(launch_time),
        kernel_(kernel),
        graph_(program),
        ranks_(program.ranks),
        computing_(program.ranks),
        parts_left_(program.ops().size(), 0),
        times_(program.ops().size()),
        last_cause_(program.ops().size(), kNone) {
    for (RankState& rank : ranks_) rank.running.fill(kNone);
    add_ports();
  }

  StepResult run() {
    for (std::uint32_t op = 0; op < program_.ops().size(); ++op) {
      if (graph_.ready(op)) start(op);
    }
    kernel_.run(*this);
    if (done_ != program_.ops().size()) fail_deadlock();
    StepResult result;
    result.step_time = kernel_.now();
    result.events = kernel_.events();
    tile_step(program_, costs_, times_, last_cause_, result);
    return result;
  }

  void completed(std::span<const Token> tokens) override {
    for (const Token token : tokens) {
      const auto op = static_cast<std::uint32_t>(token >> 2);
      switch (static_cast<Part>(token & 3)) {
        case Part::Compute:
          end(op);
          break;
        case Part::Latency:
          start_transfer(op);
          break;
        case Part::Transfer:
          if (--parts_left_[op] == 0) end(op);
          break;
      }
    }
  }

 private:
  // A port of each link class for every represented rank: what it can send when everyone does.
  void add_ports() {
    std::array<BytesPerSecond, 2> capacity{};
    for (const CollectiveUse& use : program_.collectives) {
      const GroupLayout& layout = use.request.layout;
      capacity[0] = max(capacity[0], layout.scale_up);
      capacity[1] = max(capacity[1], layout.scale_out);
    }
    for (std::uint32_t rank = 0; rank < program_.ranks; ++rank) {
      for (std::size_t link = 0; link < capacity.size(); ++link) {
        ports_[link].push_back(capacity[link].si() > 0 ? kernel_.add_port(capacity[link]) : 0);
      }
    }
  }

  void start(std::uint32_t index) {
    const Op& op = program_.ops()[index];
    RankState& rank = ranks_[op.rank];
    ORRERY_CHECK(rank.running[static_cast<std::size_t>(op.stream)] == kNone);
    rank.running[static_cast<std::size_t>(op.stream)] = index;
    times_[index].start = kernel_.now();
    if (op.host_sync) rank.host_time = max(rank.host_time, kernel_.now());
    if (op.kind == Op::Kind::Host) {
      kernel_.start_timer(program_.host_times[op.work], token_of(index, Part::Compute));
    } else if (op.kind == Op::Kind::Compute) {
      rank.host_time += launch_time_ * costs_.block(op.work).launches;
      start_compute(index, op);
    } else {
      rank.host_time += launch_time_;
      const CollectiveCost& cost = costs_.collective(op.work);
      rank.comm_multiprocessors += cost.multiprocessors;
      update_compute(op.rank);
      kernel_.start_timer(cost.latency, token_of(index, Part::Latency));
    }
  }

  void start_compute(std::uint32_t index, const Op& op) {
    ComputeState& state = computing_[op.rank];
    state.remaining = costs_.block(op.work).time;
    state.since = kernel_.now();
    state.slowdown = slowdown(op);
    time_compute(index, op, state);
  }

  // The device cannot end a block before the host has launched its last kernel.
  void time_compute(std::uint32_t index, const Op& op, ComputeState& state) {
    const Seconds device = state.remaining * state.slowdown;
    const Seconds host = ranks_[op.rank].host_time - kernel_.now();
    times_[index].host = max(Seconds(0), host - device);
    state.timer = kernel_.start_timer(max(device, host), token_of(index, Part::Compute));
  }

  double slowdown(const Op& op) const {
    const RankState& rank = ranks_[op.rank];
    if (rank.comm_multiprocessors == 0 && rank.comm_memory.si() <= 0) return 1.0;
    return costs_.slowdown(op.work, rank.comm_multiprocessors, rank.comm_memory);
  }

  // Communication on `rank` started or ended: re-time the block that runs beside it.
  void update_compute(std::uint32_t rank) {
    const std::uint32_t index = ranks_[rank].running[static_cast<std::size_t>(Stream::Compute)];
    if (index == kNone || program_.ops()[index].kind != Op::Kind::Compute) return;
    const Op& op = program_.ops()[index];
    ComputeState& state = computing_[rank];
    const double factor = slowdown(op);
    if (factor == state.slowdown) return;
    const Seconds done = (kernel_.now() - state.since) / state.slowdown;
    state.remaining = max(Seconds(0), state.remaining - done);
    state.since = kernel_.now();
    state.slowdown = factor;
    kernel_.cancel_timer(state.timer);
    time_compute(index, op, state);
  }

  void start_transfer(std::uint32_t index) {
    const Op& op = program_.ops()[index];
    const CollectiveCost& cost = costs_.collective(op.work);
    ranks_[op.rank].comm_memory += cost.memory;
    update_compute(op.rank);
    if (cost.transfer.si() <= 0 || cost.loads.empty()) {
      parts_left_[index] = 1;
      kernel_.start_timer(max(cost.transfer, Seconds(0)), token_of(index, Part::Transfer));
      return;
    }
    parts_left_[index] = static_cast<std::uint8_t>(cost.loads.size());
    for (const LinkLoad& load : cost.loads) {
      kernel_.start_flow(ports_[static_cast<std::size_t>(load.link)][op.rank], load.bytes,
                         load.bytes / cost.transfer, token_of(index, Part::Transfer));
    }
  }

  void end(std::uint32_t index) {
    const Op& op = program_.ops()[index];
    RankState& rank = ranks_[op.rank];
    times_[index].end = kernel_.now();
    rank.running[static_cast<std::size_t>(op.stream)] = kNone;
    ++done_;
    if (op.kind == Op::Kind::Collective) {
      const CollectiveCost& cost = costs_.collective(op.work);
      rank.comm_multiprocessors -= cost.multiprocessors;
      rank.comm_memory -= cost.memory;
      update_compute(op.rank);
    }
    graph_.complete(index, [&](std::uint32_t next) {
      last_cause_[next] = index;
      start(next);
    });
  }

  [[noreturn]] void fail_deadlock() const {
    std::uint32_t stuck = 0;
    while (times_[stuck].end.si() >= 0) ++stuck;
    const Op& op = program_.ops()[stuck];
    throw SimulationError(fmt::format(
        "the step cannot end: {} of {} operations wait for one another; the first is operation {} "
        "({}) of represented rank {}",
        program_.ops().size() - done_, program_.ops().size(), stuck,
        op.label >= 0 ? program_.labels[static_cast<std::size_t>(op.label)] : to_text(op.tile),
        op.rank));
  }

  const Program& program_;
  const CostTable& costs_;
  Seconds launch_time_;
  Kernel& kernel_;
  ScheduleGraph graph_;
  std::vector<RankState> ranks_;
  std::vector<ComputeState> computing_;   // one per rank: its running block
  std::vector<std::uint8_t> parts_left_;  // flows of a collective under way
  std::vector<OpTime> times_;
  std::vector<std::uint32_t> last_cause_;  // whose end let an operation start
  std::array<std::vector<Kernel::Port>, 2> ports_;
  std::size_t done_ = 0;
};

}  // namespace

StepResult execute(const Program& program, const CostTable& costs, Seconds launch_time,
                   Kernel& kernel) {
  StepResult result = Executor(program, costs, launch_time, kernel).run();
  result.critical_path = critical_path(program, costs);
  return result;
}

Seconds critical_path(const Program& program, const CostTable& costs) {
  ScheduleGraph graph(program);
  std::vector<Seconds> ready(program.ops().size());
  std::vector<std::uint32_t> queue;
  for (std::uint32_t op = 0; op < program.ops().size(); ++op) {
    if (graph.ready(op)) queue.push_back(op);
  }
  Seconds longest{};
  for (std::size_t head = 0; head < queue.size(); ++head) {
    const std::uint32_t index = queue[head];
    const Op& op = program.ops()[index];
    const Seconds time = [&] {
      switch (op.kind) {
        case Op::Kind::Compute:
          return costs.block(op.work).time;
        case Op::Kind::Collective:
          return costs.collective(op.work).time();
        case Op::Kind::Host:
          return program.host_times[op.work];
      }
      return Seconds(0);
    }();
    const Seconds end = ready[index] + time;
    longest = max(longest, end);
    for (const std::uint32_t next : graph.successors(index)) ready[next] = max(ready[next], end);
    graph.complete(index, [&](std::uint32_t next) { queue.push_back(next); });
  }
  if (queue.size() != program.ops().size()) {
    throw SimulationError("the step's operations wait for one another in a cycle");
  }
  return longest;
}

}  // namespace orrery
