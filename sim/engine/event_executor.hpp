#pragma once
/// The event executor's state. Its operations one by one are in executor.cpp, runs of them as one
/// timer in executor_runs.cpp.

#include <array>
#include <vector>

#include "engine/executor.hpp"
#include "engine/flow_demands.hpp"
#include "engine/schedule_graph.hpp"
#include "engine/tiling.hpp"
#include "engine/timelines.hpp"

namespace orrery::event {

constexpr std::uint32_t kNone = ScheduleGraph::kNone;

// Tokens: an operation's index and what of it has ended.
enum class Part : std::uint64_t { Compute, Latency, Transfer };
inline Token token_of(std::uint32_t op, Part part) {
  return static_cast<Token>(op) << 2 | static_cast<Token>(part);
}

// Operations of a rank's compute stream that run as one timer, because nothing else is under way on
// the rank. When something starts there, the run is opened and goes on operation by operation.
struct Run {
  std::vector<std::uint32_t> ops;  // empty: no run
  Kernel::Timer timer = 0;
  Seconds host_time{};  // of the rank, when the run will have ended
  bool closed = false;  // holds a recorded routine: nothing can start on the rank meanwhile
};

struct RankState {
  std::array<std::uint32_t, kStreamCount> running;  // operation on each stream, or kNone
  std::uint32_t recording = kNone;                  // instance whose run is being recorded
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
  Executor(const Program& program, const CostTable& costs, const ExecuteOptions& options,
           Kernel& kernel);

  StepResult run();

  void completed(std::span<const Token> tokens) override;

 private:
  void start(std::uint32_t index);

  const BlockCost& block(const Op& op) const;

  // Communication kernels of `op` hold so many more multiprocessors.
  void hold(const Op& op, int multiprocessors);

  // A collective starts when everyone who takes part has come; who waits spins.
  void arrive(std::uint32_t index, const Op& op);

  // A recording ends when something starts on its rank that is not of it.
  void check_recording(std::uint32_t index, RankState& rank);

  [[nodiscard]] bool idle(std::uint32_t rank) const;

  // Starts `index` and what is chained to it as one timer, if nothing else is under way on the
  // rank.
  bool start_run(std::uint32_t index);

  // Starts a routine that begins with communication as one timer, if it is recorded; starts to
  // record it, or one that begins with kernels, if it is not.
  bool start_recorded(std::uint32_t index);

  // Whether a run that began with `first` goes on with `op`: a recording is run by itself.
  [[nodiscard]] bool stays(std::uint32_t op, std::uint32_t first, const RankState& rank) const;

  // Adds `op`, or the recorded routine that begins with it, to a run at `now`, which is moved.
  // Returns the last operation on the compute stream.
  std::uint32_t append(Run& run, std::uint32_t op, Seconds& now);

  // When an operation that starts at `start` ends, nothing else being under way. The host launches
  // its kernels from `host` on, which is moved.
  Seconds end_alone(std::uint32_t index, Seconds start, Seconds& host);

  // The timer of a run has ended: so have its operations. What waits for them starts after all of
  // them have passed on that they ended.
  void end_run(std::uint32_t rank);

  // Notes who waited for `op` only and has not run with it.
  void pass_on(std::uint32_t op, std::vector<std::uint32_t>& ready);

  // Something starts on the rank: what of its run has ended is noted, and the operation under way
  // goes on by itself.
  void open_run(std::uint32_t rank);

  // What starts in the same instant as a recorded routine is beside it after all.
  void begin_again(const std::vector<std::uint32_t>& ops);

  // Operation by operation from where a run left it.
  void resume(std::uint32_t index);

  void end_compute(std::uint32_t index);

  void start_compute(std::uint32_t index, const Op& op, Seconds remaining);

  // The device cannot end a block before the host has launched its last kernel.
  void time_compute(std::uint32_t index, const Op& op, ComputeState& state);

  double slowdown(const Op& op) const;

  // Communication on `rank` started or ended: re-time the block that runs beside it.
  void update_compute(std::uint32_t rank);

  // Whether all who take part have the same latency: one timer serves them.
  [[nodiscard]] bool wait_together(std::size_t meeting) const;
  void end_latency(std::uint32_t index);

  // `share` of the transfer is left, (0, 1].
  void start_transfer(std::uint32_t index, double share = 1);

  // Moves what a collective has left. Returns how many flows it takes.
  std::uint8_t start_flows(std::uint32_t index, std::uint32_t rank, const CollectiveCost& cost,
                           double share);

  // A collective ends for all who take part when it has for the last.
  void end_transfer(std::uint32_t index);

  void end(std::uint32_t index);

  // `op` has ended: notes when what waits for it could start at the earliest, and calls
  // `ready(next)` for what may start now.
  template <class Ready>
  void complete(std::uint32_t op, Ready ready);

  // What an operation takes at its cost alone.
  [[nodiscard]] Seconds time_alone(const Op& op) const;

  [[noreturn]] void fail_deadlock() const;

  struct Meeting {
    std::uint32_t to_come = 0;
    std::uint32_t to_end = 0;
  };

  const Program& program_;
  const CostTable& costs_;
  Seconds launch_time_;
  bool coalesce_;
  bool power_trace_;
  Kernel& kernel_;
  FlowDemands demands_;
  ScheduleGraph graph_;
  Timelines timelines_;
  std::vector<RankState> ranks_;
  std::vector<ComputeState> computing_;   // one per rank: its running block
  std::vector<std::uint8_t> parts_left_;  // flows of a collective under way
  std::vector<OpTime> times_;
  std::vector<std::uint32_t> last_cause_;  // whose end let an operation start
  std::vector<Seconds> earliest_;          // start of an operation if all took their cost alone
  Seconds critical_path_{};
  std::vector<Run> runs_;  // one per rank
  std::vector<Meeting> meetings_;
  std::vector<std::uint32_t> ready_;  // scratch of end()
  std::size_t done_ = 0;
};

template <class Ready>
void Executor::complete(std::uint32_t op, Ready ready) {
  ++done_;
  const Seconds end = earliest_[op] + time_alone(program_.ops()[op]);
  critical_path_ = max(critical_path_, end);
  for (const std::uint32_t next : graph_.successors(op))
    earliest_[next] = max(earliest_[next], end);
  graph_.complete(op, [&](std::uint32_t next) {
    last_cause_[next] = op;
    ready(next);
  });
}

}  // namespace orrery::event
